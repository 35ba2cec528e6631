using System.Buffers.Binary;
using Converge.Core;
using Converge.Raft.Tests.ScriptRunner;

namespace Converge.Raft.Tests.Cluster;

/// <summary>
/// A cluster whose network loses, repeats and reorders, whose disks are slow and whose nodes crash, all drawn from one seed. After every
/// step what must always hold is checked.
/// </summary>
internal sealed class SimulatedCluster
{
    private readonly SeededRandom _random;
    private readonly List<SimulatedNode> _nodes = [];
    private readonly List<Message> _network = [];
    private readonly HashSet<NodeId> _isolated = [];
    private readonly bool _ticksTogether;

    // What is known of the whole history.
    private readonly Dictionary<Term, NodeId> _leaders = [];
    private readonly SortedDictionary<LogIndex, (Term Term, ulong State)> _applied = [];
    private readonly Dictionary<(NodeId Node, ulong Context), LogIndex> _reads = [];
    private readonly Dictionary<NodeId, HardState> _durable = [];
    private readonly Dictionary<NodeId, (LogIndex Commit, LogIndex Applied, Term Term)> _lives = [];
    private LogIndex _committed = new(1);
    private ulong _nextData;
    private ulong _nextRead;

    public SimulatedCluster(ulong seed)
    {
        _random = new SeededRandom(seed);
        bool checksQuorum = _random.Chance(70);
        _ticksTogether = checksQuorum && _random.Chance(30);
        var template = new RaftOptions
        {
            Id = new NodeId(1),
            Random = _random,
            ElectionTicks = 5 + _random.Next(6),
            AsyncStorageWrites = true,
            CheckQuorum = checksQuorum,
            PreVote = _random.Chance(60),
            ReadMode = _ticksTogether ? ReadMode.LeaseBased : ReadMode.Safe,
            MaxMessageBytes = _random.Chance(30) ? 0 : 1 << 12,
            MaxInflightMessages = 1 + _random.Next(5),
            MaxInflightBytes = 1 << 12,
            MaxCommittedBytesPerReady = 1 + _random.Next(200),
            MaxUncommittedBytes = 400,
            StepDownOnRemoval = _random.Chance(70),
            RefuseInvalidConfigurationChanges = _random.Chance(70),
            IgnoreNonMembers = _random.Chance(50),
            StalledStorageTicks = _random.Chance(30) ? 25 : 0,
            Priorities = _random.Chance(30) ? new Dictionary<NodeId, int> { [new NodeId(2)] = 1, [new NodeId(3)] = 2, [new NodeId(5)] = 3 } : [],
            YieldToHigherPriority = checksQuorum && _random.Chance(50),
        };
        var voters = ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3));
        for (ulong id = 1; id <= 5; id++)
        {
            _nodes.Add(new SimulatedNode(template with { Id = new NodeId(id) }, id <= 3 ? voters : null));
        }
    }

    /// <summary>Where to tell what happens, or nowhere.</summary>
    public TextWriter? Trace { get; init; }

    public int LeadersSeen => _leaders.Count;

    public LogIndex Committed => _committed;

    public int ReadsAnswered { get; private set; }

    public int SnapshotsInstalled { get; private set; }

    public void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            Step();
            foreach (SimulatedNode node in _nodes)
            {
                Drain(node);
            }

            Check();
        }
    }

    /// <summary>Everything works again: within a bound there is one leader, everybody has caught up, and something new is committed.</summary>
    public void HealAndConverge()
    {
        _isolated.Clear();
        foreach (SimulatedNode node in _nodes.Where(node => !node.IsUp))
        {
            node.Restart();
        }

        LogIndex before = _committed;
        for (int tick = 0; tick < 400; tick++)
        {
            foreach (SimulatedNode node in _nodes)
            {
                node.Raft.Tick();
                foreach (SimulatedNode other in _nodes.Where(_ => tick % 20 == 0))
                {
                    // Snapshots whose fate nobody reported were lost.
                    node.Raft.ReportSnapshot(other.Id, SnapshotStatus.Failed);
                }
            }

            if (tick % 10 == 9)
            {
                Leader()?.Raft.Propose(NextData());
            }

            if (tick % 50 == 49 && Leader() is { } removed && !removed.Raft.Configuration.IsVoter(removed.Id))
            {
                // Without the rule that it steps down, somebody above must see to it.
                removed.Crash();
                _lives.Remove(removed.Id);
                _network.Clear();
                removed.Restart();
            }

            Settle();
            if (_committed > before + 3 && Leader() is { } leader && Members(leader).All(node => node.Applied == leader.Raft.CommitIndex && node.State == leader.State))
            {
                return;
            }
        }

        string states = string.Join('\n', _nodes.Select(node =>
            $"{node.Raft.Status()} applied {node.Applied}, disk {node.Disk.FirstIndex}..{node.Disk.LastIndex}, {string.Join(", ", node.Raft.Status().Progress)}"));
        Assert.Fail($"The cluster does not converge: {_committed} committed, {before} before.\n{states}");
    }

    private void Settle()
    {
        bool isBusy = true;
        while (isBusy)
        {
            isBusy = false;
            foreach (SimulatedNode node in _nodes)
            {
                Drain(node);
                while (node.AppendWork.Count > 0 || node.ApplyWork.Count > 0)
                {
                    isBusy = true;
                    Work(node, node.AppendWork.Count > 0);
                    Drain(node);
                    Check();
                }
            }

            while (_network.Count > 0)
            {
                isBusy = true;
                Message message = _network[0];
                _network.RemoveAt(0);
                Deliver(message);
                Check();
            }
        }
    }

    private SimulatedNode? Leader() => _nodes.Where(node => node.IsUp && node.Raft.Role == RaftRole.Leader).MaxBy(node => node.Raft.Term);

    private IEnumerable<SimulatedNode> Members(SimulatedNode leader) => _nodes.Where(node => leader.Raft.Configuration.IsMember(node.Id));

    private SimulatedNode Node(NodeId id) => _nodes[(int)id.Value - 1];

    private SimulatedNode AnyNode() => _nodes[_random.Next(_nodes.Count)];

    private ReadOnlyMemory<byte> NextData()
    {
        byte[] data = new byte[sizeof(ulong) + _random.Next(40)];
        BinaryPrimitives.WriteUInt64LittleEndian(data, ++_nextData);
        return data;
    }

    private void Step()
    {
        int choice = _random.Next(1000);
        SimulatedNode node = AnyNode();
        if (choice < 350)
        {
            DeliverAny();
        }
        else if (choice < 500)
        {
            Tick(node);
        }
        else if (choice < 650)
        {
            Do(node, up => Work(up, isAppend: true), node.AppendWork.Count > 0);
        }
        else if (choice < 800)
        {
            Do(node, up => Work(up, isAppend: false), node.ApplyWork.Count > 0);
        }
        else if (choice < 880)
        {
            Do(node, up => up.Raft.Propose(NextData()));
        }
        else if (choice < 920)
        {
            Do(node, Read);
        }
        else if (choice < 940)
        {
            Do(node, up => up.Compact((ulong)_random.Next(6)));
        }
        else if (choice < 955)
        {
            Do(node, up => up.Raft.ProposeConfigurationChange(AnyChange()));
        }
        else if (choice < 965)
        {
            Do(node, up => up.Raft.TransferLeadership(AnyNode().Id));
        }
        else if (choice < 970)
        {
            Do(node, up => up.Raft.PromoteWhenCaughtUp(AnyNode().Id));
        }
        else if (choice < 975)
        {
            CrashOrRestart(node);
        }
        else if (choice < 985)
        {
            CutOffOrConnect(node);
        }
        else if (choice < 990)
        {
            Do(node, up => up.Raft.ReportUnreachable(AnyNode().Id));
        }
        else if (choice < 995)
        {
            Do(node, up => up.Raft.ReportSnapshot(AnyNode().Id, _random.Chance(50) ? SnapshotStatus.Failed : SnapshotStatus.Finished));
        }
        else
        {
            Do(node, up => up.Raft.Campaign());
        }
    }

    private static void Do(SimulatedNode node, Action<SimulatedNode> action, bool isPossible = true)
    {
        if (node.IsUp && isPossible)
        {
            action(node);
        }
    }

    private void Tick(SimulatedNode node)
    {
        // Leases are counted in ticks: with them all clocks run alike, and only the rest is unruly.
        foreach (SimulatedNode ticking in _ticksTogether ? _nodes : [node])
        {
            Do(ticking, up => up.Raft.Tick());
        }
    }

    private void Read(SimulatedNode node)
    {
        // Now and then under a name that was used before.
        ulong context = _nextRead > 0 && _random.Chance(20) ? (ulong)_random.Next((int)_nextRead) : _nextRead++;
        _reads[(node.Id, context)] = _reads.TryGetValue((node.Id, context), out LogIndex earlier) ? earlier : _committed;
        node.Raft.ReadIndex(context);
    }

    private ConfigurationChange AnyChange()
    {
        if (_random.Chance(25))
        {
            return ConfigurationChange.Leave;
        }

        var steps = new MemberChange[1 + _random.Next(3)];
        for (int i = 0; i < steps.Length; i++)
        {
            steps[i] = new MemberChange((MemberChangeKind)_random.Next(4), new NodeId((ulong)_random.Next(5) + 1));
        }

        return _random.Chance(40)
            ? ConfigurationChange.SingleServer(steps[0].Kind, steps[0].Node)
            : new ConfigurationChange([.. steps], (ConfigurationTransition)_random.Next(3));
    }

    private void CutOffOrConnect(SimulatedNode node)
    {
        // Trouble is shorter than peace, or nothing would ever be committed.
        if (!_isolated.Remove(node.Id) && _random.Chance(30))
        {
            _isolated.Add(node.Id);
        }
    }

    private void CrashOrRestart(SimulatedNode node)
    {
        if (node.IsUp)
        {
            if (!_random.Chance(30))
            {
                return;
            }

            Trace?.WriteLine($"{node.Id} crashes");

            node.Crash();
            _lives.Remove(node.Id);

            // What it has not been told by its own disk is gone with it.
            _network.RemoveAll(message => message.To == node.Id && (message.From == node.Id || LocalTargets.Contains(message.From)));
        }
        else
        {
            node.Restart();
            Trace?.WriteLine($"{node.Id} restarts at {node.Raft.Status()}");
        }
    }

    private void Work(SimulatedNode node, bool isAppend)
    {
        Trace?.WriteLine($"{node.Id} {(isAppend ? "writes" : "applies")} {ScriptPrinter.Describe((isAppend ? node.AppendWork : node.ApplyWork).Peek())}");
        if (isAppend && node.AppendWork.Peek().Snapshot is not null)
        {
            SnapshotsInstalled++;
        }

        ReadOnlyMemory<Message> responses = isAppend ? node.Append() : node.Apply(entry => ObserveApplied(node, entry));
        _network.AddRange(responses.Span);
    }

    private void Drain(SimulatedNode node)
    {
        while (node.IsUp && node.Raft.HasReady)
        {
            Ready ready = node.Raft.Ready();
            Assert.False(ready.IsEmpty, $"{node.Id} was ready for nothing.");
            foreach (ref readonly ReadState read in ready.ReadStates.Span)
            {
                Assert.True(
                    read.Index >= _reads[(node.Id, read.Context)],
                    $"A read of {node.Id} is answered with {read.Index} although {_reads[(node.Id, read.Context)]} was committed before it.");
                ReadsAnswered++;
            }

            foreach (ref readonly Message message in ready.Messages.Span)
            {
                switch (message.Kind)
                {
                    case MessageKind.StorageAppend:
                        node.AppendWork.Enqueue(message);
                        break;
                    case MessageKind.StorageApply:
                        node.ApplyWork.Enqueue(message);
                        break;
                    default:
                        _network.Add(message);
                        break;
                }
            }
        }
    }

    private void DeliverAny()
    {
        if (_network.Count == 0)
        {
            return;
        }

        int at = _random.Chance(70) ? 0 : _random.Next(_network.Count);
        Message message = _network[at];

        // What stays within a node arrives once, and in its order.
        bool isLocal = LocalTargets.Contains(message.From) || message.From == message.To;
        if (isLocal)
        {
            at = _network.FindIndex(other => other.To == message.To && (LocalTargets.Contains(other.From) || other.From == other.To));
            message = _network[at];
        }

        if (isLocal || !_random.Chance(8))
        {
            _network.RemoveAt(at);
        }

        if (isLocal || (!_isolated.Contains(message.From) && !_isolated.Contains(message.To) && !_random.Chance(5)))
        {
            Deliver(message);
        }
    }

    private void Deliver(in Message message)
    {
        SimulatedNode node = Node(message.To);
        if (node.IsUp)
        {
            StepResult result = node.Raft.Step(message);
            Trace?.WriteLine($"{node.Id} receives {ScriptPrinter.Describe(message)}: {result}; {node.Raft.Role} of {node.Raft.Term}, {node.Raft.Configuration}, commit {node.Raft.CommitIndex}");
            Assert.True(result is not (StepResult.Malformed or StepResult.LogLost or StepResult.WrongRecipient or StepResult.LocalKind), $"{message}: {result}");
        }
    }

    private void ObserveApplied(SimulatedNode node, Entry entry)
    {
        // Same place, same entry, same state (3, 5, 8).
        if (_applied.TryGetValue(entry.Index, out (Term Term, ulong State) known))
        {
            Assert.True(known == (entry.Term, node.State), $"{node.Id} applied {entry} where {known} was applied before.");
        }
        else
        {
            _applied[entry.Index] = (entry.Term, node.State);
        }
    }

    private void Check()
    {
        foreach (SimulatedNode node in _nodes)
        {
            CheckDurable(node);
            if (node.IsUp)
            {
                CheckNode(node);
            }
        }
    }

    /// <summary>Terms only grow, and there is one vote a term (9).</summary>
    private void CheckDurable(SimulatedNode node)
    {
        HardState now = node.Disk.HardState;
        HardState before = _durable.GetValueOrDefault(node.Id);
        Assert.True(now.Term >= before.Term, $"The term of {node.Id} went back from {before.Term} to {now.Term}.");
        Assert.True(
            now.Term > before.Term || before.Vote.IsNone || now.Vote == before.Vote,
            $"{node.Id} voted for {before.Vote} and for {now.Vote} in term {now.Term}.");
        Assert.True(
            node.Disk.LastIndex < node.Disk.FirstIndex || (node.Disk.Term(node.Disk.LastIndex, out Term last) == LogReadStatus.Ok && last <= now.Term),
            $"{node.Id} has entries of a term that is not durable.");
        _durable[node.Id] = now;
    }

    private void CheckNode(SimulatedNode node)
    {
        RaftNode raft = node.Raft;

        // Within a life nothing goes back (10).
        (LogIndex Commit, LogIndex Applied, Term Term) now = (raft.CommitIndex, raft.AppliedIndex, raft.Term);
        (LogIndex Commit, LogIndex Applied, Term Term) before = _lives.GetValueOrDefault(node.Id);
        Assert.True(now.Commit >= before.Commit && now.Applied >= before.Applied && now.Term >= before.Term, $"{node.Id} went back from {before} to {now}.");
        Assert.True(now.Applied <= now.Commit && now.Commit <= raft.LastIndex, $"{node.Id}: {now}, last {raft.LastIndex}.");
        _lives[node.Id] = now;

        if (raft.CommitIndex > _committed)
        {
            CheckCommitted(node);
            _committed = raft.CommitIndex;
        }

        if (raft.Role == RaftRole.Leader)
        {
            CheckLeader(node);
        }
    }

    /// <summary>What is newly committed is durable on a quorum of the configuration in force with the leader that commits it (6, 7).</summary>
    private void CheckCommitted(SimulatedNode node)
    {
        Assert.True(node.Raft.Role == RaftRole.Leader, $"{node.Id} knows of {node.Raft.CommitIndex} as committed before its leader.");
        LogReadStatus status = node.Raft.Machine.Log.Term(node.Raft.CommitIndex, out Term term);
        Assert.Equal(LogReadStatus.Ok, status);
        Assert.Equal(node.Raft.Term, term);
        ConfigurationState configuration = node.Raft.Configuration;
        Assert.Equal(
            VoteResult.Won,
            JointQuorum.Tally(
                configuration.Voters.AsSpan(), configuration.VotersOutgoing.AsSpan(), new Durable(_nodes, node.Raft.CommitIndex, term)));
    }

    private void CheckLeader(SimulatedNode node)
    {
        // One leader a term (1).
        if (_leaders.TryGetValue(node.Raft.Term, out NodeId known))
        {
            Assert.True(known == node.Id, $"{known} and {node.Id} lead term {node.Raft.Term}.");
            return;
        }

        _leaders[node.Raft.Term] = node.Id;

        // It holds all that was ever committed (4).
        foreach ((LogIndex index, (Term term, _)) in _applied)
        {
            if (node.Raft.Machine.Log.Term(index, out Term own) == LogReadStatus.Ok)
            {
                Assert.True(own == term, $"Leader {node.Id} of term {node.Raft.Term} has {own} at {index}, where {term} was applied.");
            }
            else
            {
                Assert.True(index < node.Raft.Machine.Log.FirstIndex, $"Leader {node.Id} of term {node.Raft.Term} lacks entry {index}.");
            }
        }
    }

    private readonly struct Durable(List<SimulatedNode> nodes, LogIndex index, Term term) : IBallots
    {
        public Ballot Of(NodeId voter)
        {
            InMemoryRaftStorage disk = nodes[(int)voter.Value - 1].Disk;
            bool isThere = disk.FirstIndex > index
                || (disk.LastIndex >= index && disk.Term(index, out Term own) == LogReadStatus.Ok && own == term);
            return isThere ? Ballot.Granted : Ballot.Rejected;
        }
    }
}
