using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>
/// One node: the real actors, log and ledger over a simulated disk. What a host does with threads and sockets is done here with events in
/// virtual time; like every host it decides nothing.
/// </summary>
public sealed partial class SimulatedNode
{
    private const string Cluster = "simulated";
    private const string DataFolder = "data";
    private const long EpochUnixMilliseconds = 1_700_000_000_000;

    private readonly SimulatedSwarm _swarm;
    private readonly SimulationRandom _service;
    private readonly SimulationRandom _latency;
    private readonly SimulationRandom _disk;
    private readonly SimulationRandom _lives;
    private readonly SimulatedMailbox<NodeMessage> _nodeBox = new(NodeMessage.Turn.Instance);
    private readonly SimulatedMailbox<LogMessage> _logBox = new(LogMessage.Turn.Instance);
    private readonly SimulatedMailbox<StateMachineMessage> _stateBox = new(turn: null);
    private NodeActor? _node;
    private LogActor? _log;
    private StateMachineActor? _state;
    private RaftLogStore? _store;
    private IReadOnlyList<LogBatch> _flushing = [];
    private Exception? _failReason;
    private Process? _process;
    private long _steadyBase;
    private long _steadySince;
    private int _flushNumber;
    private ulong _logIncarnation;
    private ulong _knownLogIncarnation;
    private bool _tickQueued;
    private bool _ledgerFlushWanted;

    internal SimulatedNode(SimulatedSwarm swarm, NodeId id, int position, bool joins, SimulationRandom random)
    {
        _swarm = swarm;
        Id = id;
        Position = position;
        Joins = joins;
        _service = random.Fork(1);
        _latency = random.Fork(2);
        _disk = random.Fork(3);
        _lives = random.Fork(4);
        Observation = new LiveNodeObservation(this);
    }

    /// <summary>Its identity.</summary>
    public NodeId Id { get; }

    /// <summary>Its place among all nodes that ever were, from 0.</summary>
    public int Position { get; }

    /// <summary>Its disk.</summary>
    public SimulatedDisk Disk { get; } = new();

    /// <summary>How it is seen by those who check.</summary>
    public NodeObservation Observation { get; }

    /// <summary>True unless it is one of those who founded the swarm: its log begins with what a leader sends it.</summary>
    public bool Joins { get; }

    /// <summary>True once it will never be started again.</summary>
    public bool IsRetired { get; private set; }

    /// <summary>True from its start to its end.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>True while the process stands still and the machine goes on.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>True once it was told to take nothing new; until its process ends.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>How often it was started.</summary>
    public uint Life { get; private set; }

    /// <summary>Why it ended last, when it ended by itself.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Until when its disk answers nothing, in microseconds.</summary>
    public long DiskStallsUntilMicroseconds { get; set; }

    /// <summary>By how much its clock is wrong, in milliseconds.</summary>
    public long ClockOffsetMilliseconds { get; set; }

    /// <summary>By how much its clocks and its timer run too fast, in millionths; negative for too slow.</summary>
    public int DriftMillionths
    {
        get;
        set
        {
            // A drift that begins or ends must not move the steady clock: it only runs at another speed from here on.
            (_steadyBase, _steadySince) = (SteadyMicroseconds, _swarm.NowMicroseconds);
            field = value;
        }
    }

    internal RaftNode? Protocol { get; private set; }

    /// <summary>A snapshot was installed on its empty disk.</summary>
    internal bool HasJoined { get; set; }

    internal InMemoryRaftStorage? Storage { get; private set; }

    internal GovernanceLedger? Ledger { get; private set; }

    internal LogModel Durable { get; private set; } = new();

    /// <summary>Whether a fault was injected that may end this process: a write or a flush that fails.</summary>
    internal bool MayFail { get; set; }

    /// <summary>Starts the process: recovers what the disk has and takes part.</summary>
    /// <returns>False when it could not start; <see cref="Failure"/> says why.</returns>
    public bool Start()
    {
        if (IsRunning || IsRetired)
        {
            throw new InvalidOperationException(IsRunning ? $"Node {Id} runs." : $"Node {Id} is retired.");
        }

        using SimulatedSwarm.StepScope scope = _swarm.EnterStep();
        Life++;
        MayFail = false;
        Disk.EndProcess();
        try
        {
            Open();
        }
        catch (Exception e) when (e is IOException or SimulatedCrashException)
        {
            NoteEnd(e);
            return false;
        }

        IsRunning = true;
        Failure = null;
        _swarm.NoteLife(this, started: true, lostPower: false);
        ScheduleTick();
        ScheduleLedgerFlush();
        if (_swarm.Options.Handler?.Invoke(Id) is { } handler)
        {
            _process = new Process(this, handler, _lives.Fork(Life));
            handler.Started(_process);
        }

        return true;
    }

