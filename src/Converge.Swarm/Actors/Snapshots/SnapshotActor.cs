using Converge.Core;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// Takes snapshots of the state when the log has grown by so much, sends them to followers that the log no longer reaches, and receives
/// them. Decides only; files are read and written by the host, apart from all actors, so that no commit waits for a snapshot.
/// </summary>
/// <remarks>
/// A snapshot gets its name only when the ledger is durable up to its last record, so every file that bears one may be started from. Whether
/// the log is compacted behind it is the node actor's decision. Nothing here waits for a peer that is down (openraft 1706).
/// </remarks>
public sealed partial class SnapshotActor
{
    private readonly SnapshotActorOptions _options;
    private readonly ISnapshotPort _port;
    private readonly List<StateSnapshotFile> _released = [];
    private long _tick;
    private LogIndex _applied;
    private long _appliedBytes;
    private long _bytesAtNewest;
    private Term _term;
    private NodeId _leader;
    private StateSnapshotFile? _newest;
    private SnapshotMark _base;
    private Stage _stage = Stage.Idle;
    private SnapshotMessage.Frozen? _frozen;
    private SnapshotPace _pace = new();
    private long _bytesAtFreeze;
    private bool _isWanted;
    private long _retryTick;

    /// <summary>An actor that takes up where its node starts.</summary>
    /// <param name="options">What it must know.</param>
    /// <param name="newest">The snapshot from which the state machine starts; null when it starts from the beginning.</param>
    /// <param name="port">Where its messages go.</param>
    public SnapshotActor(SnapshotActorOptions options, StateSnapshotFile? newest, ISnapshotPort port)
    {
        _options = options;
        _port = port;
        _newest = newest;
        _base = newest?.Mark ?? default;
        _applied = newest?.Mark.Index ?? LogIndex.Zero;
    }

    private enum Stage
    {
        Idle,
        Freezing,
        Writing,
        WaitingForRoom,
    }

    /// <summary>Receives one message.</summary>
    public void Receive(SnapshotMessage message)
    {
        switch (message)
        {
            case SnapshotMessage.Tick tick:
                NoteTick(tick);
                break;
            case SnapshotMessage.Led led:
                NoteLeader(led);
                break;
            case SnapshotMessage.Send send:
                BeginSending(send);
                break;
            case SnapshotMessage.Renew renew:
                SendNewest(renew.To);
                break;
            case SnapshotMessage.FromPeer from:
                ReceiveFromPeer(from);
                break;
            case SnapshotMessage.Frozen frozen:
                NoteFrozen(frozen);
                break;
            case SnapshotMessage.NotFrozen:
                ThawAndWait();
                break;
            case SnapshotMessage.Checked file:
                NoteChecked(file);
                break;
            case SnapshotMessage.RecordsTaken taken:
                NoteTaken(taken);
                break;
            case SnapshotMessage.Rebased rebased:
                NoteRebased(rebased);
                break;
            case SnapshotMessage.Installed installed:
                NoteInstalled(installed.Snapshot);
                break;
            case SnapshotMessage.NotNeeded notNeeded:
                Forget(notNeeded.Snapshot);
                break;
            case SnapshotMessage.Written written:
                NoteWritten(written.Snapshot);
                break;
            case SnapshotMessage.NoRoom:
                _stage = Stage.WaitingForRoom;
                _retryTick = _tick + _options.RetryTicks;
                _port.Publish(new SwarmEvent.SnapshotPostponed());
                break;
            case SnapshotMessage.RecordsRead read:
                SendRecords(read);
                break;
            case SnapshotMessage.BytesRead read:
                SendBytes(read);
                break;
            case SnapshotMessage.BytesKept kept:
                NoteKept(kept);
                break;
            case SnapshotMessage.NotKept notKept:
                NoteNotKept(notKept.Arrival);
                break;
            case SnapshotMessage.Completed completed:
                NoteCompleted(completed);
                break;
            case SnapshotMessage.Removed:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message for a snapshot actor.");
        }
    }

    private IEnumerable<SnapshotMark> Kept => new SnapshotMark?[] { _newest?.Mark, _base }
        .Concat(_outgoing.Values.Select(outgoing => outgoing.Snapshot?.Mark))
        .OfType<SnapshotMark>()
        .Where(mark => mark != default)
        .Distinct();

    private void NoteTick(SnapshotMessage.Tick tick)
    {
        if (_tick++ == 0)
        {
            // What the node left behind when it ended.
            RemoveSuperfluous();
        }

        (_applied, _appliedBytes) = (tick.Applied, tick.AppliedBytes);
        if (_stage == Stage.WaitingForRoom && _tick >= _retryTick)
        {
            Write();
        }

        TickSending();
        TickReceiving();
        TakeIfDue();
    }

