using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// How a swarm begins: on every first member with the same snapshot of the empty state, at index 1 of term 1, in which they are the members.
/// </summary>
/// <remarks>
/// Members that were merely assumed, without a place in the log, would be unknown to a node that is added later: it would apply the
/// change that adds it to nothing, and believe to be alone.
/// </remarks>
public static class Founding
{
    /// <summary>The entry that the founding snapshot covers.</summary>
    public static readonly SnapshotMark Mark = new(new LogIndex(1), new Term(1));

    /// <summary>What a log to which nothing has happened must store before its node takes part; null when it has a beginning.</summary>
    public static LogBatch? Batch(LogOutline stored) =>
        stored.Mark == default && stored.State == default && stored.LastIndex == LogIndex.Zero
            ? stored.Marking(new DurableState(Mark.Term, NodeId.None, Mark.Index), Mark)
            : null;

    /// <summary>A recovered log as the protocol reads it.</summary>
    /// <param name="recovered">What the store holds; it has a beginning.</param>
    /// <param name="members">The first members, the same on all of them.</param>
    public static InMemoryRaftStorage Recover(LogModel recovered, IEnumerable<NodeId> members)
    {
        Invariant.Check(recovered.Mark == Mark, $"The log begins after {recovered.Mark}, not after the founding snapshot {Mark}.");
        InMemoryRaftStorage storage = InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters([.. members]));
        storage.SetHardState(new HardState(recovered.State.Term, recovered.State.Vote, recovered.State.Commit));
        storage.Append([.. recovered.Entries.Select(entry => new Entry(entry.Term, entry.Index, (EntryKind)entry.Kind, entry.Data))]);
        return storage;
    }

    /// <summary>The state that the founding snapshot stands for; entries are applied to it from the next index on.</summary>
    /// <param name="members">The first members, the same on all of them; their addresses as this node's configuration has them.</param>
    public static GovernanceState State(IEnumerable<MemberAddress> members) => StateOf(new GovernanceState(), members);

    /// <summary>The same in a state with limits of its own.</summary>
    internal static GovernanceState StateOf(GovernanceState state, IEnumerable<MemberAddress> members)
    {
        state.Found(MemberTable.Founded(members, Mark.Index));
        state.Apply(Mark.Index, Mark.Term, default);
        return state;
    }
}
