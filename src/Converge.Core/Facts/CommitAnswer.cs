namespace Converge.Core;

/// <summary>Why a fact was not recorded although the command was agreed on. Decided while applying, the same on every node.</summary>
/// <remarks>The values are part of the digest and never change; they also give the order in which the reasons are tried.</remarks>
public enum RefusalCode
{
    /// <summary><c>command_expired</c>: the answer to this command number is no longer kept; whether it was applied is for the ledger to say.</summary>
    CommandExpired = 1,

    /// <summary><c>unknown_proposal</c>: a fact about a proposal that was never created.</summary>
    UnknownProposal = 2,

    /// <summary><c>already_exists</c>: the proposal was created before.</summary>
    AlreadyExists = 3,

    /// <summary><c>revision_mismatch</c>: another number of facts is recorded than the client expected.</summary>
    RevisionMismatch = 4,

    /// <summary><c>duplicate_decision</c>: the same approver approves again while the proposal stands approved.</summary>
    DuplicateDecision = 5,

    /// <summary><c>conflicting_decision</c>: an approval after a rejection without an override since, or a rejection while approved.</summary>
    ConflictingDecision = 6,

    /// <summary><c>failed_validation</c>: an approval while some validator's latest result is a failure, with no override since.</summary>
    FailedValidation = 7,

    /// <summary><c>nothing_to_roll_back</c>: a roll-back of what is not approved.</summary>
    NothingToRollBack = 8,
}

/// <summary>Why a command certainly did not change anything. Trying again is safe.</summary>
public enum NotCommittedReason
{
    /// <summary><c>no_leader</c>: no leader is known or none could be reached.</summary>
    NoLeader = 1,

    /// <summary><c>busy</c>: a bounded queue is full.</summary>
    Busy = 2,

    /// <summary><c>superseded</c>: leadership changed and another entry took the command's place.</summary>
    Superseded = 3,

    /// <summary><c>stopping</c>: the node is shutting down and takes nothing new.</summary>
    Stopping = 4,

    /// <summary><c>no_space</c>: the node has no room for another log segment.</summary>
    NoSpace = 5,

    /// <summary><c>too_large</c>: the fact exceeds what one entry may hold.</summary>
    TooLarge = 6,

    /// <summary><c>no_lease</c>: a leased read was asked for where the settings give none. Only for reads.</summary>
    NoLease = 7,
}

/// <summary>
/// What became of a submission. Exactly four cases: <see cref="FactAccepted"/>, <see cref="FactRefused"/>,
/// <see cref="FactNotCommitted"/> (certainly nothing happened) and <see cref="FactOutcomeUnknown"/> (it may have been recorded or not).
/// </summary>
public abstract record CommitAnswer
{
    private protected CommitAnswer()
    {
    }
}

/// <summary>The fact is recorded: durable on a quorum, in one order for all.</summary>
/// <param name="Sequence">Its place in the governance ledger, dense from 1.</param>
/// <param name="Index">Its place in the agreed log.</param>
/// <param name="Term">The authority under which it became fact.</param>
/// <param name="CommittedAtUnixMilliseconds">The leader's stamp; never decreases along the log.</param>
/// <param name="Lamport">The leader's logical stamp.</param>
/// <param name="Hash">The record's hash: SHA-256, 32 bytes, as lower-case hexadecimal digits.</param>
/// <param name="Revision">How many facts are recorded for the proposal, this one included.</param>
public sealed record FactAccepted(
    ulong Sequence,
    LogIndex Index,
    Term Term,
    long CommittedAtUnixMilliseconds,
    LamportTimestamp Lamport,
    string Hash,
    ulong Revision) : CommitAnswer;

/// <summary>The fact was agreed on and refused; nothing is recorded.</summary>
/// <param name="Code">The first reason that applied.</param>
/// <param name="Revision">How many facts are recorded for the proposal; zero when it is unknown.</param>
public sealed record FactRefused(RefusalCode Code, ulong Revision) : CommitAnswer;

/// <summary>The command certainly changed nothing.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">For a person.</param>
public sealed record FactNotCommitted(NotCommittedReason Reason, string Message) : CommitAnswer;

/// <summary>
/// The command was handed on, and its outcome is not known: it may have been recorded, may still be, or never.
/// Repeating it under the same <see cref="CommandId"/> is safe and tells.
/// </summary>
/// <param name="Message">For a person.</param>
public sealed record FactOutcomeUnknown(string Message) : CommitAnswer;
