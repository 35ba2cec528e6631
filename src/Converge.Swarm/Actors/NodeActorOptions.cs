using Converge.Core;
using Converge.Swarm.Members;

namespace Converge.Swarm.Actors;

/// <summary>What a node actor must know besides what it recovers. Times are counted in ticks.</summary>
public sealed record NodeActorOptions
{
    /// <summary>The swarm's name; only shown.</summary>
    public required string Cluster { get; init; }

    /// <summary>This node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>How others are reached as this node's own configuration has it, this node included; the first members of the swarm unless there is a <see cref="Table"/>.</summary>
    public required IReadOnlyList<MemberAddress> Members { get; init; }

    /// <summary>The members that are known when there is no snapshot: none on a node that joins; null for the first members.</summary>
    public MemberTable? Table { get; init; }

    /// <summary>Why a new member may not have these addresses (where its peers reach it, its HTTP API); null when it may. Depends on what the host's transport can reach.</summary>
    public Func<string, string?, string?> AddressObjection { get; init; } = (_, _) => null;

    /// <summary>A leader's heartbeat.</summary>
    public required int HeartbeatTicks { get; init; }

    /// <summary>The shortest time without a leader before an election.</summary>
    public required int ElectionTicks { get; init; }

    /// <summary>
    /// Leased reads are served, from a lease that is shorter than an election timeout by so many ticks; null when they are refused. The
    /// same for every member, and then the host gives <see cref="Moment.SteadyTicks"/>.
    /// </summary>
    public int? LeaseDriftTicks { get; init; }

    /// <summary>How long a request waits before its outcome is called unknown.</summary>
    public required int RequestTimeoutTicks { get; init; }

    /// <summary>The greatest number of client commands waiting here.</summary>
    public required int MaxPendingCommands { get; init; }

    /// <summary>The greatest number of bytes in uncommitted entries.</summary>
    public required int MaxUncommittedBytes { get; init; }

    /// <summary>
    /// The greatest size in bytes of entries or commands in one message to a member, one larger entry or command excepted. Heartbeats queue
    /// behind such a message where a host has one connection for all.
    /// </summary>
    public int MaxMessageBytes { get; init; } = 512 * 1024;

    /// <summary>When a snapshot is taken, and what stays in the log behind it.</summary>
    public SnapshotOptions Snapshots { get; init; } = new();

    /// <summary>The program's version; only shown.</summary>
    public required string Version { get; init; }

    /// <summary>A number no earlier life of this node used: it keeps identities of reads and forwarded requests apart from those of earlier lives.</summary>
    public required uint Life { get; init; }
}
