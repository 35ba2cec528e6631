using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Engine;

/// <summary>How one node of an in-memory cluster stands.</summary>
/// <param name="Node">The node.</param>
/// <param name="Role">Its role.</param>
/// <param name="Term">The greatest term that it has seen.</param>
/// <param name="LastIndex">The end of its log.</param>
/// <param name="CommitIndex">The last entry that it knows to be committed; it learns of it with the next thing that it acknowledges.</param>
public sealed record ClusterNode(NodeId Node, NodeRole Role, Term Term, LogIndex LastIndex, LogIndex CommitIndex);

/// <summary>How an in-memory cluster stands at this moment. Not safe for concurrent use, as the engine it belongs to.</summary>
public sealed class ClusterState
{
    private readonly InMemoryRaftGovernanceEngine _engine;
    private readonly LamportClock _clock;

    internal ClusterState(InMemoryRaftGovernanceEngine engine, ulong clock)
    {
        _engine = engine;
        _clock = new LamportClock(NodeId.None, clock);
    }

    /// <summary>The leader, or <see cref="NodeId.None"/> before the first election and after a restart.</summary>
    public NodeId Leader => _engine.Leader?.Id ?? NodeId.None;

    /// <summary>The greatest term of any node.</summary>
    public Term Term => _engine.Members.Max(member => member.Raft.Term);

    /// <summary>The last entry that is committed: a majority has acknowledged it, and no later leader can lack it.</summary>
    public LogIndex CommitIndex => _engine.Members.Max(member => member.Raft.CommitIndex);

    /// <summary>The end of the leader's log; without a leader, of the longest one.</summary>
    public LogIndex LastIndex => _engine.Leader?.LastIndex ?? _engine.Members.Max(member => member.LastIndex);

    /// <summary>The nodes, in ascending order.</summary>
    public IReadOnlyList<ClusterNode> Nodes => [.. _engine.Members.Select(member => new ClusterNode(
        member.Id, RoleOf(member.Raft.Role), member.Raft.Term, member.LastIndex, member.Raft.CommitIndex))];

    /// <summary>The cluster's logical time: of the last event that was stamped or observed.</summary>
    public LamportTimestamp Clock => new(_clock.Counter, Leader);

    /// <summary>Takes note of an event elsewhere, so that everything stamped from now on is later.</summary>
    /// <returns>The logical time afterwards.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Its counter exceeds <see cref="LamportClock.MaxCounter"/>. Nothing was changed.</exception>
    /// <exception cref="IOException">The store failed; the engine must be made anew.</exception>
    public LamportTimestamp ObserveRemoteTimestamp(LamportTimestamp remote)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(remote.Counter, LamportClock.MaxCounter, nameof(remote));
        _engine.Change(() => Observe(remote.Counter));
        return Clock;
    }

    internal ulong Counter => _clock.Counter;

    internal void Observe(ulong counter) => _clock.Observe(counter);

    private static NodeRole RoleOf(RaftRole role) => role switch
    {
        RaftRole.Follower => NodeRole.Follower,
        RaftRole.PreCandidate => NodeRole.PreCandidate,
        RaftRole.Candidate => NodeRole.Candidate,
        RaftRole.Leader => NodeRole.Leader,
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Not a role."),
    };
}
