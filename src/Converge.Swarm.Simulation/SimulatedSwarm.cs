using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>
/// A swarm of real actors, logs and ledgers on one thread, in virtual time, over a simulated network and simulated disks. Everything that
/// happens depends on the seed and on what the caller does, so whatever happens happens again.
/// </summary>
/// <remarks>
/// Not safe for concurrent use; any number of swarms may run beside each other, each on a thread of its own. A violation of what the
/// checkers watch throws <see cref="CheckFailedException"/> out of the call in which it happened, and ends the run.
/// </remarks>
public sealed class SimulatedSwarm : ISimulationView
{
    private readonly EventQueue _events = new();
    private readonly SimulationTrace _trace;
    private readonly SimulationRandom _random;
    private readonly List<SimulatedNode> _nodes = [];
    private readonly List<SimulatedNode> _inService = [];
    private readonly List<NodeObservation> _observations = [];
    private readonly ISimulationChecker[] _checkers;
    private readonly long[] _coverage = new long[Enum.GetValues<SimulationCoverage>().Length];
    private readonly CoverageWatch _watch;
    private long _steps;
    private bool _stepOpen;

    /// <summary>A swarm whose nodes have all started and do not know each other yet.</summary>
    /// <exception cref="ArgumentException">The options do not make sense.</exception>
    public SimulatedSwarm(SimulatedSwarmOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Nodes < 1)
        {
            throw new ArgumentException($"A swarm has at least one node, not {options.Nodes}.", nameof(options));
        }

        Options = options;
        _random = new SimulationRandom(options.Seed);
        _trace = new SimulationTrace(options.Trace);
        Network = new SimulatedNetwork(this, _random.Fork(1)) { Conditions = options.Network };
        Agreed = new AgreedLog(options.MaxSessions);
        Founders = [.. Enumerable.Range(1, options.Nodes).Select(i => new NodeId((ulong)i))];
        _checkers = [.. options.Checkers()];
        for (int i = 0; i < options.Nodes; i++)
        {
            Add(Founders[i], joins: false);
        }

        _watch = new CoverageWatch(this);
        foreach (ISimulationChecker checker in _checkers)
        {
            checker.Begin(this);
        }

        BeginStep(StepKind.Outside, node: null, received: null);
        foreach (SimulatedNode node in _nodes)
        {
            node.Start();
        }

