using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Converge.Core;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>The text forms in which scripts show the protocol's types.</summary>
internal static class ScriptPrinter
{
    public static string Name(MessageKind kind) => kind switch
    {
        MessageKind.Propose => "MsgProp",
        MessageKind.Append => "MsgApp",
        MessageKind.AppendResp => "MsgAppResp",
        MessageKind.Vote => "MsgVote",
        MessageKind.VoteResp => "MsgVoteResp",
        MessageKind.PreVote => "MsgPreVote",
        MessageKind.PreVoteResp => "MsgPreVoteResp",
        MessageKind.Snapshot => "MsgSnap",
        MessageKind.Heartbeat => "MsgHeartbeat",
        MessageKind.HeartbeatResp => "MsgHeartbeatResp",
        MessageKind.TransferLeader => "MsgTransferLeader",
        MessageKind.TimeoutNow => "MsgTimeoutNow",
        MessageKind.ReadIndex => "MsgReadIndex",
        MessageKind.ReadIndexResp => "MsgReadIndexResp",
        MessageKind.StorageAppend => "MsgStorageAppend",
        MessageKind.StorageAppendResp => "MsgStorageAppendResp",
        MessageKind.StorageApply => "MsgStorageApply",
        MessageKind.StorageApplyResp => "MsgStorageApplyResp",
        MessageKind.None or _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No kind of message."),
    };

    public static bool TryParseKind(string name, out MessageKind kind)
    {
        foreach (MessageKind known in Enum.GetValues<MessageKind>())
        {
            if (known != MessageKind.None && string.Equals(Name(known), name, StringComparison.Ordinal))
            {
                kind = known;
                return true;
            }
        }

        kind = MessageKind.None;
        return false;
    }

