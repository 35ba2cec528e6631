namespace Converge.Swarm.Simulation;

/// <summary>Why a run failed.</summary>
/// <param name="Checker">What did not hold: the checker's name.</param>
/// <param name="What">The values that show it.</param>
/// <param name="Step">In which step.</param>
/// <param name="At">At what virtual time.</param>
/// <param name="Details">The exception with its stack.</param>
public sealed record SimulationFailure(string Checker, string What, long Step, TimeSpan At, string Details);

/// <summary>What came of one run.</summary>
public sealed record SimulationRunResult
{
    /// <summary>Its seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How many nodes it had.</summary>
    public required int Nodes { get; init; }

    /// <summary>Why it failed; null when all that must hold held.</summary>
    public required SimulationFailure? Failure { get; init; }

    /// <summary>Everything that happened, as one number.</summary>
    public required UInt128 TraceHash { get; init; }

    /// <summary>How many steps it took.</summary>
    public required long Steps { get; init; }

    /// <summary>How much virtual time went by.</summary>
    public required TimeSpan Time { get; init; }

    /// <summary>How many operations clients began.</summary>
    public required int Operations { get; init; }

    /// <summary>How many faults were injected.</summary>
    public required int Faults { get; init; }

    /// <summary>How often each kind of fault was injected, in the order of <see cref="FaultKind"/>.</summary>
    public required IReadOnlyList<long> FaultCounts { get; init; }

    /// <summary>How often each rare thing happened, in the order of <see cref="SimulationCoverage"/>.</summary>
    public required IReadOnlyList<long> Coverage { get; init; }

    /// <summary>How many messages between nodes were lost, held up and repeated.</summary>
    public required long MessageFaults { get; init; }
}
