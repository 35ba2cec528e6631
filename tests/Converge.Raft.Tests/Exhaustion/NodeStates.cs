using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>
/// All states of single nodes that occur, and how the protocol leads from one to another. The real <see cref="RaftNode"/> runs once for
/// each state of a node and each thing that happens to it; the search through the states of the whole cluster only looks the outcome up.
/// </summary>
internal sealed class NodeStates
{
    private const int CampaignInput = 0;
    private const int WriteInput = 1;
    private const int CrashInput = 2;
    private const int HeartbeatInput = 3;
    private const int FirstProposalInput = 4;
    private const int FirstMessageInput = 16;

    private readonly ExhaustionOptions _options;
    private readonly LogTree _logs;
    private readonly MessageTable _messages;
    private readonly Relabellings _relabellings;
    private readonly List<NodeState> _states = [];
    private readonly Dictionary<UInt128, int> _numbers = [];
    private readonly Dictionary<ulong, NodeTransition> _transitions = [];

    public NodeStates(ExhaustionOptions options, LogTree logs, MessageTable messages, Relabellings relabellings)
    {
        _options = options;
        _logs = logs;
        _messages = messages;
        _relabellings = relabellings;
    }

    public int Count => _states.Count;

    /// <summary>How often the protocol was run.</summary>
    public long Steps => _transitions.Count;

    public NodeState this[int number] => _states[number];

    /// <summary>A node that was never started before.</summary>
    public int First(NodeId node)
    {
        InMemoryRaftStorage disk = InMemoryRaftStorage.Bootstrap(
            ConfigurationState.OfVoters([.. Enumerable.Range(1, _options.Nodes).Select(id => new NodeId((ulong)id))]));
        return NumberOf(new Run(this, node, Start(node, disk), disk, []));
    }

    public NodeTransition Campaign(int state) => Look(state, CampaignInput);

    public NodeTransition Write(int state) => Look(state, WriteInput);

    public NodeTransition Crash(int state) => Look(state, CrashInput);

    public NodeTransition Heartbeat(int state) => Look(state, HeartbeatInput);

    public NodeTransition Propose(int state, int proposal) => Look(state, FirstProposalInput + proposal);

    public NodeTransition Deliver(int state, int message) => Look(state, FirstMessageInput + message);

    private static RaftOptions OptionsOf(NodeId node) => new()
    {
        Id = node,
        Random = NoRandom.Instance,
        AsyncStorageWrites = true,
        CheckQuorum = false,
        PreVote = false,

        // Elections are actions: nobody campaigns because of a tick.
        ElectionTicks = 1 << 20,
        HeartbeatTicks = 1,
    };

    private static RaftNode Start(NodeId node, InMemoryRaftStorage disk) => new(OptionsOf(node), disk);

    private NodeTransition Look(int state, int input)
    {
        ref NodeTransition? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_transitions, ((ulong)state << 32) | (uint)input, out bool isKnown);
        if (!isKnown)
        {
            known = Take(_states[state], input);
        }

