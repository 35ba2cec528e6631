using System.Collections.Frozen;

namespace Converge.Core;

/// <summary>The stable names that codes and kinds carry outside: in JSON, logs and documents.</summary>
public static class CodeNames
{
    private static readonly FrozenDictionary<string, FactKind> FactKinds =
        Enum.GetValues<FactKind>().ToFrozenDictionary(kind => kind.Name(), StringComparer.Ordinal);

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

    /// <summary>The kind that a name stands for, or null.</summary>
    public static FactKind? ParseFactKind(string? name) =>
        name is not null && FactKinds.TryGetValue(name, out FactKind kind) ? kind : null;
}