    /// <summary>The process is killed; the machine and what was written to its disk stay.</summary>
    public void Kill() => End(losePower: false);

    /// <summary>The machine loses its power; what was not flushed may be gone, in part or whole.</summary>
    public void LosePower() => End(losePower: true);

    /// <summary>The process stands still, as at a SIGSTOP or a long collection; the network and the disk go on.</summary>
    public void Pause() => IsPaused = true;

    /// <summary>The process goes on.</summary>
    public void Resume()
    {
        if (!IsPaused)
        {
            return;
        }

        IsPaused = false;
        WakeAll();
    }

    /// <summary>
    /// The log actor dies with all it holds; another one takes its place and says what the log has. The node goes on; what it sends before it
    /// has heard that goes to the dead one, as in every host.
    /// </summary>
    public void ReplaceLogActor()
    {
        if (!IsRunning)
        {
            throw new InvalidOperationException($"Node {Id} is down.");
        }

        using SimulatedSwarm.StepScope scope = _swarm.EnterStep();
        try
        {
            // What the disk was doing it goes on doing; nobody is left to hear of it.
            CompleteFlush();
        }
        catch (Exception e) when (e is IOException or SimulatedCrashException)
        {
            NoteEnd(e);
            return;
        }

        _logBox.Clear();
        _log = NewLogActor(++_logIncarnation);
        _swarm.Count(SimulationCoverage.LogRestarted);
        Post(new NodeMessage.LogStarted(_logIncarnation, _store!.Outline));
    }

    /// <summary>Asks this node to have the leadership handed over.</summary>
    /// <param name="to">To whom; <see cref="NodeId.None"/> for whoever is fit.</param>
    /// <param name="answered">Told what came of it; may be null.</param>
    public void TransferLeadership(NodeId to, Action<LeadershipTransfer>? answered = null) =>
        Post(new NodeMessage.TransferLeadership(to, new CallbackReply<LeadershipTransfer>(answer =>
        {
            _swarm.CountIf(answer is LeadershipTransferred, SimulationCoverage.LeadershipTransferred);
            answered?.Invoke(answer);
        })));

    /// <summary>Tells this node to stop taking anything new; ending the process is another step.</summary>
    /// <param name="drained">Told whether everything was settled; may be null.</param>
    public void Drain(Action<bool>? drained = null)
    {
        IsDraining = true;
        Post(new NodeMessage.Drain(new CallbackReply<bool>(settled => drained?.Invoke(settled))));
    }

    /// <summary>How the node sees itself, at once and without disturbing it; null while it is down.</summary>
    public SwarmStatus? Status()
    {
        if (!IsRunning)
        {
            return null;
        }

        SwarmStatus? status = null;
        _statusQuestion = null;
        _answersStatus = true;
        _node!.Receive(new NodeMessage.GetStatus(new CallbackReply<SwarmStatus>(answer => status = answer)), Now);
        _answersStatus = false;
        _state!.Receive(_statusQuestion!);
        return status;
    }

    private bool _answersStatus;
    private StateMachineMessage? _statusQuestion;

    internal void Post(NodeMessage message)
    {
        _nodeBox.Add(message);
        Wake(_nodeBox, EventKind.ServeNode);
    }

    /// <summary>What an event that is due does to this node.</summary>
    internal void Handle(in SimulatedEvent due)
    {
        switch (due.Kind)
        {
            case EventKind.Tick:
                ScheduleTick();
                if (!_tickQueued)
                {
                    _tickQueued = true;
                    Post(NodeMessage.Tick.Instance);
                }

                break;
            case EventKind.Arrive:
                Post(new NodeMessage.FromPeer(_swarm.NodeList[due.From].Id, (PeerMessage)due.Payload!));
                break;
            case EventKind.LogFlushed when due.From != _flushNumber:
                // Its log actor is gone, and the disk had finished before.
                break;
            default:
                Guarded(due.Kind);
                break;
        }
    }

    private Moment Now => new(
        EpochUnixMilliseconds + ClockOffsetMilliseconds + (SteadyMicroseconds / 1_000),
        SteadyMicroseconds / (_swarm.Options.TickMilliseconds * 1_000L));