        return known!;
    }

    private NodeTransition Take(NodeState before, int input)
    {
        if (!IsPossible(before, input))
        {
            return NodeTransition.Impossible;
        }

        InMemoryRaftStorage disk = before.Disk.Clone();
        RaftNode raft;
        ImmutableArray<Message> work = before.Work;
        if (input == CrashInput)
        {
            _options.Disk.Crash(disk);
            raft = Start(before.Node, disk);
            work = [];
        }
        else
        {
            raft = before.Raft.Clone(disk);
        }

        var run = new Run(this, before.Node, raft, disk, work);
        try
        {
            string? violation = run.Take(input) ?? run.Settle();
            if (violation is not null)
            {
                return new NodeTransition(-1, [], violation);
            }
        }
        catch (InvariantViolationException fault)
        {
            return new NodeTransition(-1, [], $"{before.Node} stops: {fault.Message}");
        }

        int next = NumberOf(run);
        return new NodeTransition(next, [.. run.Sent], _options.ChecksEachNode ? CheckStep(before, _states[next], isCrash: input == CrashInput) : null);
    }

    private bool IsPossible(NodeState state, int input) => input switch
    {
        CampaignInput => state.Role != RaftRole.Leader && state.Term.Value < (ulong)_options.MaxTerm,
        WriteInput => !state.Work.IsEmpty,
        CrashInput => true,
        < FirstMessageInput => state.Role == RaftRole.Leader,
        _ => true,
    };

    /// <summary>What must hold between one state of a node and the next, whatever the others do.</summary>
    private string? CheckStep(NodeState before, NodeState after, bool isCrash)
    {
        HardState old = before.Disk.HardState;
        HardState durable = after.Disk.HardState;
        if (durable.Term < old.Term || (durable.Term == old.Term && !old.Vote.IsNone && durable.Vote != old.Vote))
        {
            return $"The durable term or vote of {after.Node} goes back: {old}, then {durable}.";
        }

        if (after.Committed > _logs.Length(after.Log))
        {
            return $"{after.Node} has committed more than its log holds.";
        }

        if (isCrash)
        {
            return null;
        }

        if (after.Term < before.Term || after.Committed < before.Committed)
        {
            return $"The term or the commit index of {after.Node} goes back within a life.";
        }

        bool isSameLeader = before.Role == RaftRole.Leader && after.Role == RaftRole.Leader && before.Term == after.Term;
        if (isSameLeader && !_logs.IsPrefix(before.Log, after.Log))
        {
            return $"Leader {after.Node} of term {after.Term} rewrites its own log.";
        }

        bool isCommittedByLeader = after.Role == RaftRole.Leader && after.Committed > before.Committed;
        return isCommittedByLeader && _logs.TermOf(_logs.Prefix(after.Log, after.Committed)) != after.Term
            ? $"Leader {after.Node} of term {after.Term} commits an entry of another term by counting."
            : null;
    }

    private int NumberOf(Run run)
    {
        StateFingerprint identity = default;
        run.Fingerprint(ref identity);
        ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(_numbers, identity.Value, out bool isKnown);
        if (isKnown)
        {
            return number;
        }

        var prints = new ulong[_relabellings.Count];
        for (int i = 0; i < prints.Length; i++)
        {
            var relabelled = StateFingerprint.Relabelled(_relabellings[i]);
            run.Fingerprint(ref relabelled);
            prints[i] = (ulong)relabelled.Value;
        }

        int durableLog = LogOf(run.Disk);
        int log = durableLog;
        foreach (Message work in run.Work)
        {
            log = Append(log, work.Entries.Span);
        }

        number = _states.Count;
        _states.Add(new NodeState
        {
            Node = run.Node,
            Raft = run.Raft,
            Disk = run.Disk,
            Work = run.Work,
            Log = log,
            DurableLog = durableLog,
            DurableTerm = run.Disk.HardState.Term,
            Prints = prints,
        });
        return number;
    }

    private int LogOf(InMemoryRaftStorage disk)
    {
        if (disk.LastIndex < disk.FirstIndex)
        {
            return LogTree.Root;
        }

        disk.Entries(disk.FirstIndex, disk.LastIndex.Next, long.MaxValue, out ReadOnlyMemory<Entry> entries);
        return Append(LogTree.Root, entries.Span);
    }

    private int Append(int log, ReadOnlySpan<Entry> entries)
    {
        if (!entries.IsEmpty)
        {
            log = _logs.Prefix(log, (int)entries[0].Index.Value - 2);
        }

        foreach (ref readonly Entry entry in entries)
        {
            log = _logs.Append(log, entry);
        }

        return log;
    }

    /// <summary>A node while something happens to it.</summary>
    private sealed class Run(NodeStates states, NodeId node, RaftNode raft, InMemoryRaftStorage disk, ImmutableArray<Message> work)
    {
        public NodeId Node { get; } = node;

        public RaftNode Raft { get; } = raft;

        public InMemoryRaftStorage Disk { get; } = disk;

        public ImmutableArray<Message> Work { get; private set; } = work;

        public List<int> Sent { get; } = [];

        public string? Take(int input)
        {
            switch (input)
            {
                case CampaignInput:
                    Raft.Campaign();
                    return null;
                case WriteInput:
                    Message oldest = Work[0];
                    Work = Work.RemoveAt(0);
                    return Answer(states._options.Disk.Write(Disk, oldest));
                case CrashInput:
                    return null;
                case HeartbeatInput:
                    Raft.Tick();
                    return null;
                case >= FirstMessageInput:
                    StepResult result = Raft.Step(states._messages[input - FirstMessageInput]);
                    return result == StepResult.Accepted ? null : $"{Node} answers {states._messages[input - FirstMessageInput]} with {result}.";
                default:
                    Raft.Propose(new byte[] { (byte)(input - FirstProposalInput) });
                    return null;
            }
        }

        /// <summary>Handles all that is ready: what is committed is applied at once, what is to be written waits.</summary>
        public string? Settle()
        {
            string? violation = null;
            while (violation is null && Raft.HasReady)
            {
                Ready ready = Raft.Ready();
                foreach (Message message in ready.Messages.ToArray())
                {
                    switch (message.Kind)
                    {
                        case MessageKind.StorageAppend:
                            Work = Work.Add(message);
                            violation ??= Answer(states._options.Disk.Accept(message));
                            break;
                        case MessageKind.StorageApply:
                            violation ??= Answer(message.Responses);
                            break;
                        default:
                            Sent.Add(states._messages.NumberOf(message));
                            break;
                    }
                }
            }

            return violation;
        }

        public void Fingerprint(ref StateFingerprint fingerprint)
        {
            Raft.Fingerprint(ref fingerprint);
            Disk.Fingerprint(ref fingerprint);
            fingerprint.Add(Work.Length);
            foreach (Message message in Work)
            {
                fingerprint.Add(message);
            }
        }

        private string? Answer(ReadOnlyMemory<Message> answers)
        {
            foreach (Message answer in answers.ToArray())
            {
                if (states._options.ChecksEachNode && FindBrokenPromise(answer) is { } broken)
                {
                    return broken;
                }

                if (answer.To == Node)
                {
                    Raft.Step(answer);
                }
                else
                {
                    Sent.Add(states._messages.NumberOf(answer));
                }
            }

            return null;
        }

        /// <summary>An answer that somebody relies upon goes out before what it promises is durable.</summary>
        private string? FindBrokenPromise(in Message answer)
        {
            HardState durable = Disk.HardState;
            bool isVote = answer is { Kind: MessageKind.VoteResp, Reject: false };
            if (isVote && !(durable.Term == answer.Term && durable.Vote == answer.To))
            {
                return string.Create(
                    CultureInfo.InvariantCulture, $"{Node} tells {answer.To} of its vote in term {answer.Term} while {durable} is durable.");
            }

            bool isAcknowledgement = answer is { Kind: MessageKind.AppendResp, Reject: false };
            return isAcknowledgement && (durable.Term < answer.Term || Disk.LastIndex < answer.Index)
                ? string.Create(
                    CultureInfo.InvariantCulture, $"{Node} acknowledges {answer.Index} in term {answer.Term} while {durable} and entries up to {Disk.LastIndex} are durable.")
                : null;
        }
    }

    private sealed class NoRandom : IRandomSource
    {
        public static readonly NoRandom Instance = new();

        public int Next(int exclusiveMax) => 0;
    }
}
