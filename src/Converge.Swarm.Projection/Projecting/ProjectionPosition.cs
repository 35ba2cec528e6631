namespace Converge.Swarm.Projection;

/// <summary>How far a projection is.</summary>
/// <param name="Sequence">The last record in it; 0 before the first.</param>
/// <param name="Hash">That record's hash, by which the next one is known to follow it; 64 zeros before the first.</param>
public sealed record ProjectionPosition(ulong Sequence, string Hash)
{
    /// <summary>Before the first record.</summary>
    public static readonly ProjectionPosition Start = new(0, new string('0', 64));
}
