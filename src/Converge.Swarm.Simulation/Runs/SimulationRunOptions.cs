namespace Converge.Swarm.Simulation;

/// <summary>One simulated run: what happens in it follows from the seed.</summary>
public sealed record SimulationRunOptions
{
    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How many nodes found the swarm; 0 lets the seed choose between 3 and 5.</summary>
    public int Nodes { get; init; }

    /// <summary>How long faults are injected, in seconds of virtual time.</summary>
    public int SafetySeconds { get; init; } = 50;

    /// <summary>How long it may take after the last fault until all is well again, in seconds of virtual time.</summary>
    public int HealingSeconds { get; init; } = 20;

    /// <summary>How long the run lasts at least, in seconds of virtual time.</summary>
    public int Seconds { get; init; } = 62;

    /// <summary>No more faults than this are injected.</summary>
    public int MaxFaults { get; init; } = int.MaxValue;

    /// <summary>No more client operations than this are begun in the safety phase.</summary>
    public int MaxOperations { get; init; } = int.MaxValue;

    /// <summary>Where a line for every event goes; null for nowhere.</summary>
    public TextWriter? Trace { get; init; }

    /// <summary>Who watches.</summary>
    public Func<IEnumerable<ISimulationChecker>> Checkers { get; init; } = SimulationCheckers.All;

    /// <summary>An embedding program's own code in each node's process; null for none.</summary>
    public Func<Core.NodeId, ISimulatedHandler?>? Handler { get; init; }

    /// <summary>Called before the first step: for an embedding program's own clients, scenes and faults. Null for none.</summary>
    public Action<SimulatedSwarm>? Prepare { get; init; }
}
