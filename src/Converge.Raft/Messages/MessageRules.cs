using Converge.Core;

namespace Converge.Raft;

/// <summary>What a message must be like to be looked at, whoever sent it.</summary>
internal static class MessageRules
{
    public static bool IsWellFormed(in Message message) => message.Kind switch
    {
        MessageKind.Propose => !message.Entries.IsEmpty && HasKnownKinds(message.Entries.Span),
        MessageKind.Append => message.Term > Term.Zero && HasDenseEntries(message),
        MessageKind.Snapshot => message.Term > Term.Zero && message.Snapshot is { } snapshot && snapshot.Index > LogIndex.Zero,
        MessageKind.AppendResp or MessageKind.Vote or MessageKind.VoteResp or MessageKind.PreVote or MessageKind.PreVoteResp or
        MessageKind.Heartbeat or MessageKind.HeartbeatResp or MessageKind.TimeoutNow or MessageKind.ReadIndexResp => message.Term > Term.Zero,
        MessageKind.TransferLeader or MessageKind.ReadIndex or MessageKind.StorageAppendResp or MessageKind.StorageApplyResp => true,
        MessageKind.None or MessageKind.StorageAppend or MessageKind.StorageApply or _ => false,
    };

    private static bool HasKnownKinds(ReadOnlySpan<Entry> entries)
    {
        foreach (ref readonly Entry entry in entries)
        {
            if (entry.Kind > EntryKind.ConfigurationChangeV2)
            {
                return false;
            }
        }

        return true;
    }

    private static bool HasDenseEntries(in Message message)
    {
        LogIndex previous = message.Index;
        Term term = message.LogTerm;
        foreach (ref readonly Entry entry in message.Entries.Span)
        {
            if (entry.Index != previous.Next || entry.Term < term || entry.Kind > EntryKind.ConfigurationChangeV2)
            {
                return false;
            }

            previous = entry.Index;
            term = entry.Term;
        }

        return term <= message.Term;
    }
}
