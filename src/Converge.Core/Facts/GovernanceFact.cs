namespace Converge.Core;

/// <summary>The seven things that can become fact about a proposal. The values are part of the record encoding and never change.</summary>
public enum FactKind
{
    /// <summary>A change was proposed.</summary>
    ProposalCreated = 1,

    /// <summary>A validator found it good.</summary>
    ValidationPassed = 2,

    /// <summary>A validator found it wanting.</summary>
    ValidationFailed = 3,

    /// <summary>It may be promoted.</summary>
    PromotionApproved = 4,

    /// <summary>It may not be promoted.</summary>
    PromotionRejected = 5,

    /// <summary>An approved change was taken back.</summary>
    RollbackIssued = 6,

    /// <summary>A failure or a rejection was set aside.</summary>
    OverrideGranted = 7,
}

/// <summary>
/// What somebody states about a proposal: one of exactly seven kinds. A value of this type is a claim; it becomes a fact when it is committed.
/// </summary>
public abstract record GovernanceFact
{
    private protected GovernanceFact(string proposalId) => ProposalId = proposalId;

    /// <summary>The proposal it speaks of.</summary>
    public string ProposalId { get; init; }

    /// <summary>Which of the seven.</summary>
    public abstract FactKind Kind { get; }

    /// <summary>Who states it: the author, validator, approver, issuer or grantor.</summary>
    public abstract string Actor { get; }
}

/// <summary><c>proposal_created</c>: a change was proposed.</summary>
/// <param name="ProposalId">A new id.</param>
/// <param name="Author">Who proposes.</param>
/// <param name="Title">What, in a line.</param>
/// <param name="ContentHash">Names the content that is judged.</param>
public sealed record ProposalCreated(string ProposalId, string Author, string? Title = null, string? ContentHash = null) : GovernanceFact(ProposalId)
{
    /// <inheritdoc/>
    public override FactKind Kind => FactKind.ProposalCreated;

    /// <inheritdoc/>
    public override string Actor => Author;
}

/// <summary><c>validation_passed</c>: a validator found the proposal good. Its latest result counts.</summary>
/// <param name="ProposalId">The proposal.</param>
/// <param name="Validator">Who judged.</param>
/// <param name="Detail">What was judged, or how.</param>
public sealed record ValidationPassed(string ProposalId, string Validator, string? Detail = null) : GovernanceFact(ProposalId)
{
    /// <inheritdoc/>
    public override FactKind Kind => FactKind.ValidationPassed;

    /// <inheritdoc/>
    public override string Actor => Validator;
}

/// <summary><c>validation_failed</c>: a validator found the proposal wanting. It stands until the same validator passes it, or an override.</summary>
/// <param name="ProposalId">The proposal.</param>
/// <param name="Validator">Who judged.</param>
/// <param name="Reason">Why.</param>
public sealed record ValidationFailed(string ProposalId, string Validator, string Reason) : GovernanceFact(ProposalId)
{
    /// <inheritdoc/>
    public override FactKind Kind => FactKind.ValidationFailed;

    /// <inheritdoc/>
    public override string Actor => Validator;
}

/// <summary><c>promotion_approved</c>: the proposal may be promoted.</summary>
/// <param name="ProposalId">The proposal.</param>
/// <param name="Approver">Who approves.</param>
public sealed record PromotionApproved(string ProposalId, string Approver) : GovernanceFact(ProposalId)
{
    /// <inheritdoc/>
    public override FactKind Kind => FactKind.PromotionApproved;

    /// <inheritdoc/>
    public override string Actor => Approver;
}

/// <summary><c>promotion_rejected</c>: the proposal may not be promoted.</summary>
/// <param name="ProposalId">The proposal.</param>
/// <param name="Approver">Who rejects.</param>
/// <param name="Reason">Why.</param>
public sealed record PromotionRejected(string ProposalId, string Approver, string Reason) : GovernanceFact(ProposalId)
{
    /// <inheritdoc/>
    public override FactKind Kind => FactKind.PromotionRejected;

    /// <inheritdoc/>
    public override string Actor => Approver;
}

/// <summary><c>rollback_issued</c>: an approved proposal is taken back. Clears the decision and any override; failures stay.</summary>
/// <param name="ProposalId">The proposal.</param>
/// <param name="Issuer">Who takes it back.</param>
/// <param name="Reason">Why.</param>
public sealed record RollbackIssued(string ProposalId, string Issuer, string Reason) : GovernanceFact(ProposalId)
{
    /// <inheritdoc/>
    public override FactKind Kind => FactKind.RollbackIssued;

    /// <inheritdoc/>
    public override string Actor => Issuer;
}

/// <summary><c>override_granted</c>: failures and a rejection recorded so far no longer stand in the way of an approval.</summary>
/// <param name="ProposalId">The proposal.</param>
/// <param name="Grantor">Who answers for it.</param>
/// <param name="Reason">Why.</param>
public sealed record OverrideGranted(string ProposalId, string Grantor, string Reason) : GovernanceFact(ProposalId)
{
    /// <inheritdoc/>
    public override FactKind Kind => FactKind.OverrideGranted;

    /// <inheritdoc/>
    public override string Actor => Grantor;
}
