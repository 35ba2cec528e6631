using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>The nodes of a script, their disks, and the messages that are under way.</summary>
internal sealed class ScriptCluster(ScriptOutput output)
{
    private readonly List<ScriptNode> _nodes = [];
    private List<Message> _messages = [];

    public IReadOnlyList<ScriptNode> Nodes => _nodes;

    /// <summary>The settings that scripts start from: small timeouts, no bounds, none of the rules that are stricter than the original's.</summary>
    public static RaftOptions DefaultOptions(NodeId id) => new()
    {
        Id = id,
        Random = FixedRandom.Instance,
        ElectionTicks = 3,
        HeartbeatTicks = 1,
        MaxMessageBytes = long.MaxValue,
        MaxCommittedBytesPerReady = long.MaxValue,
        MaxUncommittedBytes = long.MaxValue,
        MaxInflightMessages = int.MaxValue,
        MaxInflightBytes = long.MaxValue,
        CheckQuorum = false,
        PreVote = false,
        StepDownOnRemoval = false,
        RefuseInvalidConfigurationChanges = false,
        IgnoreNonMembers = false,
        DurableCandidacy = false,
    };

    public string? Add(int count, RaftOptions template, Snapshot? bootstrap)
    {
        if (bootstrap is not null && bootstrap.Index.Value <= 1)
        {
            return "index must be specified as > 1 due to bootstrap";
        }

        for (int i = 0; i < count; i++)
        {
            var id = new NodeId((ulong)_nodes.Count + 1);
            _nodes.Add(new ScriptNode(template with { Id = id }, bootstrap));
        }

        return null;
    }

    public void ProcessReady(ScriptNode node)
    {
        Ready ready = node.Raft.Ready();
        output.Write(ScriptPrinter.Describe(ready));
        if (!node.Options.AsyncStorageWrites)
        {
            node.Append(ready.HardState, ready.Entries, ready.Snapshot);
            node.Apply(ready.CommittedEntries);
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
                    _messages.Add(message);
                    break;
            }
        }