    /// <summary>The machine's steady clock: drifts, never jumps, and goes on while the process stands still or is down.</summary>
    private long SteadyMicroseconds
    {
        get
        {
            long passed = _swarm.NowMicroseconds - _steadySince;
            return _steadyBase + passed + (passed * DriftMillionths / 1_000_000);
        }
    }

    private void Guarded(EventKind kind)
    {
        try
        {
            switch (kind)
            {
                case EventKind.ServeNode:
                    ServeNode();
                    break;
                case EventKind.ServeLog:
                    ServeLog();
                    break;
                case EventKind.ServeStateMachine:
                    ServeStateMachine();
                    break;
                case EventKind.ServeSnapshots:
                    ServeSnapshots();
                    break;
                case EventKind.WorkWithSnapshots:
                    WorkWithSnapshots();
                    break;
                case EventKind.LogFlushed:
                    FinishFlush();
                    break;
                case EventKind.FlushLedger:
                    FlushLedger();
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not an event of a node.");
            }
        }
        catch (Exception e) when (e is not CheckFailedException)
        {
            NoteEnd(e);
            return;
        }

        if (_failReason is { } reason)
        {
            NoteEnd(reason);
        }
    }

    private void ServeNode()
    {
        _nodeBox.IsScheduled = false;
        if (IsPaused)
        {
            return;
        }

        NodeMessage message = _nodeBox.Take();
        switch (message)
        {
            case NodeMessage.Tick:
                _tickQueued = false;
                break;
            case NodeMessage.LogStarted started:
                _knownLogIncarnation = started.Incarnation;
                break;
        }

        _swarm.BeginStep(StepKind.NodeActor, this, message);
        _node!.Receive(message, Now);
        Wake(_nodeBox, EventKind.ServeNode);
    }

    private void ServeLog()
    {
        _logBox.IsScheduled = false;
        if (IsPaused)
        {
            return;
        }

        LogMessage message = _logBox.Take();
        _swarm.BeginStep(StepKind.LogActor, this, message);
        _log!.Receive(message);
        Wake(_logBox, EventKind.ServeLog);
    }

    private void ServeStateMachine()
    {
        _stateBox.IsScheduled = false;
        if (IsPaused)
        {
            return;
        }

        StateMachineMessage message = _stateBox.Take();
        _swarm.BeginStep(StepKind.StateMachineActor, this, message);
        _state!.Receive(message);
        Wake(_stateBox, EventKind.ServeStateMachine);
    }

    private void FinishFlush()
    {
        if (DiskStallsUntilMicroseconds > _swarm.NowMicroseconds)
        {
            _swarm.Schedule(DiskStallsUntilMicroseconds, FlushDone());
            return;
        }

        _swarm.BeginStep(StepKind.Disk, this, received: null);
        int stored = _flushing.Count;
        CompleteFlush();
        PostLog(new LogMessage.Stored(stored));
        if (_swarm.Options.PreparesSegments && _store!.ShouldPrepareNextSegment)
        {
            try
            {
                _store.PrepareNextSegment();
            }
            catch (DiskFullException)
            {
                // Said when the room is really needed.
            }
        }
    }

    private void CompleteFlush()
    {
        _flushNumber++;
        if (_flushing.Count == 0)
        {
            return;
        }

        _store!.Flush();
        foreach (LogBatch batch in _flushing)
        {
            Durable.Apply(batch);
            _swarm.CurrentStep.MadeDurableList.Add(batch);
        }

        _flushing = [];
    }

    private SimulatedEvent FlushDone() => new(EventKind.LogFlushed, Position, Life, _flushNumber, null);

    private void FlushLedger()
    {
        if (IsPaused || DiskStallsUntilMicroseconds > _swarm.NowMicroseconds)
        {
            ScheduleLedgerFlush();
            return;
        }

        if (_ledgerFlushWanted || Ledger!.LastSequence > Ledger.DurableSequence)
        {
            _swarm.BeginStep(StepKind.Disk, this, received: null);
            try
            {
                Ledger!.Flush();
                Observation.DurableLedgerSequence = Ledger.DurableSequence;
                _ledgerFlushWanted = false;
                PostState(StateMachineMessage.LedgerFlushed.Instance);
            }
            catch (DiskFullException)
            {
                // The records stay in memory and in the log.
                _swarm.Count(SimulationCoverage.LedgerWithoutRoom);
                PostState(StateMachineMessage.LedgerNoRoom.Instance);
            }
        }

        ScheduleLedgerFlush();
    }