        EndStep();
    }

    /// <summary>What it is made of.</summary>
    public SimulatedSwarmOptions Options { get; }

    /// <summary>The network between the nodes.</summary>
    public SimulatedNetwork Network { get; }

    /// <inheritdoc/>
    public OperationHistory History { get; } = new();

    /// <inheritdoc/>
    public AgreedLog Agreed { get; }

    /// <inheritdoc/>
    public long NowMicroseconds { get; private set; }

    /// <inheritdoc/>
    public HealingPhase? Healing { get; private set; }

    /// <summary>The virtual time since the run began.</summary>
    public TimeSpan Now => TimeSpan.FromMicroseconds(NowMicroseconds);

    /// <summary>How many steps were taken.</summary>
    public long Steps => _steps;

    /// <summary>Everything that happened so far, as one number: equal for two runs exactly when they were the same.</summary>
    public UInt128 TraceHash => _trace.Hash;

    /// <summary>All nodes that ever were, by position.</summary>
    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>Those of them that run, or are to run again: all but the retired ones.</summary>
    public IReadOnlyList<SimulatedNode> InService => _inService;

    /// <inheritdoc/>
    IReadOnlyList<NodeObservation> ISimulationView.Nodes => _observations;

    /// <summary>The node that leads in the highest term, if any leads.</summary>
    public SimulatedNode? Leader
    {
        get
        {
            SimulatedNode? leader = null;
            foreach (SimulatedNode node in _nodes)
            {
                if (node.Protocol is { Role: RaftRole.Leader } protocol && (leader is null || protocol.Term > leader.Protocol!.Term))
                {
                    leader = node;
                }
            }

            return leader;
        }
    }

    internal List<SimulatedNode> NodeList => _nodes;

    internal IReadOnlyList<NodeId> Founders { get; }

    internal SimulationStep CurrentStep { get; } = new();

    internal SimulationTrace Trace => _trace;

    /// <summary>How often each rare thing happened so far, in the order of <see cref="SimulationCoverage"/>.</summary>
    public IReadOnlyList<long> CoverageCounts => _coverage;

    /// <summary>Called when a process ended that nobody outside ended; for whoever starts it again.</summary>
    public Action<SimulatedNode>? EndedByItself { get; set; }

    /// <summary>Called when a leader has put a joint configuration in force.</summary>
    internal Action<SimulatedNode>? LedIntoJoint { get; set; }

    /// <summary>How often something rare happened so far.</summary>
    public long CoverageOf(SimulationCoverage what) => _coverage[(int)what];

    /// <summary>The node of an identity; the latest when its machine was replaced.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public SimulatedNode Node(NodeId id)
    {
        for (int i = _nodes.Count - 1; i >= 0; i--)
        {
            if (_nodes[i].Id == id)
            {
                return _nodes[i];
            }
        }

        throw new ArgumentException($"There is no node {id}.", nameof(id));
    }

    /// <summary>
    /// A machine with an empty disk under an identity that was never used. Its process is to be started, and is no member until the members
    /// take it in (<see cref="SimulatedNode.ChangeMembers"/>).
    /// </summary>
    public SimulatedNode AddNode() => Add(new NodeId(_nodes.Max(node => node.Id.Value) + 1), joins: true);

    /// <summary>
    /// The machine of a node is lost with its disk; another with an empty one stands in its place, under the same identity. Its process is to
    /// be started. The node that was is retired.
    /// </summary>
    public SimulatedNode ReplaceMachine(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        using StepScope scope = EnterStep();
        node.Retire();
        return Add(node.Id, joins: true);
    }

    private SimulatedNode Add(NodeId id, bool joins)
    {
        int position = _nodes.Count;
        var node = new SimulatedNode(this, id, position, joins, _random.Fork(1_000 + (ulong)position));
        _nodes.Add(node);
        _inService.Add(node);
        _observations.Add(node.Observation);
        return node;
    }

    internal void NoteRetired(SimulatedNode node) => _inService.Remove(node);

    /// <summary>A client that asks the nodes; each has a number of its own.</summary>
    public SimulatedClient AddClient(SimulatedClientOptions? options = null)
    {
        int number = _clients++;
        return new SimulatedClient(this, number, options ?? new SimulatedClientOptions(), _random.Fork(1_000_000 + (ulong)number));
    }

    private int _clients;

    /// <summary>Lets the next thing happen.</summary>
    /// <exception cref="CheckFailedException">A checker objects.</exception>
    public void Step()
    {
        SimulatedEvent due = _events.Take(out long time);
        NowMicroseconds = time;
        if (due.Kind == EventKind.Call)
        {
            BeginStep(StepKind.Outside, node: null, received: null);
            _trace.Add(time, due.Kind, due.Node, 0);
            ((Action)due.Payload!)();
            EndStep();
            return;
        }

        SimulatedNode node = _nodes[due.Node];
        if (!node.IsRunning || (due.Life != node.Life && due.Kind != EventKind.Arrive))
        {
            return;
        }

        _trace.Add(time, due.Kind, due.Node, (ulong)due.From);
        switch (due.Kind)
        {
            case EventKind.PeerLost:
                Network.NoteLost(due.Node, due.From, (uint)due.Payload!);
                break;
            case EventKind.PeerFound:
                Network.NoteFound(due.Node, due.From, (uint)due.Payload!);
                break;
            default:
                node.Handle(due);
                break;
        }

        EndStep();
    }

    /// <summary>Lets time go by.</summary>
    /// <exception cref="CheckFailedException">A checker objects.</exception>
    public void RunFor(TimeSpan time)
    {
        long end = NowMicroseconds + (long)time.TotalMicroseconds;
        while (_events.Count > 0 && _events.NextTime <= end)
        {
            Step();
        }

        NowMicroseconds = end;
    }

    /// <summary>Lets time go by until a condition holds, looked at after every step.</summary>
    /// <returns>False when it did not come to hold within the time given.</returns>
    /// <exception cref="CheckFailedException">A checker objects.</exception>
    public bool RunUntil(Func<bool> condition, TimeSpan within)
    {
        ArgumentNullException.ThrowIfNull(condition);
        long end = NowMicroseconds + (long)within.TotalMicroseconds;
        while (!condition())
        {
            if (_events.Count == 0 || _events.NextTime > end)
            {
                NowMicroseconds = end;
                return false;
            }

            Step();
        }

        return true;
    }

    /// <summary>Has something done in a while, in a step of its own: a fault, a client's next move.</summary>
    public void After(TimeSpan delay, Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Call((long)delay.TotalMicroseconds, action);
    }

    /// <summary>
    /// Says that the last fault has ended and everything was started: so long it may take from now on until all is well
    /// (<see cref="HealedSwarmsMakeProgress"/>), with a write of the caller's.
    /// </summary>
    public void BeginHealing(TimeSpan within)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(within, TimeSpan.Zero);
        Healing = new HealingPhase(NowMicroseconds, within);
    }

    /// <summary>Has the checkers judge what can only be judged at the end.</summary>
    /// <exception cref="CheckFailedException">A checker objects.</exception>
    public void CheckEnd()
    {
        foreach (ISimulationChecker checker in _checkers)
        {
            checker.AtEnd();
        }
    }

    internal void Call(long delayMicroseconds, Action action) =>
        Schedule(NowMicroseconds + delayMicroseconds, new SimulatedEvent(EventKind.Call, -1, 0, -1, action));

    internal void Schedule(long time, in SimulatedEvent due) => _events.Add(time, due);

    internal void Send(SimulatedNode from, NodeId to, PeerMessage message)
    {
        if (message is ProtocolMessage protocol)
        {
            _trace.Add(protocol.Message);
        }

        Network.Send(from.Position, Node(to).Position, message);
    }

    internal bool IsConnected(SimulatedNode node, NodeId peer) => Network.IsConnected(node.Position, Node(peer).Position);

    internal void BeginStep(StepKind kind, SimulatedNode? node, object? received)
    {
        CurrentStep.Clear(++_steps, NowMicroseconds);
        CurrentStep.Kind = kind;
        CurrentStep.Node = node?.Observation;
        CurrentStep.Received = received;
        _stepOpen = true;
    }

    /// <summary>Opens a step for somebody outside, unless one is open; it ends with the scope.</summary>
    internal StepScope EnterStep()
    {
        if (_stepOpen)
        {
            return default;
        }

        BeginStep(StepKind.Outside, node: null, received: null);
        return new StepScope(this);
    }

    internal readonly struct StepScope(SimulatedSwarm? swarm) : IDisposable
    {
        public void Dispose() => swarm?.EndStep();
    }

    internal void NoteLife(SimulatedNode node, bool started, bool lostPower)
    {
        CurrentStep.LifeChangeList.Add(new LifeChange(node.Observation, started, lostPower));
        _trace.Add(started ? 1UL : 2UL);
        Network.NoteLife(node);
    }

    internal void NoteEndedByItself(SimulatedNode node, bool ran)
    {
        if (ran)
        {
            EndedByItself?.Invoke(node);
        }
    }

    internal void NotePublished(SimulatedNode node, SwarmEvent happened)
    {
        CountIf(happened is SwarmEvent.DiskStalled { Stalled: true }, SimulationCoverage.StallNoticed);
        CountIf(happened is SwarmEvent.SnapshotTaken, SimulationCoverage.SnapshotTaken);
        CountIf(happened is SwarmEvent.SnapshotPostponed, SimulationCoverage.SnapshotPostponed);
        CountIf(happened is SwarmEvent.SnapshotInstalled, SimulationCoverage.SnapshotInstalled);
        if (happened is SwarmEvent.SnapshotInstalled && node.Joins && !node.HasJoined)
        {
            node.HasJoined = true;
            Count(SimulationCoverage.MemberCaughtUpBySnapshot);
        }

        if (happened is SwarmEvent.MembersChanged { Members.Configuration.IsJoint: true } && node.Protocol is { Role: RaftRole.Leader })
        {
            LedIntoJoint?.Invoke(node);
        }

        node.Tell(happened);
    }

    internal void Count(SimulationCoverage what) => _coverage[(int)what]++;

    internal void CountIf(bool happened, SimulationCoverage what)
    {
        if (happened)
        {
            Count(what);
        }
    }

    internal void CountTornTail(TornTail? tail) => CountIf(tail is not null, SimulationCoverage.TornTailCut);

    private void EndStep()
    {
        if (!_stepOpen)
        {
            return;
        }

        _stepOpen = false;
        foreach (AppliedEntry applied in CurrentStep.AppliedList)
        {
            if (Agreed.Add(CurrentStep.Node!, applied) is { } agreed)
            {
                CurrentStep.AgreedList.Add(agreed);
            }
        }

        _watch.AfterStep(CurrentStep);
        if (_trace.IsText)
        {
            WriteStep();
        }

        foreach (ISimulationChecker checker in _checkers)
        {
            checker.AfterStep(CurrentStep);
        }
    }

    private void WriteStep()
    {
        SimulationStep step = CurrentStep;
        string who = step.Node is { } node ? $"n{node.Id}" : "-";
        foreach (LifeChange change in step.LifeChanges)
        {
            _trace.Line(NowMicroseconds, $"n{change.Node.Id}", change.Started ? "started" : change.LostPower ? "lost its power" : "ended");
        }

        if (step.Received is not null)
        {
            _trace.Line(NowMicroseconds, who, StepText.Describe(step));
        }
    }
}
