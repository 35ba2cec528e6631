using Akka.Actor;
using Akka.Event;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Node;

namespace Converge.Swarm.Akka;

/// <summary>
/// Stands between clients and the node: holds a bounded number of requests back until the node is open and a leader is known, so that
/// an election is a delay to a client and not an error.
/// </summary>
internal sealed class ClientProxy : UntypedActor, IWithTimers
{
    private const int ExpiryChecksPerTimeout = 10;

    private readonly IActorRef _node;
    private readonly int _capacity;
    private readonly Gate _gate;
    private readonly TimeSpan _timeout;
    private readonly Queue<(NodeMessage Request, DateTimeOffset Deadline)> _buffered = new();
    private bool _isOpen;
    private bool _hasLeader;

    public ClientProxy(SwarmSettings settings, IActorRef node, Gate gate)
    {
        _node = node;
        _capacity = settings.MaxBufferedRequests;
        _gate = gate;
        _timeout = settings.RequestTimeout;
    }

    public static Props Props(SwarmSettings settings, IActorRef node, Gate gate) =>
        global::Akka.Actor.Props.Create(() => new ClientProxy(settings, node, gate)).WithDispatcher(settings.Dispatcher).WithMailbox(SwarmMailbox.Id);

    /// <summary>The node takes requests from now on.</summary>
    public sealed record NodeOpened
    {
        public static readonly NodeOpened Instance = new();
    }

    private sealed record Expire
    {
        public static readonly Expire Instance = new();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe<SwarmEvent.LeaderChanged>(Self);
        Timers.StartPeriodicTimer(nameof(Expire), Expire.Instance, _timeout / ExpiryChecksPerTimeout);
    }

    protected override void PostStop()
    {
        while (_buffered.TryDequeue(out (NodeMessage Request, DateTimeOffset Deadline) waiting))
        {
            _gate.Leave();
            Unanswered.Refuse(waiting.Request, NotCommittedReason.Stopping, Unanswered.ShuttingDown);
        }
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case NodeMessage request when !_isOpen || (!_hasLeader && ClientRequest.NeedsLeader(request)):
                Buffer(request);
                break;
            case NodeMessage request:
                Forward(request);
                break;
            case SwarmEvent.LeaderChanged changed:
                _hasLeader = !changed.Leader.IsNone;
                ReleaseBuffered();
                break;
            case NodeOpened:
                _isOpen = true;
                ReleaseBuffered();
                break;
            case Expire:
                RefuseOverdue();
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Buffer(NodeMessage request)
    {
        if (_buffered.Count < _capacity)
        {
            _buffered.Enqueue((request, Context.System.Scheduler.Now + _timeout));
        }
        else
        {
            _gate.Leave();
            Unanswered.Refuse(request, NotCommittedReason.Busy, "Too many requests are waiting for a leader.");
        }
    }

    /// <summary>Lets go what need not wait any longer; the rest keeps its order.</summary>
    private void ReleaseBuffered()
    {
        for (int left = _isOpen ? _buffered.Count : 0; left > 0; left--)
        {
            (NodeMessage Request, DateTimeOffset Deadline) waiting = _buffered.Dequeue();
            if (_hasLeader || !ClientRequest.NeedsLeader(waiting.Request))
            {
                Forward(waiting.Request);
            }
            else
            {
                _buffered.Enqueue(waiting);
            }
        }
    }

    private void Forward(NodeMessage request)
    {
        _node.Tell(request);
        if (_gate.IsClosed)
        {
            // The node closes the gate before its mailbox: the request may have come too late to be answered by anybody.
            Unanswered.Abandon(request);
        }
    }

    private void RefuseOverdue()
    {
        while (_buffered.TryPeek(out (NodeMessage Request, DateTimeOffset Deadline) waiting) && waiting.Deadline <= Context.System.Scheduler.Now)
        {
            _buffered.Dequeue();
            _gate.Leave();
            Unanswered.Refuse(waiting.Request, NotCommittedReason.NoLeader, "No leader was known within the time a request may take.");
        }
    }
}
