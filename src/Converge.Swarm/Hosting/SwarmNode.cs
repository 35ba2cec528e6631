using System.Collections.Immutable;
using System.Reflection;
using System.Security.Cryptography;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Hosting;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;
using Converge.Swarm.Transport;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm;

/// <summary>
/// One node in the in-box host: mailboxes on the thread pool, a thread for the log, real time, framed TCP to its peers. Carries the
/// actors' messages and decides nothing.
/// </summary>
public sealed partial class SwarmNode : IAsyncDisposable
{
    /// <summary>How often the ledger is made durable. The log is what is acknowledged; the ledger can be derived from it again.</summary>
    private static readonly TimeSpan LedgerFlushInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>So few entries are applied by whoever learns that they are committed: waking another thread would take longer.</summary>
    private const int ShortPage = 16;

    private readonly SwarmOptions _options;
    private readonly ILogger _logger;
    private readonly FolderLock _folderLock;
    private readonly RaftLogStore _log;
    private readonly GovernanceLedger _ledger;
    private readonly SnapshotFiles _snapshotFiles;
    private readonly LogIndex _startedFrom;
    private readonly NodeActor _nodeActor;
    private readonly StateMachineActor _stateMachineActor;
    private readonly Mailbox<NodeMessage> _node;
    private readonly Mailbox<StateMachineMessage> _stateMachine;
    private readonly Mailbox<SnapshotMessage> _snapshots;
    private readonly Mailbox<SnapshotWork>[] _snapshotWorks;
    private readonly LogThread _logThread;
    private readonly ClientService _clients;
    private readonly PeerTransport _transport;
    private readonly Timer _ticks;
    private readonly NodeNews _news = new();
    private readonly NodeMetrics _metrics;
    private readonly SemaphoreSlim _ledgerFlushWanted = new(0);
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _flushingLedger = Task.CompletedTask;
    private Task _preparingSegment = Task.CompletedTask;
    private Task _preparingLedgerSegment = Task.CompletedTask;
    private int _tickQueued;
    private int _stopping;

