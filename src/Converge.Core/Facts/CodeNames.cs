using System.Collections.Frozen;

namespace Converge.Core;

/// <summary>The stable names that codes and kinds carry outside: in JSON, logs and documents.</summary>
public static class CodeNames
{
    private static readonly FrozenDictionary<string, FactKind> FactKinds =
        Enum.GetValues<FactKind>().ToFrozenDictionary(kind => kind.Name(), StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, RecordKind> RecordKinds =
        Enum.GetValues<RecordKind>().ToFrozenDictionary(kind => kind.Name(), StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, RefusalCode> RefusalCodes =
        Enum.GetValues<RefusalCode>().ToFrozenDictionary(code => code.Name(), StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, NotCommittedReason> NotCommittedReasons =
        Enum.GetValues<NotCommittedReason>().ToFrozenDictionary(reason => reason.Name(), StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, MemberRole> MemberRoles =
        Enum.GetValues<MemberRole>().ToFrozenDictionary(role => role.Name(), StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, MembershipStepKind> MembershipStepKinds =
        Enum.GetValues<MembershipStepKind>().ToFrozenDictionary(kind => kind.Name(), StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, ProposalStatus> ProposalStatuses =
        Enum.GetValues<ProposalStatus>().ToFrozenDictionary(status => status.Name(), StringComparer.Ordinal);

    /// <summary>For example <c>proposal_created</c>.</summary>
    public static string Name(this FactKind kind) => kind switch
    {
        FactKind.ProposalCreated => "proposal_created",
        FactKind.ValidationPassed => "validation_passed",
        FactKind.ValidationFailed => "validation_failed",
        FactKind.PromotionApproved => "promotion_approved",
        FactKind.PromotionRejected => "promotion_rejected",
        FactKind.RollbackIssued => "rollback_issued",
        FactKind.OverrideGranted => "override_granted",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not one of the seven facts."),
    };

    /// <summary>For example <c>unknown_proposal</c>.</summary>
    public static string Name(this RefusalCode code) => code switch
    {
        RefusalCode.CommandExpired => "command_expired",
        RefusalCode.UnknownProposal => "unknown_proposal",
        RefusalCode.AlreadyExists => "already_exists",
        RefusalCode.RevisionMismatch => "revision_mismatch",
        RefusalCode.DuplicateDecision => "duplicate_decision",
        RefusalCode.ConflictingDecision => "conflicting_decision",
        RefusalCode.FailedValidation => "failed_validation",
        RefusalCode.NothingToRollBack => "nothing_to_roll_back",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "Not a refusal."),
    };

    /// <summary>For example <c>no_leader</c>.</summary>
    public static string Name(this NotCommittedReason reason) => reason switch
    {
        NotCommittedReason.NoLeader => "no_leader",
        NotCommittedReason.Busy => "busy",
        NotCommittedReason.Superseded => "superseded",
        NotCommittedReason.Stopping => "stopping",
        NotCommittedReason.NoSpace => "no_space",
        NotCommittedReason.TooLarge => "too_large",
        NotCommittedReason.NoLease => "no_lease",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Not a reason."),
    };

    /// <summary>For example <c>approved</c>.</summary>
    public static string Name(this ProposalStatus status) => status switch
    {
        ProposalStatus.Open => "open",
        ProposalStatus.Approved => "approved",
        ProposalStatus.Rejected => "rejected",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Not a status."),
    };

    /// <summary>For example <c>authority</c>.</summary>
    public static string Name(this RecordKind kind) => kind switch
    {
        RecordKind.Fact => "fact",
        RecordKind.Authority => "authority",
        RecordKind.Membership => "membership",
        RecordKind.Recovery => "recovery",
        RecordKind.Outcome => "outcome",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind of record."),
    };

    /// <summary>For example <c>voter</c>.</summary>
    public static string Name(this MemberRole role) => role switch
    {
        MemberRole.Learner => "learner",
        MemberRole.Voter => "voter",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Not a role."),
    };

    /// <summary>For example <c>promoted</c>.</summary>
    public static string Name(this MembershipStepKind kind) => kind switch
    {
        MembershipStepKind.Added => "added",
        MembershipStepKind.Promoted => "promoted",
        MembershipStepKind.Removed => "removed",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a step."),
    };

    /// <summary>For example <c>invalid_json</c>.</summary>
    public static string Name(this InputFaultCode code) => code switch
    {
        InputFaultCode.InvalidJson => "invalid_json",
        InputFaultCode.UnknownField => "unknown_field",
        InputFaultCode.DuplicateField => "duplicate_field",
        InputFaultCode.MissingField => "missing_field",
        InputFaultCode.InvalidType => "invalid_type",
        InputFaultCode.InvalidValue => "invalid_value",
        InputFaultCode.TooLong => "too_long",
        InputFaultCode.TooLarge => "too_large",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "Not a fault."),
    };

    /// <summary>Why, in a sentence for a person.</summary>
    public static string Explain(this RefusalCode code) => code switch
    {
        RefusalCode.CommandExpired => "The answer to this command number is no longer kept; the ledger tells whether it was applied.",
        RefusalCode.UnknownProposal => "The proposal was never created.",
        RefusalCode.AlreadyExists => "The proposal was created before.",
        RefusalCode.RevisionMismatch => "Another number of facts is recorded for the proposal than expected.",
        RefusalCode.DuplicateDecision => "The same approver has approved before, and the proposal stands approved.",
        RefusalCode.ConflictingDecision => "The opposite decision stands: override a rejection or roll back an approval first.",
        RefusalCode.FailedValidation => "A validator's latest result is a failure, and no override was granted since.",
        RefusalCode.NothingToRollBack => "The proposal is not approved.",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "Not a refusal."),
    };

    /// <summary>The kind that a name stands for, or null.</summary>
    public static FactKind? ParseFactKind(string? name) =>
        name is not null && FactKinds.TryGetValue(name, out FactKind kind) ? kind : null;

    /// <summary>The kind of record that a name stands for, or null.</summary>
    public static RecordKind? ParseRecordKind(string? name) =>
        name is not null && RecordKinds.TryGetValue(name, out RecordKind kind) ? kind : null;

    /// <summary>The refusal that a name stands for, or null.</summary>
    public static RefusalCode? ParseRefusalCode(string? name) =>
        name is not null && RefusalCodes.TryGetValue(name, out RefusalCode code) ? code : null;

    /// <summary>The reason that a name stands for, or null.</summary>
    public static NotCommittedReason? ParseNotCommittedReason(string? name) =>
        name is not null && NotCommittedReasons.TryGetValue(name, out NotCommittedReason reason) ? reason : null;

    /// <summary>The role that a name stands for, or null.</summary>
    public static MemberRole? ParseMemberRole(string? name) =>
        name is not null && MemberRoles.TryGetValue(name, out MemberRole role) ? role : null;

    /// <summary>The kind of step that a name stands for, or null.</summary>
    public static MembershipStepKind? ParseMembershipStepKind(string? name) =>
        name is not null && MembershipStepKinds.TryGetValue(name, out MembershipStepKind kind) ? kind : null;

    /// <summary>The status that a name stands for, or null.</summary>
    public static ProposalStatus? ParseProposalStatus(string? name) =>
        name is not null && ProposalStatuses.TryGetValue(name, out ProposalStatus status) ? status : null;
}
