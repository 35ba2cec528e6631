namespace Converge.Swarm.Simulation;

/// <summary>A seed that failed, and the shortest way to it that was found.</summary>
/// <param name="Result">The run as it was.</param>
/// <param name="MaxFaults">With so many faults it still fails.</param>
/// <param name="MaxOperations">With so many client operations, and those faults, it still fails.</param>
/// <param name="Shortest">That shortest run.</param>
public sealed record CampaignFailure(SimulationRunResult Result, int MaxFaults, int MaxOperations, SimulationRunResult Shortest);

/// <summary>What came of a campaign.</summary>
public sealed record CampaignReport
{
    /// <summary>How many runs were made.</summary>
    public required int Runs { get; init; }

    /// <summary>How many steps they took together.</summary>
    public required long Steps { get; init; }

    /// <summary>How much virtual time went by in them together.</summary>
    public required TimeSpan VirtualTime { get; init; }

    /// <summary>How much real time the campaign took, without looking for the shortest failing run.</summary>
    public required TimeSpan RealTime { get; init; }

    /// <summary>How many operations clients began.</summary>
    public required long Operations { get; init; }

    /// <summary>How often each kind of fault was injected, in the order of <see cref="FaultKind"/>.</summary>
    public required IReadOnlyList<long> FaultCounts { get; init; }

    /// <summary>How many messages between nodes were lost, held up and repeated.</summary>
    public required long MessageFaults { get; init; }

    /// <summary>How often each rare thing happened, in the order of <see cref="SimulationCoverage"/>.</summary>
    public required IReadOnlyList<long> Coverage { get; init; }

    /// <summary>In how many runs each rare thing happened.</summary>
    public required IReadOnlyList<int> CoverageRuns { get; init; }

    /// <summary>Rare things that should have happened and did not.</summary>
    public required IReadOnlyList<SimulationCoverage> NeverSeen { get; init; }

    /// <summary>All runs together as one number, whatever their order: equal for two campaigns of the same seeds and the same program.</summary>
    public required UInt128 TraceHash { get; init; }

    /// <summary>The least number of faults and of client operations in a run.</summary>
    public required (int Faults, int Operations) Least { get; init; }

    /// <summary>The seeds that failed, in ascending order.</summary>
    public required IReadOnlyList<CampaignFailure> Failures { get; init; }

    /// <summary>True when no seed failed and nothing that should be seen was missed.</summary>
    public bool Succeeded => Failures.Count == 0 && NeverSeen.Count == 0;
}