        if (!node.Options.AsyncStorageWrites)
        {
            node.Raft.Advance();
        }
    }

    public void ProcessAppend(ScriptNode node)
    {
        if (!node.AppendWork.TryDequeue(out Message message))
        {
            output.Write("no append work to perform");
            return;
        }

        WriteWork(message);
        HardState? state = message.Term > Term.Zero ? new HardState(message.Term, message.Vote, message.Commit) : null;
        node.Append(state, message.Entries, message.Snapshot);
        WriteResponses(message);
    }

    public void ProcessApply(ScriptNode node)
    {
        if (!node.ApplyWork.TryDequeue(out Message message))
        {
            output.Write("no apply work to perform");
            return;
        }

        WriteWork(message);
        node.Apply(message.Entries);
        WriteResponses(message);
    }

    /// <summary>Delivers, or drops, what is under way to one node; returns how many messages that were.</summary>
    public int Deliver(NodeId to, MessageKind? kind, bool drop)
    {
        List<Message> taken = Split(to, kind, drop, out List<Message> rest);
        _messages = rest;
        foreach (Message message in taken)
        {
            output.WriteLine($"{(drop ? "dropped: " : string.Empty)}{ScriptPrinter.Describe(message)}");
            if (drop)
            {
                continue;
            }

            string? fault = Node(to).Raft.Step(message) switch
            {
                StepResult.Accepted => null,
                StepResult.LocalKind => "raft: cannot step raft local message",
                StepResult.UnknownPeer => "raft: cannot step as peer not found",
                StepResult.ProposalDropped => "raft proposal dropped",
                StepResult.WrongRecipient => "wrong recipient",
                StepResult.Malformed => "malformed",
                StepResult.LogLost => "log lost",
                StepResult.NonMemberIgnored => "non-member ignored",
                StepResult other => throw new InvalidOperationException($"{other}"),
            };
            if (fault is not null)
            {
                output.WriteLine(fault);
            }
        }

        return taken.Count;
    }

    public void Stabilize(IReadOnlyList<ScriptNode> nodes)
    {
        bool isDone = false;
        while (!isDone)
        {
            isDone = true;
            foreach (ScriptNode node in nodes.Where(node => node.Raft.HasReady))
            {
                output.WriteLine($"> {node.Id} handling Ready");
                output.Indented(() => ProcessReady(node));
                isDone = false;
            }

            foreach (ScriptNode node in nodes.Where(node => Split(node.Id, kind: null, drop: false, out _).Count > 0))
            {
                output.WriteLine($"> {node.Id} receiving messages");
                output.Indented(() => Deliver(node.Id, kind: null, drop: false));
                isDone = false;
            }

            foreach (ScriptNode node in nodes.Where(node => node.AppendWork.Count > 0))
            {
                output.WriteLine($"> {node.Id} processing append thread");
                output.Indented(() => ProcessAll(node.AppendWork, () => ProcessAppend(node)));
                isDone = false;
            }

            foreach (ScriptNode node in nodes.Where(node => node.ApplyWork.Count > 0))
            {
                output.WriteLine($"> {node.Id} processing apply thread");
                output.Indented(() => ProcessAll(node.ApplyWork, () => ProcessApply(node)));
                isDone = false;
            }
        }
    }

    /// <summary>Puts a snapshot of one node's state machine under way to another, as a host might on its own.</summary>
    public void SendSnapshot(ScriptNode from, ScriptNode to)
    {
        var message = new Message
        {
            Kind = MessageKind.Snapshot,
            From = from.Id,
            To = to.Id,
            Term = from.Raft.Term,
            Snapshot = from.History[^1],
        };
        _messages.Add(message);
        output.Write(ScriptPrinter.Describe(message));
    }

    public ScriptNode Node(NodeId id) => id.Value >= 1 && id.Value <= (ulong)_nodes.Count
        ? _nodes[(int)id.Value - 1]
        : throw new ScriptFormatException($"There is no node {id}.");

    private static void ProcessAll(Queue<Message> work, Action process)
    {
        while (work.Count > 0)
        {
            process();
        }
    }

    private static bool IsLocal(in Message message) =>
        message.From == message.To || LocalTargets.Contains(message.From) || LocalTargets.Contains(message.To);

    private List<Message> Split(NodeId to, MessageKind? kind, bool drop, out List<Message> rest)
    {
        List<Message> taken = [];
        rest = [];
        foreach (Message message in _messages)
        {
            // What stays within a node cannot be lost.
            bool isTaken = message.To == to && !(drop && IsLocal(message)) && (kind is null || kind == message.Kind);
            (isTaken ? taken : rest).Add(message);
        }

        return taken;
    }

    private void WriteWork(in Message message)
    {
        output.WriteLine("Processing:");
        output.WriteLine(ScriptPrinter.Describe(message with { Responses = default }));
    }

    private void WriteResponses(in Message message)
    {
        output.WriteLine("Responses:");
        foreach (ref readonly Message response in message.Responses.Span)
        {
            output.WriteLine(ScriptPrinter.Describe(response));
            _messages.Add(response);
        }
    }

    /// <summary>Draws the middle: no script may depend on it.</summary>
    private sealed class FixedRandom : IRandomSource
    {
        public static readonly FixedRandom Instance = new();

        public int Next(int exclusiveMax) => exclusiveMax / 2;
    }
}

/// <summary>A node of a script with its disk, its state machine's history, and the work its local targets have not done yet.</summary>
internal sealed class ScriptNode
{
    private readonly ScriptStorage _storage;

    public ScriptNode(RaftOptions options, Snapshot? bootstrap)
    {
        Options = options;
        _storage = new ScriptStorage(this);
        if (bootstrap is not null)
        {
            _storage.Disk.ApplySnapshot(bootstrap);
        }

        History.Add(bootstrap ?? new Snapshot(LogIndex.Zero, Term.Zero, ConfigurationState.Empty, default));
        Raft = new RaftNode(options, _storage);
    }

