using System.Net;
using Converge.Core;

namespace Converge.Swarm;

/// <summary>One member as configured.</summary>
/// <param name="Id">Its identity, from 1.</param>
/// <param name="Peer">Where it listens for peers. Loopback only until transport security exists.</param>
/// <param name="Http">Where its HTTP API listens, if known. Loopback only until transport security exists.</param>
public sealed record MemberOptions(NodeId Id, IPEndPoint Peer, IPEndPoint? Http);

/// <summary>All settings of one node. Validated by whoever makes it; see <c>config/swarm.json</c> for the file form.</summary>
public sealed record SwarmOptions
{
    /// <summary>The swarm's name: letters, digits, <c>-</c>, <c>_</c>, <c>.</c>; 1 to 64 characters.</summary>
    public required string Cluster { get; init; }

    /// <summary>This node.</summary>
    public required NodeId Node { get; init; }

    /// <summary>Where this node keeps its log and ledger. One process at a time.</summary>
    public required string DataFolder { get; init; }

    /// <summary>
    /// The first members, this one included; an odd number. On a node that joins: itself and at least one member. Of account for who the
    /// first members are only until the node has a data folder; for where they are reached, always.
    /// </summary>
    public required IReadOnlyList<MemberOptions> Members { get; init; }

    /// <summary>
    /// The node is none of the first members: it is added to a swarm that exists, and knows nothing until a leader sends it everything.
    /// Of no account once the node has a data folder.
    /// </summary>
    public bool Join { get; init; }

    /// <summary>The members as addresses.</summary>
    internal IReadOnlyList<MemberAddress> Addresses =>
        [.. Members.Select(member => new MemberAddress(member.Id, member.Peer.ToString(), member.Http is null ? null : $"http://{member.Http}", false))];

    /// <summary>The length of a tick. Heartbeats and elections are counted in ticks.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>A leader's heartbeat, in ticks.</summary>
    public int HeartbeatTicks { get; init; } = 2;

    /// <summary>An election starts after this many ticks without a leader, up to twice as many by chance.</summary>
    public int ElectionTicks { get; init; } = 20;

    /// <summary>
    /// Whether reads are served from leases to those who ask for it (<see cref="ReadConsistency.Leased"/>). On every node or on none: a
    /// lease rests on what the others promise, across their restarts too.
    /// </summary>
    public bool LeasedReads { get; init; }

    /// <summary>
    /// By how many ticks a lease is shorter than the shortest election timeout: what the nodes' clocks may differ by within one, and two
    /// ticks for their being whole numbers.
    /// </summary>
    public int LeaseDriftTicks { get; init; } = 4;

    /// <summary>How long a request waits for its outcome before it is answered as unknown.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The greatest number of client commands waiting for commit on a node; above it callers get <c>busy</c>.</summary>
    public int MaxPendingCommands { get; init; } = 16_384;

    /// <summary>The greatest number of bytes in entries not yet committed; above it callers get <c>busy</c>.</summary>
    public int MaxUncommittedBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The size of a segment file of the log, allocated ahead.</summary>
    public int LogSegmentBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The size of a segment file of the ledger, allocated ahead.</summary>
    public int LedgerSegmentBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>When a snapshot is taken, and what stays in the log behind it.</summary>
    public SnapshotOptions Snapshots { get; init; } = new();

    /// <summary>The node's query index. Carried out by whoever hosts the node.</summary>
    public ProjectionOptions Projection { get; init; } = new();
}
