using System.Collections.Immutable;
using System.Text;
using Converge.Core;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>The commands that act upon a cluster of nodes.</summary>
internal sealed class ClusterCommands : IScriptCommands
{
    private static readonly string[] Levels = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"];

    private readonly ScriptOutput _output = new();
    private readonly ScriptCluster _cluster;

    public ClusterCommands() => _cluster = new ScriptCluster(_output);

    public string Run(ScriptBlock block)
    {
        string? fault = Execute(block);
        string text = _output.Take();
        if (fault is not null)
        {
            text = _output.IsQuiet ? fault : text + fault;
        }

        return text.Length == 0 ? "ok" : text;
    }

    private string? Execute(ScriptBlock block) => block.Command switch
    {
        "_breakpoint" => null,
        "add-nodes" => AddNodes(block),
        "cancel-promotion" => Do(() => Node(block).CancelPromotion(Id(block, 1))),
        "campaign" => Do(() => Node(block).Campaign()),
        "compact" => Compact(block),
        "deliver-msgs" => Deliver(block),
        "force-recovery" => ForceRecovery(block),
        "forget-leader" => Do(() => Node(block).ForgetLeader()),
        "log-level" => SetLogLevel(block.At(0)),
        "process-ready" => ForEach(block, "handling Ready", _cluster.ProcessReady),
        "process-append-thread" => ForEach(block, "processing append thread", _cluster.ProcessAppend),
        "process-apply-thread" => ForEach(block, "processing apply thread", _cluster.ProcessApply),
        "promote-when-caught-up" => Describe(Node(block).PromoteWhenCaughtUp(Id(block, 1))),
        "promotions" => Do(() => WritePromotions(Node(block))),
        "propose" => Propose(block),
        "propose-conf-change" => ProposeConfigurationChange(block),
        "raft-log" => Do(() => WriteLog(ScriptNodeOf(block))),
        "raft-state" => Do(WriteStates),
        "read-index" => Describe(Node(block).ReadIndex(block.Number(block.At(1)))),
        "report-snapshot" => Do(() => Node(block).ReportSnapshot(
            Id(block, 1), string.Equals(block.Value("status"), "failed", StringComparison.Ordinal) ? SnapshotStatus.Failed : SnapshotStatus.Finished)),
        "report-unreachable" => ReportUnreachable(block),
        "restart" => Do(() => ScriptNodeOf(block).Restart(losesLog: string.Equals(block.Value("lose"), "log", StringComparison.Ordinal))),
        "send-snapshot" => Do(() => _cluster.SendSnapshot(ScriptNodeOf(block), _cluster.Node(Id(block, 1)))),
        "set-randomized-election-timeout" => Do(() => Node(block).Machine.ElectionTimeout = Number(block, "timeout")),
        "stabilize" => Stabilize(block),
        "status" => Do(() => WriteProgress(Node(block))),
        "tick-election" => Tick(ScriptNodeOf(block), ScriptNodeOf(block).Options.ElectionTicks),
        "tick-heartbeat" => Tick(ScriptNodeOf(block), ScriptNodeOf(block).Options.HeartbeatTicks),
        "transfer-leadership" => Do(() => _cluster.Node(new NodeId((ulong)Number(block, "from"))).Raft.TransferLeadership(new NodeId((ulong)Number(block, "to")))),
        _ => "unknown command",
    };

    private static string? Do(Action action)
    {
        action();
        return null;
    }

    private static NodeId Id(ScriptBlock block, int at) => new(block.Number(block.At(at)));

    private static int Number(ScriptBlock block, string key) => block.Count(block.Value(key) ?? throw block.Fault($"{key} is missing"));

    // A change that does not fit leaves an empty entry; that it does is visible in the log, and no fault of the proposal.
    private static string? Describe(ProposeResult result) => result switch
    {
        ProposeResult.NoLeader or ProposeResult.NotLeader or ProposeResult.TooManyUncommitted or ProposeResult.Transferring or ProposeResult.NotMember =>
            "raft proposal dropped",
        _ => null,
    };

    private static string? Describe(ReadIndexResult result) => result switch
    {
        ReadIndexResult.NoLeader => "no leader",
        ReadIndexResult.TooManyPending => "too many pending reads",
        ReadIndexResult.Accepted or _ => null,
    };

