namespace Converge.Core.Tests.Facts;

public sealed class FactShapeTests
{
    [Theory]
    [InlineData(FactKind.ProposalCreated, "author", "title", false)]
    [InlineData(FactKind.ValidationPassed, "validator", "detail", false)]
    [InlineData(FactKind.ValidationFailed, "validator", "reason", true)]
    [InlineData(FactKind.PromotionApproved, "approver", null, false)]
    [InlineData(FactKind.PromotionRejected, "approver", "reason", true)]
    [InlineData(FactKind.RollbackIssued, "issuer", "reason", true)]
    [InlineData(FactKind.OverrideGranted, "grantor", "reason", true)]
    public void A_fact_taken_apart_and_put_together_is_the_same(FactKind kind, string actorField, string? textField, bool requiresReason)
    {
        GovernanceFact fact = FactShape.Create(kind, "p", "a", textField is null ? null : "t", kind == FactKind.ProposalCreated ? "c" : null);
        Assert.Equal(fact, FactShape.Create(fact.Kind, fact.ProposalId, fact.Actor, fact.Text(), fact.ContentHash()));
        Assert.Equal((kind, "p", "a"), (fact.Kind, fact.ProposalId, fact.Actor));
        Assert.Equal((actorField, textField, requiresReason), (kind.ActorField(), kind.TextField(), kind.RequiresReason()));
    }

    [Fact]
    public void Parts_that_do_not_fit_the_kind_are_refused()
    {
        Assert.Throws<ArgumentException>(() => FactShape.Create(FactKind.PromotionApproved, "p", "a", "text"));
        Assert.Throws<ArgumentException>(() => FactShape.Create(FactKind.RollbackIssued, "p", "a"));
        Assert.Throws<ArgumentException>(() => FactShape.Create(FactKind.RollbackIssued, "p", "a", "r", "c"));
        Assert.Throws<ArgumentOutOfRangeException>(() => FactShape.Create((FactKind)8, "p", "a"));
    }

    [Fact]
    public void A_submission_made_in_code_meets_the_same_rules_as_one_read_from_JSON()
    {
        Assert.Null(SubmissionRules.Check(new FactSubmission(new PromotionApproved("p", "a"))));
        Assert.Equal("proposal_id", SubmissionRules.Check(new FactSubmission(new PromotionApproved(null!, "a")))?.Field);
        Assert.Equal("approver", SubmissionRules.Check(new FactSubmission(new PromotionApproved("p", "\ud83d")))?.Field);
        Assert.Equal("reason", SubmissionRules.Check(new FactSubmission(new RollbackIssued("p", "a", null!)))?.Field);
        Assert.Equal("detail", SubmissionRules.Check(new FactSubmission(new ValidationPassed("p", "a", new string('x', 4_097))))?.Field);
        Assert.Equal("at", SubmissionRules.Check(new FactSubmission(new PromotionApproved("p", "a"), At: -1))?.Field);
        Assert.Equal("lamport.node", SubmissionRules.Check(
            new FactSubmission(new PromotionApproved("p", "a"), Lamport: new LamportTimestamp(1, new NodeId(1UL << 53))))?.Field);
        Assert.Equal("command_id.number", SubmissionRules.Check(
            new FactSubmission(new PromotionApproved("p", "a"), CommandId: new CommandId("s", 0)))?.Field);
    }
}
