using Akka.Actor;
using Akka.Event;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Remoting;
using Converge.Swarm.Governance;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Akka.Node;

/// <summary>The snapshots of a node as they were when it started.</summary>
/// <param name="Files">The files.</param>
/// <param name="Newest">The one from which the node starts; null when it starts from the beginning.</param>
internal sealed record SnapshotsFound(SnapshotFiles Files, StateSnapshotFile? Newest);

/// <summary>The snapshot actor in an Akka mailbox. Its works with files are done beside it, never on its thread.</summary>
internal sealed class SnapshotHost : UntypedActor, ISnapshotPort
{
    private readonly SnapshotFiles _files;
    private readonly GovernanceLedger _ledger;
    private readonly Peers _peers;
    private readonly IActorRef _stateMachine;
    private readonly IActorRef _node;
    private readonly SnapshotActor _actor;
    private readonly Lane[] _lanes = [.. Enum.GetValues<SnapshotLane>().Select(_ => new Lane())];
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public SnapshotHost(SwarmSettings settings, SnapshotsFound found, GovernanceLedger ledger, Peers peers, IActorRef stateMachine)
    {
        _files = found.Files;
        _ledger = ledger;
        _peers = peers;
        _stateMachine = stateMachine;
        _node = Context.Parent;
        _actor = new SnapshotActor(
            new SnapshotActorOptions { Self = settings.Node, Policy = settings.Snapshots, ElectionTicks = settings.ElectionTicks }, found.Newest, this);
    }

    public static Props Props(SwarmSettings settings, SnapshotsFound found, GovernanceLedger ledger, Peers peers, IActorRef stateMachine) =>
        global::Akka.Actor.Props.Create(() => new SnapshotHost(settings, found, ledger, peers, stateMachine))
            .WithDispatcher(settings.Dispatcher)
            .WithMailbox(SwarmMailbox.Id);

    /// <summary>The first work of a lane has ended.</summary>
    private sealed record Done(SnapshotLane Lane, SnapshotMessage? Answer, Exception? Fault);

    private sealed class Lane
    {
        public Queue<SnapshotWork> Works { get; } = new();

        public Task Running { get; set; } = Task.CompletedTask;
    }

    void ISnapshotPort.ToNode(NodeMessage message) => _node.Tell(message);

    void ISnapshotPort.ToStateMachine(StateMachineMessage message) => _stateMachine.Tell(message);

    void ISnapshotPort.ToPeer(NodeId peer, PeerMessage message) => _peers.Send(peer, message);

    void ISnapshotPort.Do(SnapshotWork work)
    {
        Lane lane = _lanes[(int)work.Lane];
        lane.Works.Enqueue(work);
        if (lane.Works.Count == 1)
        {
            Begin(lane);
        }
    }

    void ISnapshotPort.Publish(SwarmEvent happened)
    {
        Say(happened);
        Context.System.EventStream.Publish(happened);
    }

    protected override void PostStop()
    {
        // The files are closed after this actor's end, and the ledger's too: not under somebody's hands.
        _files.Stop();
        foreach (Lane lane in _lanes)
        {
            ((IAsyncResult)lane.Running).AsyncWaitHandle.WaitOne();
        }

        _files.Dispose();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case SnapshotMessage snapshot:
                _actor.Receive(snapshot);
                break;
            case Done done:
                NoteDone(done);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Begin(Lane lane)
    {
        SnapshotWork work = lane.Works.Peek();
        IActorRef self = Self;
        lane.Running = OwnThread.Run(() => self.Tell(Run(work)), work.Lane.IsInBackground());
    }

    private Done Run(SnapshotWork work)
    {
        try
        {
            return new Done(work.Lane, work.Run(_files, _ledger), Fault: null);
        }
        catch (Exception e)
        {
            return new Done(work.Lane, Answer: null, e);
        }
    }

    private void NoteDone(Done done)
    {
        if (done.Fault is { } fault)
        {
            _node.Tell(new NodeFailed(fault));
            return;
        }

        Lane lane = _lanes[(int)done.Lane];
        lane.Works.Dequeue();
        if (lane.Works.Count > 0)
        {
            Begin(lane);
        }

        _actor.Receive(done.Answer!);
    }

    private void Say(SwarmEvent happened)
    {
        switch (happened)
        {
            case SwarmEvent.SnapshotTaken taken:
                _log.Info("A snapshot of entry {0} was written ({1} bytes).", taken.Index, taken.Bytes);
                break;
            case SwarmEvent.SnapshotPostponed:
                _log.Warning("The disk has no room for a snapshot; it will be tried again.");
                break;
            case SwarmEvent.SnapshotSent { Delivered: true } sent:
                _log.Info("The snapshot of entry {0} was sent to node {1}.", sent.Index, sent.Peer);
                break;
            case SwarmEvent.SnapshotSent sent:
                _log.Warning(
                    "The snapshot of entry {0} could not be sent to node {1}: nothing more was heard of it. It goes on when it is heard of.", sent.Index, sent.Peer);
                break;
            case SwarmEvent.SnapshotInstalled installed:
                _log.Info("This node goes on from a snapshot of entry {0} that it was sent ({1} bytes).", installed.Index, installed.Bytes);
                break;
            case SwarmEvent.SnapshotRefused refused:
                _log.Warning(
                    "What was received of the snapshot of entry {0} from node {1} was refused and is asked for again: {2}", refused.Index, refused.Peer, refused.Reason);
                break;
        }
    }
}
