namespace Converge.Core;

/// <summary>A fact on its way to be committed, with what the client says about it.</summary>
/// <param name="Fact">What is stated.</param>
/// <param name="At">When it happened, as the client claims: Unix seconds. Recorded, never trusted.</param>
/// <param name="CommandId">Makes a repetition harmless. Without it, a repeated submission is a new one.</param>
/// <param name="ExpectedRevision">The number of facts the client believes to be recorded for the proposal; refused when it is another.</param>
/// <param name="Lamport">The client's own logical time; the committed stamp is later.</param>
public sealed record FactSubmission(
    GovernanceFact Fact,
    long? At = null,
    CommandId? CommandId = null,
    ulong? ExpectedRevision = null,
    LamportTimestamp? Lamport = null);
