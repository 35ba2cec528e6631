namespace Converge.Raft;

/// <summary>What a message asks or answers. The values are part of the wire format and never change.</summary>
public enum MessageKind : byte
{
    /// <summary>No kind: never sent, refused on arrival.</summary>
    None = 0,

    /// <summary>Entries to be appended by the leader; forwarded by a follower. Carries no term.</summary>
    Propose = 1,

    /// <summary>Entries of the leader, after (<see cref="Message.LogTerm"/>, <see cref="Message.Index"/>); none to carry the commit index alone.</summary>
    Append = 2,

    /// <summary>The answer to <see cref="Append"/> and <see cref="Snapshot"/>: the follower's log matches up to an index, or where to look for agreement.</summary>
    AppendResp = 3,

    /// <summary>A candidate asks for a vote; (<see cref="Message.LogTerm"/>, <see cref="Message.Index"/>) is the end of its log.</summary>
    Vote = 4,

    /// <summary>The answer to <see cref="Vote"/>.</summary>
    VoteResp = 5,

    /// <summary>Would a vote be granted in the next term? Changes no state of the one that is asked (Ongaro's thesis, section 9.6).</summary>
    PreVote = 6,

    /// <summary>The answer to <see cref="PreVote"/>; a rejection carries the term of the one that rejects.</summary>
    PreVoteResp = 7,

    /// <summary>The state machine's state for a follower whose next entries the leader no longer holds.</summary>
    Snapshot = 8,

    /// <summary>The leader is alive; carries the commit index as far as the follower is known to match, and the heartbeat round.</summary>
    Heartbeat = 9,

    /// <summary>The answer to <see cref="Heartbeat"/>; echoes the round.</summary>
    HeartbeatResp = 10,

    /// <summary>The leader is asked to hand over to <see cref="Message.From"/>; forwarded by a follower.</summary>
    TransferLeader = 11,

    /// <summary>The leader tells a follower to campaign at once.</summary>
    TimeoutNow = 12,

    /// <summary>A follower asks the leader for an index at which a read is linearizable. Carries no term.</summary>
    ReadIndex = 13,

    /// <summary>The answer to <see cref="ReadIndex"/>; echoes the context.</summary>
    ReadIndexResp = 14,

    /// <summary>To <see cref="LocalTargets.AppendThread"/>: make this durable, then step the <see cref="Message.Responses"/>.</summary>
    StorageAppend = 15,

    /// <summary>From <see cref="LocalTargets.AppendThread"/>: durable up to (<see cref="Message.LogTerm"/>, <see cref="Message.Index"/>).</summary>
    StorageAppendResp = 16,

    /// <summary>To <see cref="LocalTargets.ApplyThread"/>: apply these committed entries, then step the <see cref="Message.Responses"/>.</summary>
    StorageApply = 17,

    /// <summary>From <see cref="LocalTargets.ApplyThread"/>: these entries are applied.</summary>
    StorageApplyResp = 18,
}

internal static class MessageKinds
{
    /// <summary>Kinds that never come from another node.</summary>
    public static bool IsLocal(this MessageKind kind) => kind is
        MessageKind.StorageAppend or MessageKind.StorageAppendResp or MessageKind.StorageApply or MessageKind.StorageApplyResp;

    /// <summary>Kinds that answer a request and so only make sense from a member.</summary>
    public static bool IsResponse(this MessageKind kind) => kind is
        MessageKind.AppendResp or MessageKind.VoteResp or MessageKind.PreVoteResp or MessageKind.HeartbeatResp or
        MessageKind.ReadIndexResp or MessageKind.StorageAppendResp or MessageKind.StorageApplyResp;
}
