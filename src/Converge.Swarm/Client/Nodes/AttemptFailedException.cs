using Converge.Core;

namespace Converge.Swarm.Nodes;

/// <summary>One node did not answer one request.</summary>
/// <param name="message">Why.</param>
/// <param name="mayHaveArrived">False when the request certainly never left.</param>
internal sealed class AttemptFailedException(string message, bool mayHaveArrived) : Exception(message)
{
    public bool MayHaveArrived { get; } = mayHaveArrived;

    /// <summary>What is said to the caller when no attempt had more luck.</summary>
    public NotCommittedReason Reason { get; init; } = NotCommittedReason.NoLeader;

    /// <summary>True when nothing went wrong but that the time given for it was over.</summary>
    public bool WasCutShort { get; init; }
}
