using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation.Tests.Invariants;

/// <summary>A run that a test makes step by step, legal or not, for one checker to judge.</summary>
internal sealed class HandMadeRun : ISimulationView
{
    private readonly ISimulationChecker _checker;
    private readonly SimulationStep _step = new();
    private long _number;

    public HandMadeRun(ISimulationChecker checker, int nodes = 3)
    {
        _checker = checker;
        All = [.. Enumerable.Range(1, nodes).Select(id => new HandMadeNode((ulong)id))];
        checker.Begin(this);
    }

    public HandMadeNode[] All { get; }

    public IReadOnlyList<NodeObservation> Nodes => All;

    public OperationHistory History { get; } = new();

    public AgreedLog Agreed { get; } = new(maxSessions: 8);

    public SimulatedSwarmOptions Options { get; } = new() { Seed = 1 };

    public long NowMicroseconds { get; set; }

    public HealingPhase? Healing { get; set; }

    public HandMadeNode this[int id] => All[id - 1];

    /// <summary>A step of a node actor.</summary>
    public void Node(int id, Action<SimulationStep>? change = null, NodeMessage? received = null) => Take(StepKind.NodeActor, id, received, change);

    /// <summary>A step in which a node has come to be as <paramref name="become"/> says.</summary>
    public void Node(int id, Action<HandMadeNode> become) => Take(StepKind.NodeActor, id, null, _ => become(this[id]));

    /// <summary>A step of any kind.</summary>
    public void Take(StepKind kind, int id, object? received, Action<SimulationStep>? change)
    {
        _step.Clear(++_number, NowMicroseconds);
        (_step.Kind, _step.Node, _step.Received) = (kind, id == 0 ? null : this[id], received);
        change?.Invoke(_step);
        _checker.AfterStep(_step);
    }

    /// <summary>A node ends and comes back as <paramref name="become"/> says.</summary>
    public void Restart(int id, Action<HandMadeNode>? become = null)
    {
        this[id].Runs = false;
        Take(StepKind.Outside, 0, null, step => step.LifeChangeList.Add(new LifeChange(this[id], Started: false, LostPower: true)));
        this[id].Runs = true;
        this[id].Lives++;
        this[id].Plays = RaftRole.Follower;
        become?.Invoke(this[id]);
        Take(StepKind.Outside, 0, null, step => step.LifeChangeList.Add(new LifeChange(this[id], Started: true, LostPower: false)));
    }

    public void End() => _checker.AtEnd();

    /// <summary>The checker objects, and says so with these words.</summary>
    public void Violates(Action act, params string[] words)
    {
        CheckFailedException failed = Assert.Throws<CheckFailedException>(act);
        Assert.Equal(_checker.Name, failed.Checker);
        Assert.All(words, word => Assert.Contains(word, failed.What, StringComparison.Ordinal));
    }

    public static void Sends(SimulationStep step, int to, Message message) =>
        step.SentList.Add(new SentMessage(new NodeId((ulong)to), new ProtocolMessage(message, default)));

    public static void Hands(SimulationStep step, params Entry[] entries) =>
        step.HandedToLogList.Add(new LogMessage.Append(1, null, entries, []));

    public static void Flushes(SimulationStep step, HandMadeNode node, LogBatch batch)
    {
        node.Disk.Apply(batch);
        step.MadeDurableList.Add(batch);
    }

    public static NodeMessage Received(Message message) => new NodeMessage.FromPeer(message.From, new ProtocolMessage(message, default));

    /// <summary>An entry that made a record, whatever it says.</summary>
    public static AgreedEntry Recorded(ulong index, ulong term, ulong sequence, RecordKind kind, GovernanceFact? fact = null, CommandId? command = null, string? evicted = null)
    {
        FactSubmission? submission = fact is null ? null : new FactSubmission(fact, CommandId: command);
        var record = new LedgerRecord(
            sequence, new LogIndex(index), new Term(term), 0, default, kind, command, submission, null, new string('0', 64), sequence.ToString("x64", System.Globalization.CultureInfo.InvariantCulture));
        // Its answer is that of some record with this number; few invariants look at more of it.
        var answer = new AnswerData(new RecordMark(sequence, default), new LogIndex(index), new Term(term), CommandStamp.None, revision: 1);
        var applied = new AppliedEntry(new LogIndex(index), new Term(term), ApplyOutcome.Recorded(answer), default);
        return new AgreedEntry(HandMadeNode.EntryOf(index, term), submission is null ? null : new FactCommand(CommandStamp.None, submission), applied, record, evicted);
    }
}
