using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// From where a node starts: the state of its newest snapshot, or the one with which the swarm began, and the log behind it. What was
/// before is not read again.
/// </summary>
public sealed class NodeStart
{
    private NodeStart(InMemoryRaftStorage storage, GovernanceState state, StateSnapshotFile? snapshot)
    {
        Storage = storage;
        Snapshot = snapshot;
        Applied = new DigestMark(state.AppliedIndex, state.Digest);
        LastStamp = state.LastStamp;
    }

    /// <summary>The log and hard state; the node actor's from now on.</summary>
    public InMemoryRaftStorage Storage { get; }

    /// <summary>The snapshot on which the state rests; null when it has none.</summary>
    public StateSnapshotFile? Snapshot { get; }

    /// <summary>The last entry that the state has, and its digest there.</summary>
    public DigestMark Applied { get; }

    /// <summary>The stamp of the last stamped entry up to there.</summary>
    public CommandStamp LastStamp { get; }

    /// <summary>
    /// What a log must store before its node takes part; null when nothing is lacking. A log to which nothing has happened gets its
    /// beginning; one that does not reach the newest snapshot, because its node ended while it installed that, gets the rest of the way there.
    /// </summary>
    /// <param name="stored">What the log holds.</param>
    /// <param name="newest">The newest snapshot, or null.</param>
    /// <param name="joins">The node is none of the first members: without a snapshot its log has no beginning until a leader sends one.</param>
    /// <exception cref="SnapshotDamagedException">The log begins behind what there is a snapshot of.</exception>
    public static LogBatch? Batch(LogOutline stored, StateSnapshotFile? newest, bool joins = false)
    {
        if (newest is null)
        {
            return joins ? null : Founding.Batch(stored);
        }

        if (stored.Mark.Index > newest.Mark.Index)
        {
            throw new SnapshotDamagedException(newest.Path, 0, $"it is the newest and of entry {newest.Mark.Index}, and the log begins only after entry {stored.Mark.Index}");
        }

        if (stored.TermAt(newest.Mark.Index) == newest.Mark.Term)
        {
            return null;
        }

        // Only what is durable and checked bears a snapshot's name, and only committed entries are in one: it may take the log's place.
        DurableState state = stored.State;
        Term term = state.Term >= newest.Mark.Term ? state.Term : newest.Mark.Term;
        return stored.Marking(
            new DurableState(term, term == state.Term ? state.Vote : NodeId.None, LogIndex.Max(state.Commit, newest.Mark.Index)), newest.Mark);
    }

    /// <summary>The state of the newest snapshot, or the one with which the swarm began; for a node that joins, the state before everything.</summary>
    /// <param name="newest">The newest snapshot, or null.</param>
    /// <param name="founders">The first members, the same on all of them; none on a node that joins.</param>
    /// <exception cref="SnapshotDamagedException">The snapshot is not what was written.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static GovernanceState State(StateSnapshotFile? newest, IReadOnlyCollection<MemberAddress> founders) =>
        newest is not null ? new GovernanceState(newest)
        : founders.Count == 0 ? new GovernanceState()
        : Founding.State(founders);

    /// <summary>A recovered log and the newest snapshot as the node actor starts from them.</summary>
    /// <param name="recovered">What the store holds, <see cref="Batch"/> included.</param>
    /// <param name="newest">The newest snapshot, or null.</param>
    /// <param name="state">Its state, or the one from which the node starts (<see cref="State"/>).</param>
    /// <param name="founders">The first members, the same on all of them; of no account when there is a snapshot, none on a node that joins.</param>
    /// <exception cref="SnapshotDamagedException">The log begins behind what there is a snapshot of.</exception>
    public static NodeStart From(LogModel recovered, StateSnapshotFile? newest, GovernanceState state, IEnumerable<NodeId> founders)
    {
        if (newest is null && recovered.Mark == default)
        {
            var empty = new InMemoryRaftStorage();
            empty.SetHardState(new HardState(recovered.State.Term, recovered.State.Vote, recovered.State.Commit));
            return new NodeStart(empty, state, snapshot: null);
        }

        if (newest is null)
        {
            return recovered.Mark == Founding.Mark
                ? new NodeStart(Founding.Recover(recovered, founders), state, snapshot: null)
                : throw new SnapshotDamagedException(StateSnapshotFolder.FolderName, 0, $"there is no snapshot, and the log begins only after entry {recovered.Mark.Index}");
        }

        var storage = new InMemoryRaftStorage();
        storage.ApplySnapshot(new Snapshot(recovered.Mark.Index, recovered.Mark.Term, newest.Header.Configuration, default));
        storage.SetHardState(new HardState(recovered.State.Term, recovered.State.Vote, recovered.State.Commit));
        storage.Append([.. recovered.Entries.Select(entry => new Entry(entry.Term, entry.Index, (EntryKind)entry.Kind, entry.Data))]);
        storage.SetSnapshot(new Snapshot(newest.Mark.Index, newest.Mark.Term, newest.Header.Configuration, default));
        return new NodeStart(storage, state, newest);
    }
}
