using System.Reflection;
using System.Security.Cryptography;
using Akka.Actor;
using Akka.Event;
using Akka.Pattern;
using Akka.Remote;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Journal;
using Converge.Swarm.Akka.Remoting;
using Converge.Swarm.Akka.Serialization;
using Converge.Swarm.Governance;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using LogMessage = Converge.Swarm.Actors.LogMessage;

namespace Converge.Swarm.Akka.Node;

/// <summary>The node cannot go on.</summary>
internal sealed record NodeFailed(Exception Reason);

/// <summary>
/// The node actor in an Akka mailbox, the parent of the log and the state machine. Carries messages and decides nothing; the decisions
/// are <see cref="NodeActor"/>'s.
/// </summary>
internal sealed class NodeHost : UntypedActor, INodePort, IWithTimers
{
    private const string TickKey = "tick";

    private readonly SwarmSettings _settings;
    private readonly GovernanceLedger _ledger;
    private readonly SnapshotsFound _found;
    private readonly LogLife _logLife;
    private readonly Peers _peers;
    private readonly Gate _clients;
    private readonly NodeNews _news;
    private readonly Gate _queries;
    private readonly PeerPresence _presence;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private IActorRef _logActor = ActorRefs.Nobody;
    private IActorRef _stateMachine = ActorRefs.Nobody;
    private IActorRef _snapshots = ActorRefs.Nobody;
    private GovernanceState? _state;
    private NodeActor? _actor;
    private bool _turnQueued;

    public NodeHost(SwarmSettings settings, GovernanceLedger ledger, SnapshotsFound found, LogLife logLife, Peers peers, Gate clients, NodeNews news)
    {
        _settings = settings;
        _ledger = ledger;
        _found = found;
        _logLife = logLife;
        _peers = peers;
        _clients = clients;
        _news = news;
        _presence = new PeerPresence(settings.ElectionTicks);
        _queries = new Gate(settings.MaxPendingCommands);
    }

    public static Props Props(SwarmSettings settings, GovernanceLedger ledger, SnapshotsFound found, LogLife logLife, Peers peers, Gate clients, NodeNews news) =>
        global::Akka.Actor.Props.Create(() => new NodeHost(settings, ledger, found, logLife, peers, clients, news))
            .WithDispatcher(settings.Dispatcher)
            .WithMailbox(SwarmMailbox.Id);

    private sealed record TickDue
    {
        public static readonly TickDue Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    void INodePort.ToPeer(NodeId peer, PeerMessage message) => _peers.Send(peer, message);

    void INodePort.ToLog(LogMessage message) => _logActor.Tell(message);

    void INodePort.ToStateMachine(StateMachineMessage message)
    {
        if (message is StateMachineMessage.Query query && !_queries.TryEnter())
        {
            (NotCommittedReason reason, string why) = _queries.IsClosed
                ? (NotCommittedReason.Stopping, Unanswered.ShuttingDown)
                : (NotCommittedReason.Busy, Unanswered.Busy);
            query.Refuse(reason, why);
            return;
        }

        _stateMachine.Tell(message);
        if (_queries.IsClosed)
        {
            // It closes that before its mailbox: the question may have come too late to be answered by it.
            Unanswered.Refuse(message, NotCommittedReason.Stopping, Unanswered.ShuttingDown);
        }
    }

    void INodePort.ToSnapshots(SnapshotMessage message) => _snapshots.Tell(message);

    void INodePort.WantTurn()
    {
        if (!_turnQueued)
        {
            _turnQueued = true;
            Self.Tell(NodeMessage.Turn.Instance);
        }
    }

    bool INodePort.IsConnected(NodeId peer) => _presence.IsConnected(peer);

    void INodePort.Publish(SwarmEvent happened)
    {
        Say(happened);
        Context.System.EventStream.Publish(happened);
    }

