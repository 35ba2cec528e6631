using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>What a simulated swarm is made of. Limits are small, so that what is rare in a long life happens in a short one.</summary>
public sealed record SimulatedSwarmOptions
{
    /// <summary>Everything that is random depends on it. The same seed and options give the same run, bit for bit.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How many nodes found the swarm; an odd number.</summary>
    public int Nodes { get; init; } = 3;

    /// <summary>The tick of each node's timer in milliseconds.</summary>
    public int TickMilliseconds { get; init; } = 50;

    /// <summary>A leader's heartbeat, in ticks.</summary>
    public int HeartbeatTicks { get; init; } = 2;

    /// <summary>The shortest time without a leader before an election, in ticks.</summary>
    public int ElectionTicks { get; init; } = 10;

    /// <summary>How long a request waits on a node before its outcome is called unknown, in ticks.</summary>
    public int RequestTimeoutTicks { get; init; } = 60;

    /// <summary>By how many ticks a lease is shorter than an election timeout; null for a swarm without leased reads.</summary>
    public int? LeaseDriftTicks { get; init; }

    /// <summary>The greatest number of client commands waiting on a node.</summary>
    public int MaxPendingCommands { get; init; } = 64;

    /// <summary>The greatest number of bytes in uncommitted entries.</summary>
    public int MaxUncommittedBytes { get; init; } = 256 * 1024;

    /// <summary>The greatest size in bytes of what one message between nodes carries.</summary>
    public int MaxMessageBytes { get; init; } = 4 * 1024;

    /// <summary>The size in bytes of a segment of the agreed log.</summary>
    public int LogSegmentBytes { get; init; } = 64 * 1024;

    /// <summary>The size in bytes of a segment of the ledger.</summary>
    public int LedgerSegmentBytes { get; init; } = 256 * 1024;

    /// <summary>Whether the next segment of the agreed log is allocated ahead.</summary>
    public bool PreparesSegments { get; init; } = true;

    /// <summary>How many client sessions the state machine keeps.</summary>
    public int MaxSessions { get; init; } = 8;

    /// <summary>How many answers the state machine keeps over all sessions.</summary>
    public int MaxAnswers { get; init; } = 128;

    /// <summary>How many numbers back a session looks.</summary>
    public ulong SessionWindow { get; init; } = 32;

    /// <summary>When a node takes a snapshot, and what stays in its log behind it.</summary>
    public SnapshotOptions Snapshots { get; init; } = new();

    /// <summary>The shortest and the longest time that one work with a snapshot's files takes, in microseconds.</summary>
    public (long Least, long Greatest) SnapshotWorkMicroseconds { get; init; } = (200, 20_000);

    /// <summary>How often a node makes its ledger durable, in milliseconds.</summary>
    public int LedgerFlushMilliseconds { get; init; } = 200;

    /// <summary>How the network is at the beginning.</summary>
    public NetworkConditions Network { get; init; } = new();

    /// <summary>The shortest and the longest time that a flush takes, in microseconds.</summary>
    public (long Least, long Greatest) FlushMicroseconds { get; init; } = (200, 4_000);

    /// <summary>The shortest and the longest time that an actor's message waits for a processor, in microseconds.</summary>
    public (long Least, long Greatest) ServiceMicroseconds { get; init; } = (2, 60);

    /// <summary>Where a line for every event goes; null for nowhere. What is written does not change the run.</summary>
    public TextWriter? Trace { get; init; }

    /// <summary>Who watches. Called once for each run: a checker belongs to one.</summary>
    public Func<IEnumerable<ISimulationChecker>> Checkers { get; init; } = SimulationCheckers.All;

    /// <summary>
    /// What else runs in each node's process: called with each start of a node, null for nothing. This is where an embedding program puts
    /// its own code.
    /// </summary>
    public Func<NodeId, ISimulatedHandler?>? Handler { get; init; }
}
