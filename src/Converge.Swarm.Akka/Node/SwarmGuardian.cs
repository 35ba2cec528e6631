using Akka.Actor;
using Akka.Event;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Journal;
using Converge.Swarm.Akka.Remoting;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Akka.Node;

/// <summary>
/// <c>/user/swarm</c>: the parent of everything, and the owner of what must be closed last. It ends with its node: whether because it was
/// told to or because the node cannot go on.
/// </summary>
internal sealed class SwarmGuardian : UntypedActor
{
    private readonly SwarmSettings _settings;
    private readonly FolderLock _folderLock;
    private readonly GovernanceLedger _ledger;
    private readonly SnapshotsFound _snapshots;
    private readonly Gate _clients;
    private readonly NodeNews _news;
    private readonly LogLife _logLife;
    private readonly TaskCompletionSource _completion;
    private readonly List<IActorRef> _waitingForStop = [];
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private IActorRef _node = ActorRefs.Nobody;
    private IActorRef _client = ActorRefs.Nobody;
    private Task<bool>? _drain;
    private bool _stopping;

    public SwarmGuardian(SwarmSettings settings, FolderLock folderLock, GovernanceLedger ledger, bool isKnown, SnapshotsFound snapshots, Gate clients, NodeNews news, TaskCompletionSource completion)
    {
        _settings = settings;
        _folderLock = folderLock;
        _ledger = ledger;
        _snapshots = snapshots;
        _clients = clients;
        _news = news;
        _completion = completion;
        _logLife = new LogLife(isKnown, snapshots.Newest);
    }

    public static Props Props(SwarmSettings settings, FolderLock folderLock, GovernanceLedger ledger, bool isKnown, SnapshotsFound snapshots, Gate clients, NodeNews news, TaskCompletionSource completion) =>
        global::Akka.Actor.Props.Create(() => new SwarmGuardian(settings, folderLock, ledger, isKnown, snapshots, clients, news, completion))
            .WithDispatcher(settings.Dispatcher)
            .WithMailbox(SwarmMailbox.Id);

    /// <summary>Take nothing new, hand leadership over. Answered with <see cref="Drained"/>.</summary>
    public sealed record Drain
    {
        public static readonly Drain Instance = new();
    }

    /// <summary>The node is drained.</summary>
    /// <param name="Clean">False when requests are left whose outcome is not known.</param>
    public sealed record Drained(bool Clean);

    /// <summary>Drain, make everything durable and stop. Answered with <see cref="Stopped"/>.</summary>
    public sealed record Stop
    {
        public static readonly Stop Instance = new();
    }

    public sealed record Stopped
    {
        public static readonly Stopped Instance = new();
    }

    private sealed record StopAfterDrain(bool Clean);

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(reason =>
    {
        Self.Tell(new NodeFailed(reason));
        return Directive.Stop;
    });

    protected override void PreStart()
    {
        var peers = new Peers((ExtendedActorSystem)Context.System, _settings);
        _node = Context.ActorOf(NodeHost.Props(_settings, _ledger, _snapshots, _logLife, peers, _clients, _news), SwarmExtension.NodeName);
        _client = Context.ActorOf(ClientProxy.Props(_settings, _node, _clients), SwarmExtension.ClientName);
        Context.ActorOf(NewsReader.Props(_settings, _news), "news");
        Context.Watch(_node);
    }

    protected override void PostStop()
    {
        _clients.Close();
        var ending = new Ending();
        if (_stopping && !_completion.Task.IsFaulted)
        {
            ending.Do(_ledger.Flush);
        }

        ending.Do(_ledger.Dispose);
        ending.Do(_folderLock.Dispose);
        if (ending.Fault is { } fault)
        {
            _completion.TrySetException(fault);
        }

        _completion.TrySetResult();
        foreach (IActorRef waiting in _waitingForStop)
        {
            waiting.Tell(Stopped.Instance);
        }
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case NodeMessage request:
                _client.Tell(request);
                break;
            case ClientProxy.NodeOpened opened:
                _client.Tell(opened);
                break;
            case Drain:
                _ = DrainNode().PipeTo(Sender, Self, clean => new Drained(clean));
                break;
            case Stop:
                _waitingForStop.Add(Sender);
                _ = DrainNode().PipeTo(Self, success: clean => new StopAfterDrain(clean));
                break;
            case StopAfterDrain drained:
                _log.Info(drained.Clean ? "The node stops." : "The node stops with requests whose outcome is not known.");
                _stopping = true;
                Context.Stop(Self);
                break;
            case NodeFailed failed:
                Fail(failed.Reason);
                break;
            case Terminated:
                // If it had a reason of its own, that came before.
                Fail(new InvalidOperationException("The node's actor was stopped from outside."));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Fail(Exception reason)
    {
        if (_completion.TrySetException(reason))
        {
            _log.Error(reason, "The node stops: {0}", reason.Message);
            Context.System.EventStream.Publish(new SwarmFailed(reason));
        }

        Context.Stop(Self);
    }

    private Task<bool> DrainNode()
    {
        if (_drain is null)
        {
            var drained = new TaskReply<bool>();
            _node.Tell(new NodeMessage.Drain(drained));

            // A node that is not open yet has nothing to drain, and one that fails says so in another way.
            TimeSpan patience = 4 * _settings.ElectionTimeout;
            _drain = drained.Task.WaitAsync(patience).ContinueWith(
                task => task.IsCompletedSuccessfully && task.Result, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        return _drain;
    }
}