    void INodePort.Fail(Exception reason) => Context.Parent.Tell(new NodeFailed(reason));

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(reason =>
    {
        Context.Parent.Tell(new NodeFailed(reason));
        return Directive.Stop;
    });

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<RemotingLifecycleEvent>(Self);
        GovernanceState state = NodeStart.State(_found.Newest, _settings.Addresses);
        _state = state;
        _stateMachine = Context.ActorOf(StateMachineHost.Props(_settings, state, _found.Newest, _ledger, _queries), "state-machine");
        _snapshots = Context.ActorOf(SnapshotHost.Props(_settings, _found, _ledger, _peers, _stateMachine), "snapshots");
        SwarmSettings.LogSettings log = _settings.Log;
        Context.ActorOf(
            BackoffSupervisor.Props(Backoff.OnStop(
                RaftLogActor.Props(_settings, _logLife, Self, _peers), "log", log.MinBackoff, log.MaxBackoff, log.RandomFactor, maxNrOfRetries: -1)
                .WithDefaultStoppingStrategy()),
            "log-supervisor");
    }

    protected override void PostStop()
    {
        _actor?.Close();

        // In this order: whoever finds the gate closed is told that the node has ended, and not that it is busy.
        _news.Close();
        _clients.Close();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case PeerEnvelope envelope:
                if (_actor is not null && _peers.Accepts(envelope))
                {
                    _presence.NoteHeard(envelope.From);
                    Receive(new NodeMessage.FromPeer(envelope.From, envelope.Message));
                }

                break;
            case TickDue:
                // Set anew each time: a node that fell behind gets one tick, not many.
                Timers.StartSingleTimer(TickKey, TickDue.Instance, _settings.Tick);
                _presence.Tick();
                Receive(NodeMessage.Tick.Instance);
                break;
            case NodeMessage.Turn:
                _turnQueued = false;
                Receive(NodeMessage.Turn.Instance);
                break;
            case NodeMessage request when ClientRequest.Is(request):
                _clients.Leave();
                Receive(request);
                break;
            case NodeMessage.Drain drain when _actor is null:
                drain.Reply.Send(true);
                break;
            case NodeMessage other:
                Receive(other);
                break;
            case SnapshotMessage fromStateMachine:
                _snapshots.Tell(fromStateMachine);
                break;
            case LogRecovered recovered:
                TakeLog(recovered);
                break;
            case RemotingLifecycleEvent lifecycle:
                NoteConnection(lifecycle);
                break;
            case NodeFailed:
                Context.Parent.Tell(message);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Receive(NodeMessage message) => _actor?.Receive(
        message,
        new Moment(Context.System.Scheduler.Now.ToUnixTimeMilliseconds(), _settings.LeasedReads ? SteadyClock.Ticks(_settings.Tick) : 0));

    private void TakeLog(LogRecovered recovered)
    {
        _logActor = recovered.Log;
        LogOutline stored = recovered.Recovered.Outline;
        if (_actor is null)
        {
            Open(recovered.Recovered);
        }

        Receive(new NodeMessage.LogStarted(recovered.Incarnation, stored));
    }

    private void Open(LogModel recovered)
    {
        if (!_logLife.IsKnown && recovered.Entries.Count > 0)
        {
            string why = $"its journal holds a log and it has no {NodeIdentityFile.FileName} that says whose";
            Context.Parent.Tell(new NodeFailed(new WrongFolderException(_settings.DataFolder, why)));
            return;
        }

        // Written last: where it stands the log and the ledger have been, and an empty one beside it is a lost one.
        NodeIdentityFile.Write(PhysicalDisk.Instance, _settings.DataFolder, new NodeIdentity(_settings.Cluster, _settings.Node));
        _log.Info(
            "Node {0} of swarm '{1}' starts on {2}: {3} entries in its log, term {4}, {5} records in its ledger.",
            _settings.Node,
            _settings.Cluster,
            _settings.DataFolder,
            recovered.Outline.LastIndex,
            recovered.State.Term,
            _ledger.LastSequence);
        _actor = new NodeActor(
            new NodeActorOptions
            {
                Cluster = _settings.Cluster,
                Self = _settings.Node,
                Members = _settings.Addresses,
                HeartbeatTicks = _settings.HeartbeatTicks,
                ElectionTicks = _settings.ElectionTicks,
                LeaseDriftTicks = _settings.LeasedReads ? _settings.LeaseDriftTicks : null,
                RequestTimeoutTicks = Math.Max(1, (int)(_settings.RequestTimeout / _settings.Tick)),
                MaxPendingCommands = _settings.MaxPendingCommands,
                MaxUncommittedBytes = _settings.MaxUncommittedBytes,
                MaxMessageBytes = _settings.MaxMessageBytes,
                Snapshots = _settings.Snapshots,
                Version = typeof(NodeHost).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
                Life = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint))),
            },
            NodeStart.From(recovered, _found.Newest, _state!, _settings.Members.Keys.Order()),
            new RandomSource(),
            this);
        _state = null;
        Timers.StartSingleTimer(TickKey, TickDue.Instance, _settings.Tick);
        Context.Parent.Tell(ClientProxy.NodeOpened.Instance);
    }

    private void NoteConnection(RemotingLifecycleEvent lifecycle)
    {
        (Address? address, bool connected) = lifecycle switch
        {
            AssociatedEvent associated => (associated.RemoteAddress, true),
            DisassociatedEvent disassociated => (disassociated.RemoteAddress, false),
            AssociationErrorEvent error => (error.RemoteAddress, false),
            QuarantinedEvent quarantined => (quarantined.Address, false),
            ThisActorSystemQuarantinedEvent quarantined => (quarantined.RemoteAddress, false),
            _ => (null, false),
        };
        NodeId peer = _peers.At(address);
        if (peer.IsNone)
        {
            return;
        }

        if (lifecycle is QuarantinedEvent or ThisActorSystemQuarantinedEvent)
        {
            _log.Error("Node {0} and this one no longer speak: {1}. That lasts until one of the two processes is started again.", peer, lifecycle);
        }

        if (connected)
        {
            _presence.NoteAssociated(peer);
        }
        else if (_presence.NoteLost(peer))
        {
            Receive(new NodeMessage.PeerLost(peer));
        }
    }

    private void Say(SwarmEvent happened)
    {
        switch (happened)
        {
            case SwarmEvent.LeaderChanged { Leader.IsNone: true } changed:
                _log.Warning("No leader is known in term {0}.", changed.Term);
                break;
            case SwarmEvent.LeaderChanged changed:
                _log.Info("Node {0} leads in term {1}.", changed.Leader, changed.Term);
                break;
            case SwarmEvent.StateDiverged diverged:
                _log.Error("The state of node {0} differs from this node's at applied index {1}: one of the two is wrong.", diverged.Peer, diverged.Index);
                break;
            case SwarmEvent.SpaceChanged { Available: true }:
                _log.Info("The disk has room again.");
                break;
            case SwarmEvent.SpaceChanged:
                _log.Error("The disk has no room for the log. Nothing is acknowledged here until it has.");
                break;
            case SwarmEvent.LedgerSpaceChanged { Available: true }:
                _log.Info("The disk has room for the ledger again.");
                break;
            case SwarmEvent.LedgerSpaceChanged:
                _log.Error("The disk has no room for the ledger. Nothing is acknowledged here until it has.");
                break;
            case SwarmEvent.MembersChanged changed:
                _log.Info("The members changed with entry {0}: {1}.", changed.Members.ChangedAt, changed.Members.Configuration);
                break;
            case SwarmEvent.Removed removed:
                _log.Warning("This node was removed from the swarm by entry {0}. It serves what it has and takes no part any more.", removed.Index);
                break;
            case SwarmEvent.DiskStalled { Stalled: true }:
                _log.Error("The journal has not confirmed a write for a suspiciously long time; this node neither leads nor stands for election until it does.");
                break;
            case SwarmEvent.DiskStalled:
                _log.Info("The journal confirms writes again.");
                break;
        }
    }

    private sealed class RandomSource : IRandomSource
    {
        public int Next(int exclusiveMax) => Random.Shared.Next(exclusiveMax);
    }
}