    private void ScheduleTick()
    {
        // A timer that runs too fast has a shorter tick.
        long tick = _swarm.Options.TickMilliseconds * 1_000L;
        _swarm.Schedule(_swarm.NowMicroseconds + tick - (tick * DriftMillionths / 1_000_000), Own(EventKind.Tick));
    }

    private void ScheduleLedgerFlush() =>
        _swarm.Schedule(_swarm.NowMicroseconds + (_swarm.Options.LedgerFlushMilliseconds * 1_000L), Own(EventKind.FlushLedger));

    private SimulatedEvent Own(EventKind kind) => new(kind, Position, Life, Position, null);

    private void PostLog(LogMessage message)
    {
        _logBox.Add(message);
        Wake(_logBox, EventKind.ServeLog);
    }

    private void PostState(StateMachineMessage message)
    {
        _stateBox.Add(message);
        Wake(_stateBox, EventKind.ServeStateMachine);
    }

    private void Wake<T>(SimulatedMailbox<T> box, EventKind kind)
        where T : class
    {
        if (!box.IsScheduled && box.HasWork && !IsPaused)
        {
            box.IsScheduled = true;
            (long least, long greatest) = _swarm.Options.ServiceMicroseconds;
            _swarm.Schedule(_swarm.NowMicroseconds + _service.Between(least, greatest), Own(kind));
        }
    }

    private void WakeAll()
    {
        Wake(_nodeBox, EventKind.ServeNode);
        Wake(_logBox, EventKind.ServeLog);
        Wake(_stateBox, EventKind.ServeStateMachine);
        Wake(_snapshotBox, EventKind.ServeSnapshots);
    }

    private void Open()
    {
        Disk.CreateFolder(DataFolder);
        var identity = new NodeIdentity(Cluster, Id);
        bool known = NodeIdentityFile.Check(Disk, DataFolder, identity);
        var logOptions = new RaftLogStoreOptions
        {
            SegmentBytes = _swarm.Options.LogSegmentBytes,
            MaxGroupBytes = _swarm.Options.LogSegmentBytes / 2,
            MaxBatchBytes = _swarm.Options.LogSegmentBytes / 4,
            MustExist = known,
        };
        _store = RaftLogStore.Open(Disk, DataFolder, logOptions, out LogModel recovered);
        CheckRecovered(recovered);
        _swarm.CountTornTail(_store.Recovery.TornTail);
        _snapshotFiles = new SnapshotFiles(Disk, DataFolder);
        StateSnapshotFile? newest = _snapshotFiles.OpenNewest();
        Ledger = GovernanceLedger.Open(
            Disk,
            Path.Combine(DataFolder, GovernanceLedger.Purpose),
            new GovernanceLedgerOptions
            {
                SegmentBytes = _swarm.Options.LedgerSegmentBytes,
                MaxRecordBytes = _swarm.Options.LedgerSegmentBytes / GovernanceLedgerOptions.RecordsPerSegment,
                MustExist = known,
            },
            newest?.ReadLedgerCheckpoint());
        _swarm.CountTornTail(Ledger.TornTail);
        if (NodeStart.Batch(recovered.Outline, newest, Joins) is { } lacking)
        {
            _store.Append([lacking]);
            _store.Flush();
            recovered.Apply(lacking);
        }

        NodeIdentityFile.Write(Disk, DataFolder, identity);
        _swarm.CountIf(_store.Recovery.Segments > 1, SimulationCoverage.SeveralSegmentsRecovered);
        Durable = recovered;
        _flushing = [];
        Observation.DurableLedgerSequence = Ledger.DurableSequence;
        MemberAddress[] founders = [.. _swarm.Founders.Select(id => new MemberAddress(id, AddressOf(id), null, false))];
        GovernanceState state = newest is null
            ? NewState(founders)
            : StateOf(newest);
        _swarm.CountIf(newest is not null, SimulationCoverage.StartedFromSnapshot);
        Observation.AppliedIndex = state.AppliedIndex;
        Observation.Digest = newest is null ? default : state.Digest;

        var ports = new Ports(this);
        var start = NodeStart.From(recovered, newest, state, _swarm.Founders);
        Storage = start.Storage;
        _node = new NodeActor(
            new NodeActorOptions
            {
                Cluster = Cluster,
                Self = Id,
                Members = founders,
                Table = Joins ? MemberTable.Empty : null,
                HeartbeatTicks = _swarm.Options.HeartbeatTicks,
                ElectionTicks = _swarm.Options.ElectionTicks,
                RequestTimeoutTicks = _swarm.Options.RequestTimeoutTicks,
                MaxPendingCommands = _swarm.Options.MaxPendingCommands,
                MaxUncommittedBytes = _swarm.Options.MaxUncommittedBytes,
                MaxMessageBytes = _swarm.Options.MaxMessageBytes,
                LeaseDriftTicks = _swarm.Options.LeaseDriftTicks,
                Snapshots = _swarm.Options.Snapshots,
                Version = "simulated",
                Life = Life,
            },
            start,
            _lives.Fork(Life + (1UL << 32)),
            ports);
        Protocol = _node.Protocol;
        _logIncarnation = _knownLogIncarnation = 0;
        _log = NewLogActor(_logIncarnation);
        _state = new StateMachineActor(state, newest, Ledger, ports) { StateOf = StateOf };
        _snapshots = new SnapshotActor(
            new SnapshotActorOptions { Self = Id, Policy = _swarm.Options.Snapshots, ElectionTicks = _swarm.Options.ElectionTicks }, newest, ports);
    }

