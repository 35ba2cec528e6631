using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Actors;

/// <summary>
/// A swarm of real actors on one thread: which mailbox is served next is drawn from a seed, time passes only in ticks, the disks are in
/// memory. Whatever happens happens again with the same seed.
/// </summary>
internal sealed class TestSwarm
{
    public const int ElectionTicks = 10;
    private const int MaxStepsPerTick = 20_000;

    private readonly Random _random;
    private readonly Dictionary<NodeId, Node> _nodes = [];
    private readonly HashSet<(NodeId From, NodeId To)> _cut = [];

    public TestSwarm(int nodes = 3, int seed = 1, int maxPendingCommands = 1000, int? leaseDriftTicks = null, SnapshotOptions? snapshots = null)
    {
        LeaseDriftTicks = leaseDriftTicks;
        MaxPendingCommands = maxPendingCommands;
        Snapshots = snapshots ?? new SnapshotOptions();

        // Those who take snapshots have a ledger that holds little in memory: less than what a transfer proves at once.
        LedgerSegmentBytes = snapshots is null ? 1 << 20 : GovernanceLedgerOptions.MinSegmentBytes;
        _random = new Random(seed);
        Members = [.. Enumerable.Range(1, nodes).Select(i => new NodeId((ulong)i))];
        foreach (NodeId id in Members)
        {
            _nodes[id] = new Node(this, id);
            _nodes[id].Start();
        }
    }

    /// <summary>The first members.</summary>
    public IReadOnlyList<NodeId> Members { get; }

    /// <summary>All nodes there are, members or not.</summary>
    public IEnumerable<NodeId> Nodes => _nodes.Keys.Order();

    public int MaxPendingCommands { get; }

    public SnapshotOptions Snapshots { get; }

    public int LedgerSegmentBytes { get; }

    /// <summary>Decides about each message between nodes: false when it is lost.</summary>
    public Func<NodeId, NodeId, PeerMessage, bool> Carries { get; set; } = (_, _, _) => true;

    public int? LeaseDriftTicks { get; }

    /// <summary>Whole ticks on the clock that all machines share; goes on while a process is paused.</summary>
    public long SteadyTicks { get; private set; } = 1_000;

    public long NowUnixMilliseconds { get; set; } = 1_700_000_000_000;

    public Node this[NodeId id] => _nodes[id];

    public IEnumerable<Node> Alive => _nodes.Values.Where(node => node.IsAlive);

    /// <summary>The node that leads and that a majority follows, or null.</summary>
    public Node? Leader => Alive
        .Where(node => !node.IsPaused && node.Status().Role == NodeRole.Leader)
        .OrderByDescending(node => node.Status().Term)
        .FirstOrDefault();

    /// <summary>Serves mailboxes until all are empty; a tick of every node when they are; until the condition holds.</summary>
    public void RunUntil(Func<bool> condition, int maxTicks = 500)
    {
        for (int tick = 0; tick <= maxTicks; tick++)
        {
            Settle();
            if (condition())
            {
                return;
            }

            Tick();
        }

        Assert.Fail($"The condition did not come to hold within {maxTicks} ticks.");
    }

    /// <summary>Serves mailboxes until all are empty.</summary>
    public void Settle()
    {
        for (int steps = 0; Step(); steps++)
        {
            Assert.True(steps < MaxStepsPerTick, "The swarm did not come to rest.");
        }
    }

    /// <summary>Serves one mailbox. False when all are empty.</summary>
    public bool Step()
    {
        List<Action> ready = [.. Alive.SelectMany(node => node.ReadyMailboxes())];
        if (ready.Count == 0)
        {
            return false;
        }

        ready[_random.Next(ready.Count)]();
        return true;
    }

    /// <summary>One tick of every node that is alive.</summary>
    public void Tick()
    {
        NowUnixMilliseconds += 50;
        SteadyTicks++;
        foreach (Node node in Alive.Where(node => !node.IsPaused).ToArray())
        {
            node.Post(NodeMessage.Tick.Instance);
        }
    }