    private static string? Describe(PromotionResult result) => result == PromotionResult.Accepted ? null : $"refused: {result}";

    private RaftNode Node(ScriptBlock block) => ScriptNodeOf(block).Raft;

    private ScriptNode ScriptNodeOf(ScriptBlock block) => _cluster.Node(Id(block, 0));

    private string? Propose(ScriptBlock block)
    {
        if (block.Arguments.Count != 2 || block.Arguments[1].Values.Count > 0)
        {
            throw block.Fault("a node and the data are expected");
        }

        return Describe(Node(block).Propose(Encoding.UTF8.GetBytes(block.At(1))));
    }

    private string? ReportUnreachable(ScriptBlock block)
    {
        if (block.Positional.Count != 2)
        {
            return "must specify exactly two node indexes: node on which to report, and reported node";
        }

        Node(block).ReportUnreachable(Id(block, 1));
        return null;
    }

    private List<ScriptNode> Nodes(ScriptBlock block) => [.. block.Positional.Select((_, at) => _cluster.Node(Id(block, at)))];

    private string? AddNodes(ScriptBlock block)
    {
        RaftOptions options = ScriptCluster.DefaultOptions(new NodeId(1));
        List<NodeId> voters = [];
        List<NodeId> learners = [];
        ulong index = 0;
        string content = string.Empty;
        foreach (ScriptArgument argument in block.Arguments.Skip(1))
        {
            foreach (string value in argument.Values)
            {
                switch (argument.Key)
                {
                    case "voters":
                        voters.Add(new NodeId(block.Number(value)));
                        break;
                    case "learners":
                        learners.Add(new NodeId(block.Number(value)));
                        break;
                    case "index":
                        index = block.Number(value);
                        break;
                    case "content":
                        content = value;
                        break;
                    case "read-only" when value is not ("safe" or "lease-based"):
                        return $"invalid read-only option \"{value}\"";
                    default:
                        options = With(block, options, argument.Key, value);
                        break;
                }
            }
        }

        Snapshot? bootstrap = voters.Count > 0 || learners.Count > 0 || index > 0 || content.Length > 0
            ? new Snapshot(
                new LogIndex(index),
                new Term(1),
                Configuration(block, voters, learners),
                Encoding.UTF8.GetBytes(content))
            : null;
        return FindFault(options) ?? _cluster.Add(block.Count(block.At(0)), options with { Applied = new LogIndex(index) }, bootstrap);
    }

    private static ConfigurationState Configuration(ScriptBlock block, List<NodeId> voters, List<NodeId> learners) =>
        ConfigurationState.TryCreate([.. voters], [], [.. learners], [], autoLeave: false, out ConfigurationState? configuration, out string? fault)
            ? configuration
            : throw block.Fault(fault);

    /// <summary>What the original says to settings that it does not take; other settings that are none are a fault of the script.</summary>
    private static string? FindFault(RaftOptions options) => options.Validate() is not [var fault, ..] ? null : fault.Option switch
    {
        nameof(RaftOptions.MaxInflightMessages) => "max inflight messages must be greater than 0",
        nameof(RaftOptions.ReadMode) => "CheckQuorum must be enabled when ReadOnlyOption is ReadOnlyLeaseBased",
        _ => throw new ScriptFormatException($"add-nodes: {fault.Option}: {fault.Message}"),
    };

