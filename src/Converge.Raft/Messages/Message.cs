using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// One message of the protocol, between nodes or to a <see cref="LocalTargets">local target</see>. Which fields mean something depends on
/// <see cref="Kind"/>; the others are zero.
/// </summary>
/// <remarks>Immutable, with everything it refers to: it may be kept, sent and resent for as long as wanted.</remarks>
[StructLayout(LayoutKind.Auto)]
public readonly struct Message
{
    /// <summary>The <see cref="Context"/> of a <see cref="MessageKind.Vote"/> that the leader itself asked for: stickiness to that leader does not apply.</summary>
    public const ulong TransferContext = 1;

    /// <summary>What it asks or answers.</summary>
    public MessageKind Kind { get; init; }

    /// <summary>Who sends. For <see cref="MessageKind.TransferLeader"/>: who is to lead, whoever forwards it.</summary>
    public NodeId From { get; init; }

    /// <summary>To whom.</summary>
    public NodeId To { get; init; }

    /// <summary>
    /// The sender's term; for a pre-vote the term it would campaign in. Zero for kinds that carry none.
    /// In <see cref="MessageKind.StorageAppend"/>: of the hard state to write, zero when it did not change.
    /// </summary>
    public Term Term { get; init; }

    /// <summary>The term of the entry at <see cref="Index"/>; in a rejection of <see cref="MessageKind.Append"/> the term of the entry at <see cref="RejectHint"/>.</summary>
    public Term LogTerm { get; init; }

    /// <summary>The place that the kind speaks of.</summary>
    public LogIndex Index { get; init; }

    /// <summary>The sender's commit index; in <see cref="MessageKind.StorageAppend"/> of the hard state to write.</summary>
    public LogIndex Commit { get; init; }

    /// <summary>In <see cref="MessageKind.StorageAppend"/>: the vote of the hard state to write.</summary>
    public NodeId Vote { get; init; }

    /// <summary>True for an answer that says no; in a <see cref="MessageKind.ReadIndex"/> for a read that no lease may answer.</summary>
    public bool Reject { get; init; }

    /// <summary>In a rejection of <see cref="MessageKind.Append"/>: the greatest index at which the logs may still agree, as far as the follower can tell.</summary>
    public LogIndex RejectHint { get; init; }

    /// <summary>Entries with dense indexes.</summary>
    public ReadOnlyMemory<Entry> Entries { get; init; }

    /// <summary>The snapshot, or null.</summary>
    public Snapshot? Snapshot { get; init; }

    /// <summary>What to send or step once a storage message is done, in this order.</summary>
    public ReadOnlyMemory<Message> Responses { get; init; }

    /// <summary>The heartbeat round, the caller's name of a read, or <see cref="TransferContext"/>.</summary>
    public ulong Context { get; init; }

    /// <summary>For a person: kind, from, to, term and place.</summary>
    public override string ToString() => $"{From}->{To} {Kind} term {Term} log {LogTerm}/{Index}";
}