    private SwarmNode(SwarmOptions options, ILoggerFactory loggers, FolderLock folderLock, Opened opened)
    {
        _options = options;
        _logger = loggers.CreateLogger("Converge.Swarm");
        _folderLock = folderLock;
        _log = opened.Log;
        _ledger = opened.Ledger;
        _snapshotFiles = opened.SnapshotFiles;
        _metrics = new NodeMetrics(options.Node);

        var ports = new Ports(this);
        var random = new RandomSource();
        GovernanceState state = NodeStart.State(opened.Snapshot, opened.Founders);
        _startedFrom = opened.Snapshot?.Mark.Index ?? state.AppliedIndex;
        var start = NodeStart.From(opened.Recovered, opened.Snapshot, state, opened.Founders.Select(founder => founder.Id));
        _nodeActor = new NodeActor(
            new NodeActorOptions
            {
                Cluster = options.Cluster,
                Self = options.Node,
                Members = options.Addresses,
                Table = opened.Founders.IsEmpty ? MemberTable.Empty : MemberTable.Founded(opened.Founders, Founding.Mark.Index),
                AddressObjection = SwarmOptionsRules.AddressObjection,
                HeartbeatTicks = options.HeartbeatTicks,
                ElectionTicks = options.ElectionTicks,
                LeaseDriftTicks = options.LeasedReads ? options.LeaseDriftTicks : null,
                RequestTimeoutTicks = Math.Max(1, (int)(options.RequestTimeout / options.Tick)),
                MaxPendingCommands = options.MaxPendingCommands,
                MaxUncommittedBytes = options.MaxUncommittedBytes,
                Snapshots = options.Snapshots,
                Version = typeof(SwarmNode).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
                Life = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4)),
            },
            start,
            random,
            ports);
        var logActor = new LogActor(options.Node, incarnation: 0, _log.Outline, ports);
        _stateMachineActor = new StateMachineActor(state, opened.Snapshot, _ledger, ports);

        _node = new Mailbox<NodeMessage>(
            Lanes.NodeCapacities(options.MaxPendingCommands),
            NodeMessage.Turn.Instance,
            message =>
            {
                if (message is NodeMessage.Tick)
                {
                    Volatile.Write(ref _tickQueued, 0);
                }

                // Nothing but leases looks at the steady clock, so it is not read for nothing.
                long steadyTicks = options.LeasedReads ? SteadyClock.Ticks(options.Tick) : 0;
                _nodeActor.Receive(message, new Moment(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), steadyTicks));
            },
            RefuseAtTheEnd,
            Fail,
            RunBy.Poster);
        _stateMachine = new Mailbox<StateMachineMessage>(
            [options.MaxPendingCommands],
            turn: null,
            _stateMachineActor.Receive,
            RefuseAtTheEnd,
            Fail,
            isShort: message => message is StateMachineMessage.Apply apply && apply.Entries.Count <= ShortPage);
        _snapshotWorks =
        [
            .. Enum.GetValues<SnapshotLane>().Select(lane => new Mailbox<SnapshotWork>(
                [int.MaxValue], turn: null, Do, RefuseAtTheEnd, Fail, lane.IsInBackground() ? RunBy.BackgroundThread : RunBy.OwnThread)),
        ];
        var snapshotActor = new SnapshotActor(
            new SnapshotActorOptions { Self = options.Node, Policy = options.Snapshots, ElectionTicks = options.ElectionTicks }, opened.Snapshot, ports);
        _snapshots = new Mailbox<SnapshotMessage>(Lanes.SnapshotCapacities, turn: null, snapshotActor.Receive, RefuseAtTheEnd, Fail);
        _logThread = new LogThread($"log of node {options.Node}", logActor.Receive, Fail);
        _clients = new ClientService(options, PostFromClient, _ledger, _news, _metrics, new ClientLimits(), loggers.CreateLogger("Converge.Swarm.Clients"));
        _transport = new PeerTransport(options, _nodeActor.Members, _nodeActor.MembersAt, ports, _clients, loggers.CreateLogger("Converge.Swarm.Peers"));
        TellClients(_nodeActor.Members);
        _ticks = new Timer(_ => QueueTick());
        Client = new LocalSwarmClient(PostFromClient, _ledger, _news, _metrics);
    }

    /// <summary>The way to the swarm through this node.</summary>
    public ISwarmClient Client { get; }

    /// <summary>
    /// The node's ledger, for whoever follows it. For reading only, and only until the node stops.
    /// </summary>
    public GovernanceLedger Ledger => _ledger;

    /// <summary>
    /// Records were added to <see cref="Ledger"/>. Raised on the thread that applies: a handler returns at once and never throws.
    /// </summary>
    public event EventHandler? RecordsAdded;

    /// <summary>
    /// Completes when the node has stopped because it was told to, and faults when it had to stop by itself: a failed write, damage, a
    /// state that differs from the leader's. After a fault the process should end.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>Opens the data folder, recovers what is there, listens for peers and takes part.</summary>
    /// <exception cref="FolderInUseException">Another process has the data folder.</exception>
    /// <exception cref="WrongFolderException">The data folder belongs to another node or swarm.</exception>
    /// <exception cref="LogDamagedException">A log or ledger file is damaged; names file and offset.</exception>
    /// <exception cref="SnapshotDamagedException">The newest snapshot is damaged, or the log begins behind it; names file and offset.</exception>
    /// <exception cref="LedgerDivergedException">The ledger holds what it should not.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The peer address cannot be listened on.</exception>
    /// <exception cref="IOException">The folder cannot be read or written.</exception>
    public static async Task<SwarmNode> StartAsync(SwarmOptions options, ILoggerFactory loggers, CancellationToken cancellationToken = default)
    {
        SwarmNode node = await Task.Run(() => Open(options, loggers), cancellationToken);
        try
        {
            node.Start();
            return node;
        }
        catch
        {
            // Why it did not start is what counts; what else goes wrong in its end its completion tells.
            await new Ending().DoAsync(node.DisposeAsync);
            throw;
        }
    }

    /// <summary>
    /// Takes nothing new, hands leadership over, makes everything durable and stops. What was acknowledged stays; what was not is
    /// answered as unknown.
    /// </summary>
    public async Task StopAsync()
    {
        if (Interlocked.CompareExchange(ref _stopping, 1, 0) != 0)
        {
            await _completion.Task.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return;
        }

        var drained = new TaskReply<bool>();
        bool clean = false;
        if (!_completion.Task.IsCompleted)
        {
            _node.Post(Lanes.Own, new NodeMessage.Drain(drained));
            Task first = await Task.WhenAny(drained.Task, _completion.Task);
            clean = first == drained.Task && await drained.Task;
        }

        try
        {
            await CloseAsync();
            LogStopped(_logger, clean ? "" : " with requests whose outcome is not known");
        }
        catch (Exception e)
        {
            // Whoever waits for the end must learn of it whatever happens in it.
            Fail(e);
            throw;
        }

        _completion.TrySetResult();
    }

    /// <summary>Stops if that was not done.</summary>
    public async ValueTask DisposeAsync() => await StopAsync();

    private static SwarmNode Open(SwarmOptions options, ILoggerFactory loggers)
    {
        PhysicalDisk disk = PhysicalDisk.Instance;
        disk.CreateFolder(options.DataFolder);
        FolderLock folderLock = FolderLock.Acquire(options.DataFolder);
        RaftLogStore? log = null;
        GovernanceLedger? ledger = null;
        StateSnapshotFile? snapshot = null;
        try
        {
            var identity = new NodeIdentity(options.Cluster, options.Node);
            NodeIdentity? kept = NodeIdentityFile.Find(disk, options.DataFolder, identity);
            bool known = kept is not null;
            ImmutableArray<MemberAddress> founders = (kept ?? identity).FoundersOr(options.Join ? [] : [.. options.Addresses]);
            log = RaftLogStore.Open(
                disk, options.DataFolder, new RaftLogStoreOptions { SegmentBytes = options.LogSegmentBytes, MustExist = known }, out LogModel recovered);
            var snapshotFiles = new SnapshotFiles(disk, options.DataFolder, pace => new PacedDisk(disk, pace));
            snapshot = snapshotFiles.OpenNewest();
            ledger = GovernanceLedger.Open(
                disk,
                Path.Combine(options.DataFolder, GovernanceLedger.Purpose),
                new GovernanceLedgerOptions { SegmentBytes = options.LedgerSegmentBytes, MustExist = known },
                snapshot?.ReadLedgerCheckpoint());

            if (!known && (recovered.Entries.Count > 0 || ledger.LastSequence > 0))
            {
                throw new WrongFolderException(options.DataFolder, $"it holds a log and no {NodeIdentityFile.FileName} that says whose");
            }

            if (NodeStart.Batch(recovered.Outline, snapshot, joins: founders.IsEmpty) is { } lacking)
            {
                log.Append([lacking]);
                log.Flush();
                recovered.Apply(lacking);
            }

            // Written last: where it stands the logs have been, and an empty one beside it is a lost one.
            NodeIdentityFile.Write(disk, options.DataFolder, identity with { Founders = founders });
            return new SwarmNode(options, loggers, folderLock, new Opened(log, recovered, ledger, snapshotFiles, snapshot, founders));
        }
        catch
        {
            var ending = new Ending();
            ending.Do(() => snapshot?.Dispose());
            ending.Do(() => ledger?.Dispose());
            ending.Do(() => log?.Dispose());
            ending.Do(folderLock.Dispose);
            throw;
        }
    }

    /// <summary>What was found in the data folder.</summary>
    private sealed record Opened(
        RaftLogStore Log,
        LogModel Recovered,
        GovernanceLedger Ledger,
        SnapshotFiles SnapshotFiles,
        StateSnapshotFile? Snapshot,
        ImmutableArray<MemberAddress> Founders);

    private void Start()
    {
        LogStarting(_logger, _options.Node, _options.Cluster, _options.DataFolder, _startedFrom, _log.Outline.LastIndex, _log.Outline.State.Term, _ledger.Head.Sequence);
        LogTornTails(_log.Recovery.TornTail);
        LogTornTails(_ledger.TornTail);
        _logThread.Start();
        _transport.Start();
        _ticks.Change(_options.Tick, _options.Tick);
        _flushingLedger = OwnThread.Run(FlushLedger);
    }

    private void LogTornTails(TornTail? tail)
    {
        if (tail is not null)
        {
            LogTornTail(_logger, tail.File, tail.Offset, tail.Bytes);
        }
    }

    /// <summary>Ends one part after the other, those that send to others first and the files last.</summary>
    private async Task CloseAsync()
    {
        var ending = new Ending();
        ending.Do(_news.Close);
        await ending.DoAsync(_ticks.DisposeAsync);
        await ending.DoAsync(_transport.DisposeAsync);
        ending.Do(_logThread.Dispose);
        await ending.DoAsync(() => new ValueTask(_preparingSegment));
        await ending.DoAsync(() => new ValueTask(_node.CloseAsync()));
        ending.Do(_nodeActor.Close);
        await ending.DoAsync(() => new ValueTask(_stateMachine.CloseAsync()));
        await ending.DoAsync(() => new ValueTask(_snapshots.CloseAsync()));
        ending.Do(_snapshotFiles.Stop);
        await ending.DoAsync(() => new ValueTask(Task.WhenAll(_snapshotWorks.Select(works => works.CloseAsync()))));
        ending.Do(_stateMachineActor.Close);
        Volatile.Write(ref _stopping, 2);
        _ledgerFlushWanted.Release();
        await ending.DoAsync(() => new ValueTask(_flushingLedger));
        await ending.DoAsync(() => new ValueTask(_preparingLedgerSegment));
        if (!_completion.Task.IsFaulted)
        {
            ending.Do(_ledger.Flush);
        }

        ending.Do(_snapshotFiles.Dispose);
        ending.Do(_ledger.Dispose);
        ending.Do(_log.Dispose);
        ending.Do(_folderLock.Dispose);
        ending.Do(_metrics.Dispose);
        ending.ThrowIfAnyFailed();
    }

    private static void RefuseAtTheEnd(object message) => Unanswered.Refuse(message, NotCommittedReason.Stopping, Unanswered.ShuttingDown);

    private void Fail(Exception reason)
    {
        if (_completion.TrySetException(reason))
        {
            LogFailed(_logger, reason.Message, reason);
        }
    }

    /// <summary>Does what the snapshot actor wants done. A work that the end of the node cut short has nobody to answer.</summary>
    private void Do(SnapshotWork work)
    {
        try
        {
            _snapshots.Post(Lanes.Own, work.Run(_snapshotFiles, _ledger));
        }
        catch (OperationCanceledException) when (Volatile.Read(ref _stopping) > 0)
        {
            // Nothing is left of it.
        }
    }

    private void QueueTick()
    {
        if (Interlocked.Exchange(ref _tickQueued, 1) == 0)
        {
            _node.Post(Lanes.Own, NodeMessage.Tick.Instance);
        }
    }

    /// <summary>Allocates the next segment of the log or the ledger while the one in use still has room, so that no commit waits for it.</summary>
    private void Prepare(Action nextSegment)
    {
        try
        {
            nextSegment();
        }
        catch (DiskFullException)
        {
            // Said when the room is really needed; until then there may be some.
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void TellClients(MemberTable members) =>
        _clients.SetMembers(members.Members.IsEmpty ? _options.Addresses : members.Reach(_options.Addresses, strangers: false));

    private void OnRecordsAdded() => RecordsAdded?.Invoke(this, EventArgs.Empty);

    private bool PostFromClient(NodeMessage message) => _node.TryPost(Lanes.Clients, message);

    /// <summary>Makes the ledger durable from time to time, and when it is asked to, until the node ends. On a thread of its own.</summary>
    private void FlushLedger()
    {
        while (Volatile.Read(ref _stopping) < 2)
        {
            _ledgerFlushWanted.Wait(LedgerFlushInterval);
            try
            {
                ulong durable = _ledger.DurableSequence;
                _ledger.Flush();
                if (_ledger.DurableSequence > durable)
                {
                    _metrics.NoteLedgerFlush();
                }

                _stateMachine.Post(0, StateMachineMessage.LedgerFlushed.Instance);
                if (_ledger.ShouldPrepareNextSegment && _preparingLedgerSegment.IsCompleted)
                {
                    _preparingLedgerSegment = OwnThread.Run(() => Prepare(_ledger.PrepareNextSegment));
                }
            }
            catch (DiskFullException)
            {
                _stateMachine.Post(0, StateMachineMessage.LedgerNoRoom.Instance);
            }
            catch (Exception e)
            {
                Fail(e);
                return;
            }
        }
    }

    /// <summary>The node actor's lanes, the most urgent first.</summary>
    private static class Lanes
    {
        /// <summary>Ticks and the children's answers: bounded by what was asked of them.</summary>
        public const int Own = 0;

        /// <summary>Votes, heartbeats, acknowledgements: repeated by the protocol when dropped.</summary>
        public const int PeerControl = 1;

        /// <summary>Entries and forwarded commands.</summary>
        public const int PeerBulk = 2;

        /// <summary>This node's own clients.</summary>
        public const int Clients = 3;

        /// <summary>For the snapshot actor, parts of snapshots: what does not fit is asked for again.</summary>
        public static readonly int[] SnapshotCapacities = [int.MaxValue, 256];

        public static int[] NodeCapacities(int clients) => [int.MaxValue, 16_384, 4_096, clients];
    }

    private sealed class RandomSource : IRandomSource
    {
        public int Next(int exclusiveMax) => Random.Shared.Next(exclusiveMax);
    }

    /// <summary>The actors' ports: each call is one message carried.</summary>
    private sealed class Ports(SwarmNode host) : INodePort, ILogPort, IStateMachinePort, ISnapshotPort, IPeerTransportEvents
    {
        public void ToPeer(NodeId peer, PeerMessage message) => host._transport.Send(peer, message);

        public void ToLog(LogMessage message) => host._logThread.Post(message);

        public void ToNode(NodeMessage message) => host._node.Post(Lanes.Own, message);

        public void ToStateMachine(StateMachineMessage message)
        {
            if (message is not StateMachineMessage.Query query)
            {
                host._stateMachine.Post(0, message);
            }
            else if (!host._stateMachine.TryPost(0, message))
            {
                query.Refuse(NotCommittedReason.Busy, Unanswered.Busy);
            }
        }

        public void ToSnapshots(SnapshotMessage message)
        {
            if (message is SnapshotMessage.FromPeer)
            {
                host._snapshots.TryPost(Lanes.PeerControl, message);
            }
            else
            {
                host._snapshots.Post(Lanes.Own, message);
            }
        }

        public void Do(SnapshotWork work) => host._snapshotWorks[(int)work.Lane].Post(Lanes.Own, work);

        void INodePort.WantTurn() => host._node.WantTurn();

        public void WantLedgerFlush() => host._ledgerFlushWanted.Release();

        void ILogPort.WantTurn() => host._logThread.WantTurn();

        public void Store(IReadOnlyList<LogBatch> batches)
        {
            try
            {
                int stored = host._log.Append(batches);
                host._log.Flush();
                host._metrics.NoteLogFlush();
                host._logThread.Answer(new LogMessage.Stored(stored));
                if (host._log.ShouldPrepareNextSegment && host._preparingSegment.IsCompleted)
                {
                    host._preparingSegment = OwnThread.Run(() => host.Prepare(host._log.PrepareNextSegment));
                }
            }
            catch (DiskFullException)
            {
                host._logThread.Answer(LogMessage.NoRoom.Instance);
            }
        }

        public void RemoveObsolete() => host._log.RemoveObsolete();

        public bool IsConnected(NodeId peer) => host._transport.IsConnected(peer);

        public void Fail(Exception reason) => host.Fail(reason);

        public bool Arrived(NodeId from, PeerMessage message) =>
            host._node.TryPost(message.IsControl ? Lanes.PeerControl : Lanes.PeerBulk, new NodeMessage.FromPeer(from, message));

        public void Lost(NodeId peer) => host._node.Post(Lanes.Own, new NodeMessage.PeerLost(peer));

        public void Publish(SwarmEvent happened)
        {
            ILogger logger = host._logger;
            host._news.Note(happened);
            switch (happened)
            {
                case SwarmEvent.LeaderChanged { Leader.IsNone: true } changed:
                    LogNoLeader(logger, changed.Term);
                    break;
                case SwarmEvent.LeaderChanged changed:
                    LogLeader(logger, changed.Leader, changed.Term);
                    break;
                case SwarmEvent.StateDiverged diverged:
                    LogDiverged(logger, diverged.Peer, diverged.Index);
                    break;
                case SwarmEvent.SpaceChanged { Available: true }:
                    LogSpaceAgain(logger);
                    break;
                case SwarmEvent.SpaceChanged:
                    LogNoSpace(logger);
                    break;
                case SwarmEvent.LedgerSpaceChanged { Available: true }:
                    LogLedgerSpaceAgain(logger);
                    break;
                case SwarmEvent.LedgerSpaceChanged:
                    LogNoLedgerSpace(logger);
                    break;
                case SwarmEvent.DiskStalled { Stalled: true }:
                    LogStalled(logger);
                    break;
                case SwarmEvent.DiskStalled:
                    LogStallOver(logger);
                    break;
                case SwarmEvent.MembersChanged changed:
                    host._transport.SetMembers(changed.Members, changed.At);
                    host.TellClients(changed.Members);
                    LogMembers(logger, changed.Members.ChangedAt, changed.Members.Configuration.ToString());
                    break;
                case SwarmEvent.Removed removed:
                    LogRemoved(logger, removed.Index);
                    break;
                case SwarmEvent.RecordsAdded:
                    host.OnRecordsAdded();
                    break;
                case SwarmEvent.SnapshotTaken taken:
                    LogSnapshotTaken(logger, taken.Index, taken.Bytes);
                    break;
                case SwarmEvent.SnapshotPostponed:
                    LogSnapshotPostponed(logger);
                    break;
                case SwarmEvent.SnapshotSent { Delivered: true } sent:
                    LogSnapshotSent(logger, sent.Index, sent.Peer);
                    break;
                case SwarmEvent.SnapshotSent sent:
                    LogSnapshotNotSent(logger, sent.Index, sent.Peer);
                    break;
                case SwarmEvent.SnapshotInstalled installed:
                    LogSnapshotInstalled(logger, installed.Index, installed.Bytes);
                    break;
                case SwarmEvent.SnapshotRefused refused:
                    LogSnapshotRefused(logger, refused.Index, refused.Peer, refused.Reason);
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(happened), happened, "Not an event.");
            }
        }
    }
}
