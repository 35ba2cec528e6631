using Converge.Core;

namespace Converge.Swarm;

/// <summary>What a node is in the protocol at this moment.</summary>
public enum NodeRole
{
    /// <summary>Follows a leader, or waits for one.</summary>
    Follower,

    /// <summary>Asks whether it could win an election (pre-vote).</summary>
    PreCandidate,

    /// <summary>Asks for votes.</summary>
    Candidate,

    /// <summary>Orders what becomes fact.</summary>
    Leader,
}

/// <summary>How a leader sees one member.</summary>
/// <param name="Id">The member.</param>
/// <param name="Progress">Its replication state: <c>probe</c>, <c>replicate</c> or <c>snapshot</c>.</param>
/// <param name="MatchIndex">The last entry it is known to have durably.</param>
/// <param name="Active">Whether it was heard of within the last election timeout.</param>
/// <param name="Learner">True when it has no vote.</param>
public sealed record MemberProgress(NodeId Id, string Progress, LogIndex MatchIndex, bool Active, bool Learner);

/// <summary>One member of the swarm as configured here.</summary>
/// <param name="Id">The member.</param>
/// <param name="PeerAddress">Where its peers reach it, <c>host:port</c>.</param>
/// <param name="HttpUrl">Its HTTP API, if it said so.</param>
/// <param name="Connected">Whether this node has a connection to it; true for itself.</param>
public sealed record MemberAddress(NodeId Id, string PeerAddress, string? HttpUrl, bool Connected);

/// <summary>How a node sees itself and the swarm.</summary>
public sealed record SwarmStatus
{
    /// <summary>The swarm's name; peers of another are refused.</summary>
    public required string Cluster { get; init; }

    /// <summary>The node that answers.</summary>
    public required NodeId Node { get; init; }

    /// <summary>Its role.</summary>
    public required NodeRole Role { get; init; }

    /// <summary>Its term.</summary>
    public required Term Term { get; init; }

    /// <summary>The leader it knows of, or <see cref="NodeId.None"/>.</summary>
    public required NodeId Leader { get; init; }

    /// <summary>The last entry known to be committed.</summary>
    public required LogIndex CommitIndex { get; init; }

    /// <summary>The last entry applied.</summary>
    public required LogIndex AppliedIndex { get; init; }

    /// <summary>The last entry durable on this node.</summary>
    public required LogIndex DurableIndex { get; init; }

    /// <summary>The last entry in this node's log.</summary>
    public required LogIndex LastIndex { get; init; }

    /// <summary>The first entry that this node's log still holds; one more than the last when it holds none.</summary>
    public LogIndex FirstIndex { get; init; }

    /// <summary>The last entry that this node's newest snapshot covers; zero when it has none.</summary>
    public LogIndex SnapshotIndex { get; init; }

    /// <summary>The apply digest at <see cref="AppliedIndex"/>, as lower-case hexadecimal digits.</summary>
    public required string Digest { get; init; }

    /// <summary>The ledger's head on this node.</summary>
    public required LedgerHead Ledger { get; init; }

    /// <summary>How many proposals were ever created.</summary>
    public required ulong Proposals { get; init; }

    /// <summary>How many client sessions are kept.</summary>
    public required int Sessions { get; init; }

    /// <summary>The members, as configured.</summary>
    public required IReadOnlyList<MemberAddress> Members { get; init; }

    /// <summary>On the leader: how far each member is. Elsewhere empty.</summary>
    public required IReadOnlyList<MemberProgress> Progress { get; init; }

    /// <summary>True when a leader is known and everything committed at the last word from it is applied here.</summary>
    public required bool Ready { get; init; }

    /// <summary>What is wrong, in sentences; empty when all is well.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>The program's version.</summary>
    public required string Version { get; init; }

    /// <summary>How the node's query index stands; null when it keeps none, or where nobody looked.</summary>
    public ProjectionStatus? Projection { get; init; }

    /// <summary>What the node has used so far; null where nobody counted. Carried by the framed protocol, not by HTTP.</summary>
    public NodeCounters? Counters { get; init; }
}
