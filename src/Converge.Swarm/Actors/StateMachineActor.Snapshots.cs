using Converge.Raft;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Actors;

/// <content>The state frozen for a snapshot, resting on it afterwards, and replaced by one that arrived; always between two entries.</content>
public sealed partial class StateMachineActor
{
    // The snapshot on which the state rests.
    private StateSnapshotFile? _base = snapshot;

    /// <summary>Makes the state of a snapshot that arrived; for a host whose state has limits of its own.</summary>
    internal Func<StateSnapshotFile, GovernanceState> StateOf { get; init; } = snapshot => new GovernanceState(snapshot);

    private void Freeze()
    {
        // One that froze and was told nothing since has lost nothing by it: a snapshot that failed is written again from what is frozen.
        Invariant.Check(!_state.IsFrozen, $"The state at {_state.AppliedIndex} is to be frozen, and an earlier one is still being written.");
        port.ToNode(new NodeMessage.Frozen(_state.Freeze()));
    }

    private void Thaw()
    {
        if (_state.IsFrozen)
        {
            _state.Thaw();
        }
    }

    private void Rebase(StateSnapshotFile written)
    {
        if (_state.IsFrozen)
        {
            _state.Rebase(written);
            RestOn(written);
        }
        else
        {
            port.ToSnapshots(new SnapshotMessage.Rebased(_base!.Mark, Released: written));
        }
    }

    private void Install(StateSnapshotFile arrived)
    {
        Invariant.Check(
            arrived.Mark.Index > _state.AppliedIndex && ledger.IsDurable(arrived.Header.Ledger.Sequence),
            $"A snapshot of entry {arrived.Mark.Index} with {arrived.Header.Ledger.Sequence} records is to be installed; {_state.AppliedIndex} is applied, and {ledger.DurableSequence} records are durable.");
        _state = StateOf(arrived);
        _announced = Math.Max(_announced, _state.LastSequence);
        RestOn(arrived);
        port.ToNode(new NodeMessage.SnapshotInstalled(arrived));
    }

    private void RestOn(StateSnapshotFile next)
    {
        StateSnapshotFile? released = _base;
        _base = next;
        port.ToSnapshots(new SnapshotMessage.Rebased(next.Mark, released));
    }
}