    private static RaftOptions With(ScriptBlock block, RaftOptions options, string key, string value)
    {
        bool IsTrue() => block.Truth(value);
        int Number() => block.Count(value);
        long Bytes() => (long)Math.Min(block.Number(value), long.MaxValue);
        return key switch
        {
            "inflight" => options with { MaxInflightMessages = Number() },
            "async-storage-writes" => options with { AsyncStorageWrites = IsTrue() },
            "prevote" => options with { PreVote = IsTrue() },
            "checkquorum" => options with { CheckQuorum = IsTrue() },

            // Zero stands for the bound on messages, of which there is none.
            "max-committed-size-per-ready" => options with { MaxCommittedBytesPerReady = Bytes() is > 0 and long bytes ? bytes : long.MaxValue },
            "disable-conf-change-validation" => options with { DisableConfigurationChangeValidation = IsTrue() },
            "read-only" => options with { ReadMode = string.Equals(value, "safe", StringComparison.Ordinal) ? ReadMode.Safe : ReadMode.LeaseBased },
            "step-down-on-removal" => options with { StepDownOnRemoval = IsTrue() },

            // Proposed for the original.
            "election-tick" => options with { ElectionTicks = Number() },
            "heartbeat-tick" => options with { HeartbeatTicks = Number() },

            // This project's own.
            "durable-candidacy" => options with { DurableCandidacy = IsTrue() },
            "ignore-non-members" => options with { IgnoreNonMembers = IsTrue() },
            "max-catch-up-rounds" => options with { MaxCatchUpRounds = Number() },
            "max-message-bytes" => options with { MaxMessageBytes = Bytes() },
            "max-uncommitted-bytes" => options with { MaxUncommittedBytes = Bytes() },
            "priorities" => options with { Priorities = new Dictionary<NodeId, int>(options.Priorities) { [new NodeId((ulong)options.Priorities.Count + 1)] = Number() } },
            "refuse-invalid-conf-changes" => options with { RefuseInvalidConfigurationChanges = IsTrue() },
            "stalled-storage-ticks" => options with { StalledStorageTicks = Number() },
            "yield-to-higher-priority" => options with { YieldToHigherPriority = IsTrue() },

            // The original ignores what it does not know. Here a script that means something else than it says is worth nothing.
            _ => throw block.Fault($"there is no argument '{key}'"),
        };
    }

    private string? Compact(ScriptBlock block)
    {
        ScriptNode node = ScriptNodeOf(block);
        StorageChange change = node.Disk.Compact(new LogIndex(block.Number(block.At(1))));
        if (change != StorageChange.Done)
        {
            return change == StorageChange.OutOfDate ? "requested index is unavailable due to compaction" : "requested index is behind the end";
        }

        WriteLog(node);
        return null;
    }

    private string? Deliver(ScriptBlock block)
    {
        List<(NodeId To, bool Drop)> recipients = [];
        MessageKind? kind = null;
        foreach (ScriptArgument argument in block.Arguments)
        {
            if (argument.Values.Count == 0)
            {
                recipients.Add((new NodeId(block.Number(argument.Key)), false));
            }

            foreach (string value in argument.Values)
            {
                switch (argument.Key)
                {
                    case "drop":
                        var dropped = new NodeId(block.Number(value));
                        if (recipients.Exists(recipient => recipient.To == dropped))
                        {
                            throw block.Fault($"messages to {dropped} cannot be both delivered and dropped");
                        }

                        recipients.Add((dropped, true));
                        break;
                    case "type":
                        kind = ScriptPrinter.TryParseKind(value, out MessageKind known) ? known : throw block.Fault($"there is no kind of message '{value}'");
                        break;
                    default:
                        throw block.Fault($"there is no argument '{argument.Key}'");
                }
            }
        }

        int delivered = recipients.Sum(recipient => _cluster.Deliver(recipient.To, kind, recipient.Drop));
        if (delivered == 0)
        {
            _output.WriteLine("no messages");
        }

        return null;
    }

    private string? SetLogLevel(string name)
    {
        // Only the highest level makes a difference: it silences everything.
        int level = Array.FindIndex(Levels, known => string.Equals(known, name, StringComparison.OrdinalIgnoreCase));
        if (level < 0)
        {
            return $"log levels must be either of [{string.Join(' ', Levels)}]";
        }

        _output.IsQuiet = level == Levels.Length - 1;
        return null;
    }

    private string? ForEach(ScriptBlock block, string what, Action<ScriptNode> action)
    {
        List<ScriptNode> nodes = Nodes(block);
        foreach (ScriptNode node in nodes)
        {
            if (nodes.Count > 1)
            {
                _output.WriteLine($"> {node.Id} {what}");
                _output.Indented(() => action(node));
            }
            else
            {
                action(node);
            }
        }

        return null;
    }

    private string? Stabilize(ScriptBlock block)
    {
        bool wasQuiet = _output.IsQuiet;
        if (block.Value("log-level") is { } level && SetLogLevel(level) is { } fault)
        {
            return fault;
        }

        List<ScriptNode> nodes = Nodes(block);
        _cluster.Stabilize(nodes.Count > 0 ? nodes : _cluster.Nodes);
        _output.IsQuiet = wasQuiet;
        return null;
    }

