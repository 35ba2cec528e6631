namespace Converge.Core;

/// <summary>
/// What the seven facts have in common, for code that treats them alike: each has a proposal, an actor and at most one text;
/// a creation may also name its content.
/// </summary>
public static class FactShape
{
    /// <summary>What the actor is called: <c>author</c>, <c>validator</c>, <c>approver</c>, <c>issuer</c> or <c>grantor</c>.</summary>
    public static string ActorField(this FactKind kind) => kind switch
    {
        FactKind.ProposalCreated => "author",
        FactKind.ValidationPassed => "validator",
        FactKind.ValidationFailed => "validator",
        FactKind.PromotionApproved => "approver",
        FactKind.PromotionRejected => "approver",
        FactKind.RollbackIssued => "issuer",
        FactKind.OverrideGranted => "grantor",
        _ => throw NotAFact(kind),
    };

    /// <summary>What the text is called: <c>title</c>, <c>detail</c> or <c>reason</c>; null for an approval, which has none.</summary>
    public static string? TextField(this FactKind kind) => kind switch
    {
        FactKind.ProposalCreated => "title",
        FactKind.ValidationPassed => "detail",
        FactKind.ValidationFailed => "reason",
        FactKind.PromotionApproved => null,
        FactKind.PromotionRejected => "reason",
        FactKind.RollbackIssued => "reason",
        FactKind.OverrideGranted => "reason",
        _ => throw NotAFact(kind),
    };

    /// <summary>True for the kinds that must give a reason.</summary>
    public static bool RequiresReason(this FactKind kind) => kind
        is FactKind.ValidationFailed or FactKind.PromotionRejected or FactKind.RollbackIssued or FactKind.OverrideGranted;

    /// <summary>The greatest length of the text, in UTF-16 characters; zero for an approval.</summary>
    public static int MaxTextLength(this FactKind kind) => kind switch
    {
        FactKind.ProposalCreated => FactLimits.MaxTitleLength,
        FactKind.PromotionApproved => 0,
        _ => FactLimits.MaxTextLength,
    };

    /// <summary>The title, detail or reason.</summary>
    public static string? Text(this GovernanceFact fact) => fact switch
    {
        ProposalCreated created => created.Title,
        ValidationPassed passed => passed.Detail,
        ValidationFailed failed => failed.Reason,
        PromotionApproved => null,
        PromotionRejected rejected => rejected.Reason,
        RollbackIssued rollback => rollback.Reason,
        OverrideGranted granted => granted.Reason,
        _ => throw NotAFact(fact.Kind),
    };

    /// <summary>The content that is judged, where a creation names it.</summary>
    public static string? ContentHash(this GovernanceFact fact) => (fact as ProposalCreated)?.ContentHash;

    /// <summary>Makes a fact of its parts.</summary>
    /// <exception cref="ArgumentException">
    /// The kind requires a reason and none is given, or a part is given that the kind does not have.
    /// </exception>
    public static GovernanceFact Create(FactKind kind, string proposalId, string actor, string? text = null, string? contentHash = null)
    {
        if (contentHash is not null && kind != FactKind.ProposalCreated)
        {
            throw new ArgumentException($"A {kind.Name()} names no content.", nameof(contentHash));
        }

        return kind switch
        {
            FactKind.ProposalCreated => new ProposalCreated(proposalId, actor, text, contentHash),
            FactKind.ValidationPassed => new ValidationPassed(proposalId, actor, text),
            FactKind.ValidationFailed => new ValidationFailed(proposalId, actor, Reason(kind, text)),
            FactKind.PromotionApproved when text is null => new PromotionApproved(proposalId, actor),
            FactKind.PromotionApproved => throw new ArgumentException($"A {kind.Name()} has no text.", nameof(text)),
            FactKind.PromotionRejected => new PromotionRejected(proposalId, actor, Reason(kind, text)),
            FactKind.RollbackIssued => new RollbackIssued(proposalId, actor, Reason(kind, text)),
            FactKind.OverrideGranted => new OverrideGranted(proposalId, actor, Reason(kind, text)),
            _ => throw NotAFact(kind),
        };
    }

    private static string Reason(FactKind kind, string? text) =>
        text ?? throw new ArgumentException($"A {kind.Name()} requires a reason.", nameof(text));

    private static ArgumentOutOfRangeException NotAFact(FactKind kind) => new(nameof(kind), kind, "Not one of the seven facts.");
}