    public RaftOptions Options { get; }

    public NodeId Id => Options.Id;

    public RaftNode Raft { get; private set; }

    public InMemoryRaftStorage Disk => _storage.Disk;

    public Queue<Message> AppendWork { get; } = [];

    public Queue<Message> ApplyWork { get; } = [];

    /// <summary>The state machine's state after each entry: all data so far, one after another.</summary>
    public List<Snapshot> History { get; } = [];

    public void Append(HardState? state, ReadOnlyMemory<Entry> entries, Snapshot? snapshot)
    {
        if (state is { } changed)
        {
            Disk.SetHardState(changed);
        }

        StorageChange change = snapshot is null ? Disk.Append(entries.Span) : Disk.ApplySnapshot(snapshot);
        Assert.Equal(StorageChange.Done, change);
    }

    public void Apply(ReadOnlyMemory<Entry> entries)
    {
        foreach (ref readonly Entry entry in entries.Span)
        {
            Snapshot last = History[^1];
            ConfigurationState configuration = entry.ChangesConfiguration
                ? Raft.ApplyConfigurationChange(entry, out _)
                : last.Configuration;
            ReadOnlySpan<byte> update = entry.ChangesConfiguration
                ? ConfigurationChange.Decode(entry.Kind, entry.Data)!.Context.Span
                : entry.Data.Span;
            History.Add(new Snapshot(entry.Index, entry.Term, configuration, (byte[])[.. last.Data.Span, .. update]));
        }
    }

    /// <summary>
    /// The process ends and starts again from what is on its disk; its state machine is restored to what it had applied. A disk that loses
    /// its log keeps what the node was created with, and forgets term and vote.
    /// </summary>
    public void Restart(bool losesLog)
    {
        AppendWork.Clear();
        ApplyWork.Clear();
        if (losesLog)
        {
            History.RemoveRange(1, History.Count - 1);
            Disk.TruncateFrom(History[0].Index.Next);
            Disk.SetHardState(default);
        }

        Snapshot applied = History[^1];
        Disk.SetConfiguration(applied.Configuration);
        Raft = new RaftNode(Options with { Applied = applied.Index }, _storage);
    }

    /// <summary>Plans a forced recovery from what is on the disk and applied; carries it out and starts the node again unless it is refused.</summary>
    public ForcedRecoveryFault ForceRecovery(ImmutableArray<NodeId> lost, byte[] marker, out ForcedRecoveryPlan? plan)
    {
        Disk.SetConfiguration(History[^1].Configuration);
        var request = new ForcedRecoveryRequest { Survivor = Id, LostVoters = lost, Marker = marker, Applied = History[^1].Index };
        ForcedRecoveryFault fault = ForcedRecovery.TryPlan(_storage, request, out plan);
        if (plan is not null)
        {
            Assert.Equal(StorageChange.Done, Disk.Append(plan.Entries.AsSpan()));
            Disk.SetHardState(plan.HardState);
            Restart(losesLog: false);
        }

        return fault;
    }

    /// <summary>The disk, except that a snapshot is always one of the newest state.</summary>
    private sealed class ScriptStorage(ScriptNode node) : IRaftStorage
    {
        public InMemoryRaftStorage Disk { get; } = new();

        public LogIndex FirstIndex => Disk.FirstIndex;

        public LogIndex LastIndex => Disk.LastIndex;

        public InitialState InitialState() => Disk.InitialState();

        public LogReadStatus Entries(LogIndex from, LogIndex to, long maxBytes, out ReadOnlyMemory<Entry> entries) =>
            Disk.Entries(from, to, maxBytes, out entries);

        public LogReadStatus Term(LogIndex index, out Term term) => Disk.Term(index, out term);

        public Snapshot? Snapshot() => node.History[^1] is { Index.Value: > 0 } newest ? newest : null;
    }
}