    public void Run(int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            Tick();
            Settle();
        }
    }

    /// <summary>Nothing gets through between a node and the others.</summary>
    public void Isolate(NodeId id)
    {
        foreach (NodeId other in Nodes.Where(m => m != id))
        {
            _cut.Add((id, other));
            _cut.Add((other, id));
        }
    }

    public void Heal() => _cut.Clear();

    /// <summary>Another node, which is no member; its log begins where that of the first members does.</summary>
    /// <param name="id">Its identity.</param>
    /// <param name="joins">Its disk is empty, and its log begins with what a leader sends it.</param>
    public Node AddNode(NodeId id, bool joins = false)
    {
        var node = new Node(this, id) { Joins = joins };
        _nodes.Add(id, node);
        node.Start();
        return node;
    }

    /// <summary>What no node of this swarm may be reached at.</summary>
    public const string ForbiddenAddress = "forbidden:1";

    public Node ElectLeader()
    {
        RunUntil(() => Leader is { } leader && Alive.All(node => node.Status().Leader == leader.Id));
        return Leader!;
    }

    /// <summary>Every node has applied the same entries and holds the same records.</summary>
    public void AssertAgreement()
    {
        RunUntil(() => Alive.Select(node => node.Status().AppliedIndex).Distinct().Count() == 1);
        Assert.Single(Alive.Select(node => node.Status().Digest).Distinct());
        Assert.Single(Alive.Select(node => node.Status().Ledger).Distinct());
    }

    internal sealed class Node(TestSwarm swarm, NodeId id)
    {
        private readonly Queue<NodeMessage> _nodeQueue = new();
        private readonly Queue<LogMessage> _logQueue = new();
        private readonly Queue<StateMachineMessage> _stateQueue = new();
        private readonly Queue<SnapshotMessage> _snapshotQueue = new();
        private readonly Queue<SnapshotWork>[] _works = [new(), new()];
        private NodeActor? _node;
        private LogActor? _log;
        private StateMachineActor? _state;
        private SnapshotActor? _snapshots;
        private SnapshotFiles? _snapshotFiles;
        private bool _nodeTurn;
        private bool _logTurn;
        private RaftLogStore? _store;
        private GovernanceLedger? _ledger;
        private uint _life;
        private ulong _logIncarnation;

        public NodeId Id => id;

        public FaultyDisk Disk { get; private set; } = new();

        public bool IsAlive => _node is not null;

        public bool Joins { get; init; }

        /// <summary>The process is stopped: it is not served and gets no ticks, and messages to it wait.</summary>
        public bool IsPaused { get; set; }

        /// <summary>The log actor is not served: its disk stands still.</summary>
        public bool DiskStandsStill { get; set; }

        /// <summary>No work with snapshots is done in this lane.</summary>
        public SnapshotLane? LaneStandsStill { get; set; }

        /// <summary>Every work with snapshots that was done, in order.</summary>
        public List<SnapshotWork> WorksDone { get; } = [];

        public Exception? Failure { get; private set; }

        public List<SwarmEvent> Events { get; } = [];

        public LedgerRecord Record(ulong sequence) => LedgerRecordCodec.Decode(_ledger!.Read(sequence, 1)[0]);

        public void Start()
        {
            _store = RaftLogStore.Open(Disk, "data", new RaftLogStoreOptions { SegmentBytes = 1 << 20, MaxGroupBytes = 1 << 18, MaxBatchBytes = 1 << 17 }, out LogModel recovered);
            _snapshotFiles = new SnapshotFiles(Disk, "data");
            StateSnapshotFile? newest = _snapshotFiles.OpenNewest();
            _ledger = GovernanceLedger.Open(
                Disk, "data/ledger", new GovernanceLedgerOptions { SegmentBytes = swarm.LedgerSegmentBytes }, newest?.ReadLedgerCheckpoint());
            if (NodeStart.Batch(recovered.Outline, newest, Joins) is { } lacking)
            {
                _store.Append([lacking]);
                _store.Flush();
                recovered.Apply(lacking);
            }

            GovernanceState state = NodeStart.State(newest, Joins ? [] : Addresses);
            StartedFrom = state.AppliedIndex;
            var start = NodeStart.From(recovered, newest, state, swarm.Members);
            Log = start.Storage;
            var ports = new Ports(this);
            _node = new NodeActor(
                new NodeActorOptions
                {
                    Cluster = "test",
                    Self = id,
                    Members = Addresses,
                    Table = Joins ? MemberTable.Empty : null,
                    AddressObjection = (peer, _) => string.Equals(peer, ForbiddenAddress, StringComparison.Ordinal) ? "It is forbidden." : null,
                    HeartbeatTicks = 2,
                    ElectionTicks = ElectionTicks,
                    LeaseDriftTicks = swarm.LeaseDriftTicks,
                    RequestTimeoutTicks = 100,
                    MaxPendingCommands = swarm.MaxPendingCommands,
                    MaxUncommittedBytes = 1 << 20,
                    Snapshots = swarm.Snapshots,
                    Version = "test",
                    Life = ++_life,
                },
                start,
                new SeededRandom(swarm._random),
                ports);
            _logIncarnation = 0;
            _log = new LogActor(id, 0, _store.Outline, ports);
            _state = new StateMachineActor(state, newest, _ledger, ports);
            _snapshots = new SnapshotActor(new SnapshotActorOptions { Self = id, Policy = swarm.Snapshots, ElectionTicks = ElectionTicks }, newest, ports);
        }

        /// <summary>The entry from which the state was taken up at the last start.</summary>
        public LogIndex StartedFrom { get; private set; }

        /// <summary>The log in memory.</summary>
        public InMemoryRaftStorage Log { get; private set; } = new();

        public GovernanceLedger Ledger => _ledger!;

        /// <summary>The names of the snapshots that the disk has.</summary>
        public IReadOnlyList<string> SnapshotNames => Disk.ListFiles(Path.Combine("data", StateSnapshotFolder.FolderName));

        /// <summary>The process dies; what was not flushed may be lost.</summary>
        public void Crash()
        {
            Stop();
            Disk = Disk.AfterCrash(Choices.Seeded(swarm._random.Next()));
        }

        /// <summary>The process dies, and its disk goes back to what it was earlier: it had confirmed what it did not keep.</summary>
        public void CrashBackTo(FaultyDisk earlier)
        {
            Stop();
            Disk = earlier;
        }

        public void Post(NodeMessage message) => _nodeQueue.Enqueue(message);

        public void Post(LogMessage message) => _logQueue.Enqueue(message);

        /// <summary>What has arrived and was not looked at is lost.</summary>
        public void DropWhatCame() => _nodeQueue.Clear();

        /// <summary>The log actor dies; another one recovers from the store, and says so.</summary>
        public void ReplaceLogActor() => Post(ReplaceLogActorUnannounced());

        /// <summary>The log actor dies; another one recovers from the store. What it says of that has yet to reach the node.</summary>
        public NodeMessage ReplaceLogActorUnannounced()
        {
            _logQueue.Clear();
            _logTurn = false;
            _log = new LogActor(id, ++_logIncarnation, _store!.Outline, new Ports(this));
            return new NodeMessage.LogStarted(_logIncarnation, _store.Outline);
        }

        public Answers Submit(params FactSubmission[] submissions)
        {
            var answers = new Answers();
            _nodeQueue.Enqueue(new NodeMessage.Submit(
                [.. submissions.Select(s => new UnstampedCommand(CommandCodec.EncodeFact(s, CommandStamp.None), s.Lamport?.Counter ?? 0))],
                answers));
            return answers;
        }

        public Captured<QueryAnswer<ProposalView?>> Read(string proposalId, ReadConsistency consistency = ReadConsistency.Linearizable)
        {
            var reply = new Captured<QueryAnswer<ProposalView?>>();
            _nodeQueue.Enqueue(new NodeMessage.Read(new StateMachineMessage.GetProposal(proposalId, reply), consistency));
            return reply;
        }

        /// <summary>The status as of now, without serving anybody else.</summary>
        public SwarmStatus Status()
        {
            var reply = new Captured<SwarmStatus>();
            StateMachineMessage? question = null;
            _statusTo = message => question = message;
            _node!.Receive(new NodeMessage.GetStatus(reply), Now);
            _statusTo = null;
            _state!.Receive(question!);
            return reply.Value!;
        }

        private Action<StateMachineMessage>? _statusTo;

        public IEnumerable<Action> ReadyMailboxes()
        {
            if (IsPaused)
            {
                yield break;
            }

            if (_nodeQueue.Count > 0)
            {
                yield return () => Guard(() => _node!.Receive(_nodeQueue.Dequeue(), Now));
            }
            else if (_nodeTurn)
            {
                yield return () =>
                {
                    _nodeTurn = false;
                    Guard(() => _node!.Receive(NodeMessage.Turn.Instance, Now));
                };
            }

            if (!DiskStandsStill && _logQueue.Count > 0)
            {
                yield return () => Guard(() => _log!.Receive(_logQueue.Dequeue()));
            }
            else if (!DiskStandsStill && _logTurn)
            {
                yield return () =>
                {
                    _logTurn = false;
                    Guard(() => _log!.Receive(LogMessage.Turn.Instance));
                };
            }

            if (_stateQueue.Count > 0)
            {
                yield return () => Guard(() => _state!.Receive(_stateQueue.Dequeue()));
            }

            if (_snapshotQueue.Count > 0)
            {
                yield return () => Guard(() => _snapshots!.Receive(_snapshotQueue.Dequeue()));
            }

            foreach (Queue<SnapshotWork> works in _works)
            {
                if (works.Count > 0 && works.Peek().Lane != LaneStandsStill)
                {
                    yield return () => Guard(() =>
                    {
                        SnapshotWork work = works.Dequeue();
                        WorksDone.Add(work);
                        SnapshotMessage answer = work.Run(_snapshotFiles!, _ledger!);
                        _snapshotQueue.Enqueue(answer);
                    });
                }
            }
        }

        private MemberAddress[] Addresses => [.. swarm.Members.Select(m => new MemberAddress(m, $"test:{m}", null, false))];

        public Captured<MembershipOutcome> Change(params MembershipStep[] steps)
        {
            var reply = new Captured<MembershipOutcome>();
            _nodeQueue.Enqueue(new NodeMessage.ChangeMembers([.. steps], reply));
            return reply;
        }

        /// <summary>The members as this node knows them, without serving anybody else.</summary>
        public SwarmMembers MembersKnown()
        {
            var reply = new Captured<SwarmMembers>();
            _node!.Receive(new NodeMessage.GetMembers(reply), Now);
            return reply.Value!;
        }

        private Moment Now => new(swarm.NowUnixMilliseconds, swarm.SteadyTicks);

        private void Guard(Action receive)
        {
            try
            {
                receive();
            }
            catch (IOException e)
            {
                Failure = e;
                Stop();
            }
        }

        private void Stop()
        {
            _node = null;
            _log = null;
            _state = null;
            _store?.Dispose();
            _ledger?.Dispose();
            _nodeQueue.Clear();
            _logQueue.Clear();
            _stateQueue.Clear();
            _snapshotQueue.Clear();
            _works[0].Clear();
            _works[1].Clear();
            _snapshots = null;
            (_nodeTurn, _logTurn) = (false, false);
        }

        private sealed class Ports(Node node) : INodePort, ILogPort, IStateMachinePort, ISnapshotPort
        {
            public void ToPeer(NodeId peer, PeerMessage message)
            {
                Assert.True(message is not ProtocolMessage protocol || protocol.CanCome(node.Id, peer), $"{message} from {node.Id} to {peer} would be hung up on.");
                if (node.Swarm._nodes.TryGetValue(peer, out Node? to) && to.IsAlive && !node.Swarm._cut.Contains((node.Id, peer)) && node.Swarm.Carries(node.Id, peer, message))
                {
                    to.Post(new NodeMessage.FromPeer(node.Id, message));
                }
            }

            public void ToLog(LogMessage message) => node._logQueue.Enqueue(message);

            public void ToSnapshots(SnapshotMessage message) => node._snapshotQueue.Enqueue(message);

            public void Do(SnapshotWork work) => node._works[(int)work.Lane].Enqueue(work);

            public void ToNode(NodeMessage message) => node._nodeQueue.Enqueue(message);

            public void ToStateMachine(StateMachineMessage message)
            {
                if (node._statusTo is { } status && message is StateMachineMessage.CompleteStatus)
                {
                    status(message);
                }
                else
                {
                    node._stateQueue.Enqueue(message);
                }
            }

            public void WantLedgerFlush()
            {
                node._ledger!.Flush();
                node._stateQueue.Enqueue(StateMachineMessage.LedgerFlushed.Instance);
            }

            public void Store(IReadOnlyList<LogBatch> batches)
            {
                try
                {
                    int taken = node._store!.Append(batches);
                    node._store.Flush();
                    node._logQueue.Enqueue(new LogMessage.Stored(taken));
                }
                catch (DiskFullException)
                {
                    node._logQueue.Enqueue(LogMessage.NoRoom.Instance);
                }
            }

            public void RemoveObsolete() => node._store!.RemoveObsolete();

            void INodePort.WantTurn() => node._nodeTurn = true;

            void ILogPort.WantTurn() => node._logTurn = true;

            public bool IsConnected(NodeId peer) =>
                node.Swarm._nodes.TryGetValue(peer, out Node? to) && to.IsAlive && !node.Swarm._cut.Contains((node.Id, peer));

            public void Publish(SwarmEvent happened) => node.Events.Add(happened);

            public void Fail(Exception reason) => node.Failure = reason;
        }

        private TestSwarm Swarm => swarm;
    }

    internal sealed class Captured<T> : Reply<T>
    {
        public T? Value { get; private set; }

        public bool HasValue { get; private set; }

        public override void Send(T answer)
        {
            Assert.False(HasValue, "An actor sends exactly one answer.");
            (Value, HasValue) = (answer, true);
        }
    }

    internal sealed class Answers : Reply<IReadOnlyList<CommitAnswer>>
    {
        public IReadOnlyList<CommitAnswer>? All { get; private set; }

        public CommitAnswer Single => Assert.Single(All!);

        public override void Send(IReadOnlyList<CommitAnswer> answer)
        {
            Assert.Null(All);
            All = answer;
        }
    }

    private sealed class SeededRandom(Random random) : IRandomSource
    {
        public int Next(int exclusiveMax) => random.Next(exclusiveMax);
    }
}