    private string? ProposeConfigurationChange(ScriptBlock block)
    {
        bool isV1 = false;
        ConfigurationTransition transition = ConfigurationTransition.Auto;
        foreach (ScriptArgument argument in block.Arguments.Skip(1).Where(argument => argument.Values.Count > 0))
        {
            string value = argument.Values[^1];
            switch (argument.Key)
            {
                case "v1":
                    isV1 = block.Truth(value);
                    break;
                case "transition" when value is "auto" or "implicit" or "explicit":
                    transition = value switch
                    {
                        "implicit" => ConfigurationTransition.JointImplicit,
                        "explicit" => ConfigurationTransition.JointExplicit,
                        _ => ConfigurationTransition.Auto,
                    };
                    break;
                case "transition":
                    return $"unknown transition {value}";
                default:
                    return $"unknown command {argument.Key}";
            }
        }

        if (!ScriptPrinter.TryParseChanges(block.Input, out ImmutableArray<MemberChange> changes, out string unreadable))
        {
            return unreadable;
        }

        if (isV1 && (changes.Length > 1 || transition != ConfigurationTransition.Auto))
        {
            return "v1 conf change can only have one operation and no transition";
        }

        if (isV1 && changes.IsEmpty)
        {
            throw block.Fault("a v1 conf change needs an operation");
        }

        ConfigurationChange change = isV1
            ? ConfigurationChange.SingleServer(changes[0].Kind, changes[0].Node)
            : new ConfigurationChange(changes, transition);
        ScriptNode node = ScriptNodeOf(block);
        ProposeResult result = node.Raft.ProposeConfigurationChange(change);
        return node.Options.RefuseInvalidConfigurationChanges && result >= ProposeResult.ConfigurationChangePending
            ? $"refused: {result}"
            : Describe(result);
    }

    /// <summary>Works out how a survivor goes on alone, shows it, writes it, and starts the node again.</summary>
    private string? ForceRecovery(ScriptBlock block)
    {
        ScriptNode node = ScriptNodeOf(block);
        ScriptArgument? lost = block.Arguments.FirstOrDefault(argument => string.Equals(argument.Key, "lost", StringComparison.Ordinal));
        if (node.ForceRecovery(
            [.. (lost?.Values ?? []).Select(value => new NodeId(block.Number(value)))],
            Encoding.UTF8.GetBytes(block.Value("marker") ?? string.Empty),
            out ForcedRecoveryPlan? plan) is var fault and not ForcedRecoveryFault.None)
        {
            return $"refused: {fault}";
        }

        _output.WriteLine($"{plan}");
        foreach (Entry entry in plan!.Entries)
        {
            _output.WriteLine(ScriptPrinter.Describe(entry));
        }

        return null;
    }

    private void WriteLog(ScriptNode node)
    {
        LogIndex first = node.Disk.FirstIndex;
        LogIndex last = node.Disk.LastIndex;
        if (last < first)
        {
            _output.Write($"log is empty: first index={first}, last index={last}");
            return;
        }

        Assert.Equal(LogReadStatus.Ok, node.Disk.Entries(first, last.Next, long.MaxValue, out ReadOnlyMemory<Entry> entries));
        foreach (ref readonly Entry entry in entries.Span)
        {
            _output.WriteLine(ScriptPrinter.Describe(entry));
        }
    }

    private void WriteStates()
    {
        foreach (RaftStatus status in _cluster.Nodes.Select(node => node.Raft.Status()))
        {
            string part = status.Configuration.IsVoter(status.Id) ? "Voter" : "Non-Voter";
            _output.WriteLine($"{status.Id}: {ScriptPrinter.Name(status.Role)} ({part}) Term:{status.Term} Lead:{status.Leader}");
        }
    }

    private void WriteProgress(RaftNode node)
    {
        foreach (FollowerProgress progress in node.Status().Progress)
        {
            _output.WriteLine($"{progress.Id}: {ScriptPrinter.Describe(progress)}");
        }
    }

    private void WritePromotions(RaftNode node)
    {
        foreach (FollowerProgress learner in node.Status().Progress.Where(progress => progress.IsLearner))
        {
            _output.WriteLine($"{learner.Id}: {learner.Promotion}{(learner.IsCaughtUp ? " caught up" : string.Empty)} slow rounds {learner.SlowCatchUpRounds}");
        }
    }

    private static string? Tick(ScriptNode node, int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            node.Raft.Tick();
        }

        return null;
    }
}
