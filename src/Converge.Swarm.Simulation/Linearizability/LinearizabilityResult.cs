namespace Converge.Swarm.Simulation;

/// <summary>What a history was found to be.</summary>
public enum LinearizabilityVerdict
{
    /// <summary>There is an order of its operations that explains every answer and contradicts no time.</summary>
    Linearizable = 1,

    /// <summary>There is none.</summary>
    NotLinearizable = 2,

    /// <summary>A bound was reached first.</summary>
    Unknown = 3,
}

/// <summary>The judgement of a history.</summary>
/// <param name="Verdict">What it was found to be, all keys together: one bad key spoils it, one that is not decided leaves it open.</param>
/// <param name="Key">The key that decided, when it is not linearizable or not known to be; otherwise null.</param>
/// <param name="Operations">How many operations were judged.</param>
/// <param name="Keys">On how many keys.</param>
/// <param name="Steps">How many times an operation was tried in a state.</param>
/// <param name="States">How many states were remembered.</param>
/// <param name="Explanation">
/// For a person: of a key that is not linearizable the shortest beginning of its history that is not, and the longest order of its operations
/// that can still be explained. Empty when it is linearizable.
/// </param>
public sealed record LinearizabilityResult(
    LinearizabilityVerdict Verdict, string? Key, int Operations, int Keys, long Steps, long States, string Explanation);