    private LogActor NewLogActor(ulong incarnation) =>
        new(Id, incarnation, _store!.Outline, new Ports(this)) { MaxBatchDataBytes = _swarm.Options.LogSegmentBytes / 8 };

    /// <summary>
    /// What the store found must be everything that was flushed, in its order, and beyond it at most the whole of what was being flushed.
    /// </summary>
    private void CheckRecovered(LogModel recovered)
    {
        if (IsSame(recovered, Durable))
        {
            return;
        }

        foreach (LogBatch batch in _flushing)
        {
            Durable.Apply(batch);
        }

        if (_flushing.Count == 0 || !IsSame(recovered, Durable))
        {
            throw new CheckFailedException(
                "a log keeps what was flushed",
                $"Node {Id} had flushed up to entry {Durable.Outline.LastIndex} with {Durable.State} and found entry {recovered.Outline.LastIndex} with {recovered.State}.");
        }

        _swarm.Count(SimulationCoverage.UnconfirmedWriteKept);
    }

    private static bool IsSame(LogModel one, LogModel other) =>
        one.State == other.State && one.Mark == other.Mark && one.Entries.Count == other.Entries.Count && one.Entries.SequenceEqual(other.Entries);

    private void End(bool losePower)
    {
        using SimulatedSwarm.StepScope scope = _swarm.EnterStep();
        if (IsRunning)
        {
            _swarm.CountIf(Protocol!.Role == RaftRole.Leader, SimulationCoverage.LeaderEnded);
            _swarm.CountIf(Protocol is { Role: RaftRole.Leader, Configuration.IsJoint: true }, SimulationCoverage.LeaderEndedInJoint);
            IsRunning = false;
            Close();
        }

        if (losePower)
        {
            bool lost = Disk.LosePower(_disk);
            _swarm.CountIf(lost, SimulationCoverage.UnflushedWriteLost);
        }
        else
        {
            Disk.EndProcess();
        }

        _swarm.NoteLife(this, started: false, losePower);
    }

    private void Close()
    {
        _process = null;
        _node = null;
        _log = null;
        _state = null;
        Protocol = null;
        Storage = null;
        Ledger = null;
        _store = null;
        _failReason = null;
        _flushNumber++;
        (_tickQueued, _ledgerFlushWanted, IsPaused, IsDraining) = (false, false, false, false);
        _nodeBox.Clear();
        _logBox.Clear();
        _stateBox.Clear();
        CloseSnapshots();
    }

    /// <summary>The process ended by itself: because the machine did, because of an injected fault, or for a reason that there must not be.</summary>
    private void NoteEnd(Exception reason)
    {
        Failure = reason;
        if (Disk.HasStopped)
        {
            _swarm.Count(SimulationCoverage.CrashInDiskOperation);
            bool ran = IsRunning;
            End(losePower: true);
            _swarm.NoteEndedByItself(this, ran);
            return;
        }

        bool explained = reason is IOException && (MayFail || Disk.IsDamaged || reason is DiskFullException);
        if (!explained)
        {
            throw new CheckFailedException("a node ends only for an injected fault", $"Node {Id} ended: {reason.GetType().Name}: {reason.Message}", reason);
        }

        _swarm.CountIf(reason is LogDamagedException or LedgerDamagedException or SnapshotDamagedException or WrongFolderException, SimulationCoverage.DamageNoticed);
        _swarm.CountIf(reason is LogFailedException, SimulationCoverage.FailedWriteEndedNode);
        bool wasRunning = IsRunning;
        End(losePower: false);
        _swarm.NoteEndedByItself(this, wasRunning);
    }
}