    public static string Name(RaftRole role) => role switch
    {
        RaftRole.Follower => "StateFollower",
        RaftRole.PreCandidate => "StatePreCandidate",
        RaftRole.Candidate => "StateCandidate",
        RaftRole.Leader => "StateLeader",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "No role."),
    };

    public static string Name(EntryKind kind) => kind switch
    {
        EntryKind.Normal => "EntryNormal",
        EntryKind.ConfigurationChange => "EntryConfChange",
        EntryKind.ConfigurationChangeV2 => "EntryConfChangeV2",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No kind of entry."),
    };

    public static string Name(VoteResult result) => $"Vote{result}";

    public static string Describe(in Ready ready)
    {
        var text = new StringBuilder();
        if (ready.SoftState is { } soft)
        {
            text.Append(CultureInfo.InvariantCulture, $"Lead:{soft.Lead} State:{Name(soft.Role)}\n");
        }

        if (ready.HardState is { } hard)
        {
            text.Append(CultureInfo.InvariantCulture, $"HardState Term:{hard.Term}");
            if (!hard.Vote.IsNone)
            {
                text.Append(CultureInfo.InvariantCulture, $" Vote:{hard.Vote}");
            }

            text.Append(CultureInfo.InvariantCulture, $" Commit:{hard.Commit}\n");
        }

        if (!ready.ReadStates.IsEmpty)
        {
            text.Append("ReadStates [")
                .AppendJoin(' ', ready.ReadStates.ToArray().Select(read => string.Create(CultureInfo.InvariantCulture, $"{{{read.Index} {read.Context}}}")))
                .Append("]\n");
        }

        AppendEntries(text, "Entries:\n", ready.Entries.Span);
        if (ready.Snapshot is { } snapshot)
        {
            text.Append(CultureInfo.InvariantCulture, $"Snapshot {Describe(snapshot)}\n");
        }

        AppendEntries(text, "CommittedEntries:\n", ready.CommittedEntries.Span);
        if (!ready.Messages.IsEmpty)
        {
            text.Append("Messages:\n");
            foreach (ref readonly Message message in ready.Messages.Span)
            {
                text.Append(Describe(message)).Append('\n');
            }
        }

        return text.Length == 0 ? "<empty Ready>" : $"Ready MustSync={(ready.MustSync ? "true" : "false")}:\n{text}";
    }

    public static string Describe(in Message message) => Describe(message, string.Empty);

    public static string Describe(Snapshot snapshot) => string.Create(
        CultureInfo.InvariantCulture, $"Index:{snapshot.Index} Term:{snapshot.Term} ConfState:{Describe(snapshot.Configuration)}");

    public static string Describe(ConfigurationState state) => string.Create(
        CultureInfo.InvariantCulture,
        $"Voters:{List(state.Voters)} VotersOutgoing:{List(state.VotersOutgoing)} Learners:{List(state.Learners)} LearnersNext:{List(state.LearnersNext)} AutoLeave:{(state.AutoLeave ? "true" : "false")}");

    public static string Describe(in Entry entry)
    {
        string content = entry.Kind == EntryKind.Normal
            ? Quote(entry.Data.Span)
            : ConfigurationChange.Decode(entry.Kind, entry.Data) is { } change ? Describe(change.Changes) : "not understood";
        return $"{entry.Term}/{entry.Index} {Name(entry.Kind)}{(content.Length == 0 ? string.Empty : " " + content)}";
    }

    public static string Describe(IEnumerable<MemberChange> changes) => string.Join(' ', changes.Select(change => change.Kind switch
    {
        MemberChangeKind.AddVoter => $"v{change.Node}",
        MemberChangeKind.AddLearner => $"l{change.Node}",
        MemberChangeKind.Remove => $"r{change.Node}",
        MemberChangeKind.Update => $"u{change.Node}",
        _ => $"unknown{change.Node}",
    }));

    public static string Describe(FollowerProgress progress)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"State{progress.State} match={progress.Match} next={progress.Next}");
        if (progress.IsLearner)
        {
            text.Append(" learner");
        }

        if (progress.IsPaused)
        {
            text.Append(" paused");
        }

        if (progress.PendingSnapshot > LogIndex.Zero)
        {
            text.Append(CultureInfo.InvariantCulture, $" pendingSnap={progress.PendingSnapshot}");
        }

        if (!progress.RecentActive)
        {
            text.Append(" inactive");
        }

        if (progress.InflightMessages > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" inflight={progress.InflightMessages}");
            if (progress.IsInflightFull)
            {
                text.Append("[full]");
            }
        }

        return text.ToString();
    }

    /// <summary>The steps of a change in the form <c>v1 l2 r3 u4</c>.</summary>
    public static bool TryParseChanges(string text, out ImmutableArray<MemberChange> changes, out string fault)
    {
        List<MemberChange> parsed = [];
        changes = [];
        fault = string.Empty;
        foreach (string token in text.Trim().Split(' ').Where(_ => text.Trim().Length > 0))
        {
            if (token.Length < 2)
            {
                fault = $"unknown token {token}";
                return false;
            }

            MemberChangeKind? kind = token[0] switch
            {
                'v' => MemberChangeKind.AddVoter,
                'l' => MemberChangeKind.AddLearner,
                'r' => MemberChangeKind.Remove,
                'u' => MemberChangeKind.Update,
                _ => null,
            };
            if (kind is null)
            {
                fault = $"unknown input: {token}";
                return false;
            }

            if (!ulong.TryParse(token.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out ulong node))
            {
                fault = $"strconv.ParseUint: parsing \"{token[1..]}\": invalid syntax";
                return false;
            }

            parsed.Add(new MemberChange(kind.Value, new NodeId(node)));
        }

        changes = [.. parsed];
        return true;
    }

    private static string Describe(in Message message, string indent)
    {
        var text = new StringBuilder();
        text.Append(indent).Append(CultureInfo.InvariantCulture, $"{Target(message.From)}->{Target(message.To)} {Name(message.Kind)}");
        text.Append(CultureInfo.InvariantCulture, $" Term:{message.Term} Log:{message.LogTerm}/{message.Index}");
        if (message.Reject)
        {
            text.Append(CultureInfo.InvariantCulture, $" Rejected (Hint: {message.RejectHint})");
        }

        if (message.Commit > LogIndex.Zero)
        {
            text.Append(CultureInfo.InvariantCulture, $" Commit:{message.Commit}");
        }

        if (!message.Vote.IsNone)
        {
            text.Append(CultureInfo.InvariantCulture, $" Vote:{message.Vote}");
        }

        ReadOnlySpan<Entry> entries = message.Entries.Span;
        if (entries.Length == 1)
        {
            text.Append(CultureInfo.InvariantCulture, $" Entries:[{Describe(entries[0])}]");
        }
        else if (entries.Length > 1)
        {
            text.Append(" Entries:[");
            foreach (ref readonly Entry entry in entries)
            {
                text.Append('\n').Append(indent).Append("  ").Append(Describe(entry));
            }

            text.Append('\n').Append(indent).Append(']');
        }

        if (message.Snapshot is { } snapshot)
        {
            text.Append('\n').Append(indent).Append("  Snapshot: ").Append(Describe(snapshot));
        }

        if (!message.Responses.IsEmpty)
        {
            text.Append(" Responses:[");
            foreach (ref readonly Message response in message.Responses.Span)
            {
                text.Append('\n').Append(Describe(response, indent + "  "));
            }

            text.Append('\n').Append(indent).Append(']');
        }

        return text.ToString();
    }

    private static void AppendEntries(StringBuilder text, string title, ReadOnlySpan<Entry> entries)
    {
        if (entries.IsEmpty)
        {
            return;
        }

        text.Append(title);
        foreach (ref readonly Entry entry in entries)
        {
            text.Append(Describe(entry)).Append('\n');
        }
    }

    private static string Target(NodeId id)
    {
        if (id == LocalTargets.AppendThread)
        {
            return "AppendThread";
        }

        if (id == LocalTargets.ApplyThread)
        {
            return "ApplyThread";
        }

        return id.IsNone ? "None" : id.Value.ToString("x", CultureInfo.InvariantCulture);
    }

    private static string List(ImmutableArray<NodeId> nodes) => $"[{string.Join(' ', nodes)}]";

    private static string Quote(ReadOnlySpan<byte> data)
    {
        var text = new StringBuilder("\"");
        foreach (Rune rune in Encoding.UTF8.GetString(data).EnumerateRunes())
        {
            text.Append(rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < 0x20 or 0x7F => string.Create(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"),
                _ => rune.ToString(),
            });
        }

        return text.Append('"').ToString();
    }
}
