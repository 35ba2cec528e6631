namespace Converge.Swarm.Simulation;

/// <summary>
/// Rare things that a campaign must have seen: one that never happens is a part of the product that nobody tested. The names are what a
/// report prints.
/// </summary>
public enum SimulationCoverage
{
    /// <summary>A node found a torn tail at its start and cut it.</summary>
    TornTailCut,

    /// <summary>A loss of power took back something that was written and not flushed.</summary>
    UnflushedWriteLost,

    /// <summary>The power went in the middle of a disk operation.</summary>
    CrashInDiskOperation,

    /// <summary>A failed write or flush ended a node.</summary>
    FailedWriteEndedNode,

    /// <summary>A flipped bit was noticed.</summary>
    DamageNoticed,

    /// <summary>The log had no room on its disk.</summary>
    LogWithoutRoom,

    /// <summary>The ledger had no room on its disk.</summary>
    LedgerWithoutRoom,

    /// <summary>A client submitted a fact again.</summary>
    CommandRetried,

    /// <summary>A client asked again for what it was to read.</summary>
    ReadRetried,
}
