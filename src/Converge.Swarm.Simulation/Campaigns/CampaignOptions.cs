namespace Converge.Swarm.Simulation;

/// <summary>Many runs, one for each seed.</summary>
public sealed record CampaignOptions
{
    /// <summary>The first seed; the others follow it.</summary>
    public ulong FirstSeed { get; init; } = 1;

    /// <summary>How many seeds.</summary>
    public int Seeds { get; init; } = 100;

    /// <summary>No new run is begun after so much real time; null for no bound.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>How many nodes each swarm has; 0 lets each seed choose between 3 and 5.</summary>
    public int Nodes { get; init; }

    /// <summary>How many runs go on at once, each on a thread of its own.</summary>
    public int Threads { get; init; } = 2;

    /// <summary>Whether the campaign ends with the first seed that fails.</summary>
    public bool StopAtFirstFailure { get; init; } = true;

    /// <summary>Whether the shortest run that fails is looked for; it takes some twenty runs more.</summary>
    public bool Shorten { get; init; } = true;

    /// <summary>With so many seeds or more, every rare thing must have happened at least once.</summary>
    public int CoverageFromSeeds { get; init; } = 1000;

    /// <summary>The rare things that cannot happen in this campaign, and are not asked for.</summary>
    public IReadOnlySet<SimulationCoverage> NotExpected { get; init; } = new HashSet<SimulationCoverage>();

    /// <summary>How one run is made; what the campaign sets itself is set over it.</summary>
    public SimulationRunOptions Run { get; init; } = new() { Seed = 0 };
}
