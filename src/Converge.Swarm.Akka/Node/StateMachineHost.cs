using Akka.Actor;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Akka.Node;

/// <summary>The state-machine actor in an Akka mailbox; flushes the ledger beside it, never on its thread.</summary>
internal sealed class StateMachineHost : UntypedActor, IStateMachinePort, IWithTimers
{
    /// <summary>How often the ledger is made durable. The log is what is acknowledged; the ledger can be derived from it again.</summary>
    private static readonly TimeSpan LedgerFlushInterval = TimeSpan.FromMilliseconds(200);

    private readonly GovernanceLedger _ledger;
    private readonly Gate _queries;
    private readonly IActorRef _node;
    private readonly StateMachineActor _actor;
    private Task _flush = Task.CompletedTask;
    private Task _preparing = Task.CompletedTask;
    private bool _flushing;
    private bool _flushWanted;

    public StateMachineHost(GovernanceState state, StateSnapshotFile? snapshot, GovernanceLedger ledger, Gate queries)
    {
        _ledger = ledger;
        _queries = queries;
        _node = Context.Parent;
        _actor = new StateMachineActor(state, snapshot, ledger, this);
    }

    public static Props Props(SwarmSettings settings, GovernanceState state, StateSnapshotFile? snapshot, GovernanceLedger ledger, Gate queries) =>
        global::Akka.Actor.Props.Create(() => new StateMachineHost(state, snapshot, ledger, queries))
            .WithDispatcher(settings.Dispatcher)
            .WithMailbox(SwarmMailbox.Id);

    private sealed record FlushDue
    {
        public static readonly FlushDue Instance = new();
    }

    /// <summary>A flush has ended.</summary>
    /// <param name="Fault">Why it failed; null when everything that was there is durable.</param>
    private sealed record Flushed(Exception? Fault);

    public ITimerScheduler Timers { get; set; } = null!;

    void IStateMachinePort.ToNode(NodeMessage message) => _node.Tell(message);

    void IStateMachinePort.ToSnapshots(SnapshotMessage message) => _node.Tell(message);

    void IStateMachinePort.Publish(SwarmEvent happened) => Context.System.EventStream.Publish(happened);

    void IStateMachinePort.WantLedgerFlush() => Flush();

    protected override void PreStart() => Timers.StartPeriodicTimer(nameof(FlushDue), FlushDue.Instance, LedgerFlushInterval);

    protected override void PostStop()
    {
        // The ledger's files are closed after this actor's end, and not under a flush.
        Task.WaitAll(_flush, _preparing);
        _actor.Close();
        _queries.Close();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case StateMachineMessage.Query query:
                _queries.Leave();
                _actor.Receive(query);
                break;
            case StateMachineMessage other:
                _actor.Receive(other);
                break;
            case FlushDue:
                Flush();
                break;
            case Flushed flushed:
                NoteFlushed(flushed.Fault);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Flush()
    {
        if (_flushing)
        {
            _flushWanted = true;
            return;
        }

        _flushing = true;
        IActorRef self = Self;
        _flush = OwnThread.Run(() => self.Tell(new Flushed(TryFlush(_ledger))));
    }

    private static Exception? TryFlush(GovernanceLedger ledger)
    {
        try
        {
            ledger.Flush();
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private void NoteFlushed(Exception? fault)
    {
        _flushing = false;
        switch (fault)
        {
            case null:
                _actor.Receive(StateMachineMessage.LedgerFlushed.Instance);
                PrepareNextSegment();
                break;
            case DiskFullException:
                _actor.Receive(StateMachineMessage.LedgerNoRoom.Instance);
                break;
            default:
                _node.Tell(new NodeFailed(fault));
                break;
        }

        if (_flushWanted && fault is null)
        {
            _flushWanted = false;
            Flush();
        }
    }

    /// <summary>Allocates the ledger's next segment while the one in use still has room, so that no flush waits for it.</summary>
    private void PrepareNextSegment()
    {
        if (_ledger.ShouldPrepareNextSegment && _preparing.IsCompleted)
        {
            IActorRef node = _node;
            _preparing = OwnThread.Run(() => TryPrepare(_ledger, node));
        }
    }

    private static void TryPrepare(GovernanceLedger ledger, IActorRef node)
    {
        try
        {
            ledger.PrepareNextSegment();
        }
        catch (DiskFullException)
        {
            // Said when the room is really needed; until then there may be some.
        }
        catch (Exception e)
        {
            node.Tell(new NodeFailed(e));
        }
    }
}
