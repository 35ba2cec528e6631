namespace Converge.Core;

/// <summary>What a record of the governance ledger is about. The values are part of the record encoding and never change.</summary>
public enum RecordKind
{
    /// <summary>One of the seven facts.</summary>
    Fact = 1,

    /// <summary>A leader's term began.</summary>
    Authority = 2,

    /// <summary>The members of the swarm changed.</summary>
    Membership = 3,

    /// <summary>An operator recovered the swarm by force.</summary>
    Recovery = 4,

    /// <summary>What came of an effect.</summary>
    Outcome = 5,
}

/// <summary>One record of the governance ledger: permanent, dense, chained by hashes.</summary>
/// <param name="Sequence">Dense from 1.</param>
/// <param name="Index">The entry of the agreed log that made it.</param>
/// <param name="Term">The authority under which it became fact.</param>
/// <param name="TimeUnixMilliseconds">The leader's stamp; never decreases.</param>
/// <param name="Lamport">The leader's logical stamp.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="CommandId">The client's command, so that a client can reconcile.</param>
/// <param name="Submission">For <see cref="RecordKind.Fact"/>: what was stated. Otherwise null.</param>
/// <param name="Leader">For <see cref="RecordKind.Authority"/>: the leader whose term began. Otherwise null.</param>
/// <param name="PreviousHash">The hash of the record before; 64 zeros for the first.</param>
/// <param name="Hash">SHA-256 as lower-case hexadecimal digits; also the record's leaf hash in the Merkle tree (RFC 6962, section 2.1).</param>
public sealed record LedgerRecord(
    ulong Sequence,
    LogIndex Index,
    Term Term,
    long TimeUnixMilliseconds,
    LamportTimestamp Lamport,
    RecordKind Kind,
    CommandId? CommandId,
    FactSubmission? Submission,
    NodeId? Leader,
    string PreviousHash,
    string Hash)
{
    /// <summary>For <see cref="RecordKind.Membership"/>: how the members changed. Otherwise null.</summary>
    public MembershipChange? Membership { get; init; }
}

/// <summary>The end of the ledger: enough to recognise any later change of what came before.</summary>
/// <param name="Sequence">How many records there are.</param>
/// <param name="Hash">The last record's hash; 64 zeros when there is none.</param>
/// <param name="Root">The Merkle root over all records (RFC 6962, section 2.1), lower-case hexadecimal digits.</param>
/// <param name="Index">The entry of the agreed log that made the last record.</param>
/// <param name="Term">The term of that entry.</param>
public sealed record LedgerHead(ulong Sequence, string Hash, string Root, LogIndex Index, Term Term);
