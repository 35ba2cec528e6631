using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>What one node sends another. Any of them may be lost, delayed or repeated; none may be altered.</summary>
public abstract record PeerMessage
{
    private protected PeerMessage()
    {
    }

    /// <summary>Control messages (votes, heartbeats, acknowledgements) never queue behind the others.</summary>
    public abstract bool IsControl { get; }
}

/// <summary>A message of the protocol, with the sender's latest apply digest where it costs little to carry it.</summary>
/// <param name="Message">The protocol's message.</param>
/// <param name="Mark">The sender's latest digest; index zero when it says nothing.</param>
public sealed record ProtocolMessage(Message Message, DigestMark Mark) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => Message.Kind is not (MessageKind.Append or MessageKind.Snapshot or MessageKind.Propose);

    /// <summary>
    /// Whether a member can have sent this to another: every message bears the name of its sender, but for what any node carries on to the
    /// leader: the wish that somebody lead, which bears the name of whoever is to lead, and a read, which bears that of whoever reads.
    /// </summary>
    public bool CanCome(NodeId from, NodeId to) =>
        Message.To == to && (Message.From == from || Message.Kind is MessageKind.TransferLeader or MessageKind.ReadIndex);

    /// <summary>Whether a digest travels with messages of this kind: both directions of a heartbeat, and acknowledgements.</summary>
    public static bool CarriesMark(MessageKind kind) => kind is MessageKind.Heartbeat or MessageKind.HeartbeatResp or MessageKind.AppendResp;
}

/// <summary>Client commands on their way from the node that was asked to the leader.</summary>
/// <param name="Request">Chosen by the sender, unique in its life; the answer carries it.</param>
/// <param name="Commands">Not yet stamped.</param>
public sealed record ForwardedCommands(ulong Request, IReadOnlyList<UnstampedCommand> Commands) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => false;
}

/// <summary>The leader's answers to forwarded commands, one each, in order.</summary>
/// <param name="Request">From <see cref="ForwardedCommands"/>.</param>
/// <param name="Answers">One for each command.</param>
public sealed record ForwardedAnswers(ulong Request, IReadOnlyList<CommitAnswer> Answers) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => false;
}

/// <summary>What nodes say to each other about a snapshot that is on its way. Handed on to the snapshot actor.</summary>
/// <param name="Transfer">Chosen by the leader, unique in its life; all that belongs to one transfer carries it.</param>
public abstract record SnapshotTransferMessage(ulong Transfer) : PeerMessage
{
    /// <summary>The greatest size in bytes of what one message carries of records or of a file, so that it fits every host's frames.</summary>
    public const int MaxPartBytes = 56 * 1024;

    /// <summary>The greatest number of records in one message.</summary>
    public const int MaxPartRecords = 1_024;

    /// <inheritdoc/>
    public override bool IsControl => false;
}

/// <summary>A leader has a snapshot for a follower whose next entries it no longer holds. Repeated until it is answered.</summary>
/// <param name="Transfer">See <see cref="SnapshotTransferMessage"/>.</param>
/// <param name="Term">The leader's term.</param>
/// <param name="Mark">The last entry that the snapshot covers.</param>
/// <param name="FileBytes">The size of its file.</param>
/// <param name="LastSequence">The ledger's last record there.</param>
/// <param name="LastHash">That record's hash; zero when there is none.</param>
public sealed record SnapshotOffer(ulong Transfer, Term Term, SnapshotMark Mark, long FileBytes, ulong LastSequence, Hash256 LastHash)
    : SnapshotTransferMessage(Transfer);

/// <summary>How a follower stands with a snapshot. The values are on the wire and never change.</summary>
public enum SnapshotStage
{
    /// <summary>It receives the file, or checks it.</summary>
    File = 1,

    /// <summary>It has the file, and receives the ledger's records.</summary>
    Records = 2,

    /// <summary>All of it is there and durable; it is being installed, and the entries behind it can follow.</summary>
    Arrived = 3,

    /// <summary>It has no use for it: it has the entries.</summary>
    NotWanted = 4,
}

/// <summary>What a follower has of a snapshot: the sender may go on from there.</summary>
/// <param name="Transfer">See <see cref="SnapshotTransferMessage"/>.</param>
/// <param name="Stage">How it stands.</param>
/// <param name="NextSequence">It has the ledger's records before this one.</param>
/// <param name="NextOffset">It has the file's bytes before this one.</param>
/// <param name="Resend">What was sent behind that did not arrive and is to be sent again.</param>
public sealed record SnapshotReceipt(ulong Transfer, SnapshotStage Stage, ulong NextSequence, long NextOffset, bool Resend)
    : SnapshotTransferMessage(Transfer);

/// <summary>Ledger records that a follower lacks, dense and in order. Nothing is believed of them until the snapshot's ledger proves it.</summary>
/// <param name="Transfer">See <see cref="SnapshotTransferMessage"/>.</param>
/// <param name="FirstSequence">The first one's number.</param>
/// <param name="Records">
/// Their encodings (<see cref="LedgerRecordCodec"/>), at least one; together at most <see cref="SnapshotTransferMessage.MaxPartBytes"/>.
/// </param>
public sealed record SnapshotRecords(ulong Transfer, ulong FirstSequence, IReadOnlyList<ReadOnlyMemory<byte>> Records)
    : SnapshotTransferMessage(Transfer);

/// <summary>A piece of a snapshot's file.</summary>
/// <param name="Transfer">See <see cref="SnapshotTransferMessage"/>.</param>
/// <param name="Offset">Where it stands in the file.</param>
/// <param name="Bytes">At least one, at most <see cref="SnapshotTransferMessage.MaxPartBytes"/>.</param>
public sealed record SnapshotBytes(ulong Transfer, long Offset, ReadOnlyMemory<byte> Bytes) : SnapshotTransferMessage(Transfer);

/// <summary>A change of members on its way from the node that was asked to the leader.</summary>
/// <param name="Request">Chosen by the sender, unique in its life; the answer carries it.</param>
/// <param name="Steps">The change.</param>
public sealed record ForwardedChange(ulong Request, ImmutableArray<MembershipStep> Steps) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => false;
}

/// <summary>The leader's answer to a forwarded change.</summary>
/// <param name="Request">From <see cref="ForwardedChange"/>.</param>
/// <param name="Outcome">What became of it.</param>
public sealed record ForwardedOutcome(ulong Request, MembershipOutcome Outcome) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => false;
}

/// <summary>
/// Whoever receives it was removed from the swarm and may never have seen the entry that did it; or whoever sends it was, and takes no part
/// any more, though the receiver asks for its vote and so does not know.
/// </summary>
/// <param name="Index">A committed entry: the one that removed it, or a later one.</param>
/// <param name="Term">That entry's term; zero when the sender does not know it.</param>
/// <param name="OfSender">True when it was the sender that was removed.</param>
public sealed record RemovalNotice(LogIndex Index, Term Term, bool OfSender) : PeerMessage
{
    /// <inheritdoc/>
    public override bool IsControl => true;
}

/// <summary>A client command before the leader stamps it.</summary>
/// <param name="Body">The encoded entry under no stamp (<see cref="Governance.CommandCodec"/>).</param>
/// <param name="LamportClaim">The counter the client brought along; zero when none.</param>
public readonly record struct UnstampedCommand(ReadOnlyMemory<byte> Body, ulong LamportClaim);