    private void NoteLeader(SnapshotMessage.Led led)
    {
        (_term, _leader) = (led.Term, led.Leader);

        // The protocol of a new term knows nothing of what was being sent, and asks anew.
        _outgoing.Clear();
        RemoveSuperfluous();
        PauseReceiving();
    }

    private void TakeIfDue()
    {
        if (_stage == Stage.Idle && IsDue(_newest?.Mark.Index ?? Founding.Mark.Index, _bytesAtNewest) && _tick >= _retryTick)
        {
            _stage = Stage.Freezing;
            _port.ToNode(NodeMessage.FreezeState.Instance);
        }
        else if (_stage == Stage.Writing && IsDue(_frozen!.State.Index, _bytesAtFreeze))
        {
            // What was applied since waits in memory until this one is there.
            _pace.Hurry();
        }
    }

    private bool IsDue(LogIndex since, long bytesThen)
    {
        (long entries, long bytes) = _options.Policy.DueAfter(_newest?.Length ?? 0);
        return _isWanted || (_applied > since && (_applied.Value - since.Value >= (ulong)entries || _appliedBytes - bytesThen >= bytes));
    }

    private void NoteFrozen(SnapshotMessage.Frozen frozen)
    {
        if (_newest is { } newest && frozen.State.Index <= newest.Mark.Index)
        {
            // Nothing was applied since, or a snapshot was installed meanwhile.
            ThawAndWait();
            ServeWaiting();
            return;
        }

        (_frozen, _bytesAtFreeze) = (frozen, _appliedBytes);
        Write();
    }

    private void ThawAndWait()
    {
        _port.ToStateMachine(StateMachineMessage.Thaw.Instance);
        _frozen = null;
        _stage = Stage.Idle;
        _retryTick = _tick + _options.OfferTicks;
    }

    private void Write()
    {
        _stage = Stage.Writing;
        _pace = new SnapshotPace();
        _port.Do(new SnapshotWork.Write(_frozen!.State, _frozen.Configuration, _frozen.Members, _pace));
    }

    private void NoteWritten(StateSnapshotFile snapshot)
    {
        _stage = Stage.Idle;
        _frozen = null;
        if (_newest is { } newest && snapshot.Mark.Index <= newest.Mark.Index)
        {
            // A later one was installed while this one was being written; the state that it was taken of is gone.
            Forget(snapshot);
            return;
        }

        _newest = snapshot;
        _bytesAtNewest = _appliedBytes;
        _port.ToNode(new NodeMessage.SnapshotTaken(snapshot));
        _port.ToStateMachine(new StateMachineMessage.Rebase(snapshot));
        _port.Publish(new SwarmEvent.SnapshotTaken(snapshot.Mark.Index, snapshot.Length));
        ServeWaiting();
    }

    private void NoteRebased(SnapshotMessage.Rebased rebased)
    {
        _base = rebased.Mark;
        if (rebased.Released is { } released)
        {
            _released.Add(released);
        }

        RemoveSuperfluous();
    }

    private void NoteInstalled(StateSnapshotFile snapshot)
    {
        if (_newest is null || snapshot.Mark.Index > _newest.Mark.Index)
        {
            _newest = snapshot;
            _bytesAtNewest = _appliedBytes;
        }

        if (_stage == Stage.WaitingForRoom)
        {
            // What was frozen is the state that was replaced.
            (_stage, _frozen) = (Stage.Idle, null);
        }

        _port.Publish(new SwarmEvent.SnapshotInstalled(snapshot.Mark.Index, snapshot.Length));
        if (_incoming is { Stage: ArrivalStage.Arrived } incoming)
        {
            // Again, in case that the first one was lost: the leader keeps what it sends until it has heard this.
            SendReceipt(incoming, resend: false);
        }

        EndReceiving(snapshot.Mark);
        RemoveSuperfluous();
    }

    private void Forget(StateSnapshotFile snapshot)
    {
        _released.Add(snapshot);
        EndReceiving(snapshot.Mark);
        RemoveSuperfluous();
    }

    /// <summary>Has deleted what nobody needs: not the one that the state rests on, nor one that is being sent, nor what a writer reads.</summary>
    private void RemoveSuperfluous()
    {
        SnapshotMark[] kept = [.. Kept];
        if (_stage == Stage.Idle && kept.Length > 0)
        {
            _port.Do(new SnapshotWork.Remove(kept, [.. _released]));
            _released.Clear();
        }
    }
}
