using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Tests.Governance;

/// <summary>The table of <c>docs/governance.md</c>, case by case.</summary>
public sealed class GovernanceRulesTests
{
    private static readonly ProposalCreated Created = new("p", "author", "title", "hash");
    private static readonly ValidationPassed PassedByV = new("p", "v");
    private static readonly ValidationFailed FailedByV = new("p", "v", "r");
    private static readonly ValidationFailed FailedByW = new("p", "w", "r");
    private static readonly PromotionApproved ApprovedByA = new("p", "a");
    private static readonly PromotionApproved ApprovedByB = new("p", "b");
    private static readonly PromotionRejected RejectedByA = new("p", "a", "r");
    private static readonly PromotionRejected RejectedByB = new("p", "b", "r");
    private static readonly RollbackIssued RolledBack = new("p", "i", "r");
    private static readonly OverrideGranted Overridden = new("p", "g", "r");

    public static TheoryData<string, GovernanceFact[], GovernanceFact, RefusalCode?, ProposalStatus?> Cases => new()
    {
        { "nothing is known of a proposal that was never created", [], PassedByV, RefusalCode.UnknownProposal, null },
        { "nothing is known: failure", [], FailedByV, RefusalCode.UnknownProposal, null },
        { "nothing is known: approval", [], ApprovedByA, RefusalCode.UnknownProposal, null },
        { "nothing is known: rejection", [], RejectedByA, RefusalCode.UnknownProposal, null },
        { "nothing is known: roll-back", [], RolledBack, RefusalCode.UnknownProposal, null },
        { "nothing is known: override", [], Overridden, RefusalCode.UnknownProposal, null },
        { "creation opens", [], Created, null, ProposalStatus.Open },

        { "open: created again", [Created], Created, RefusalCode.AlreadyExists, ProposalStatus.Open },
        { "open: passed", [Created], PassedByV, null, ProposalStatus.Open },
        { "open: failed", [Created], FailedByV, null, ProposalStatus.Open },
        { "open: approved without any validation", [Created], ApprovedByA, null, ProposalStatus.Approved },
        { "open: rejected", [Created], RejectedByA, null, ProposalStatus.Rejected },
        { "open: rolled back", [Created], RolledBack, RefusalCode.NothingToRollBack, ProposalStatus.Open },
        { "open: overridden", [Created], Overridden, null, ProposalStatus.Open },

        { "a failure stands in the way", [Created, FailedByV], ApprovedByA, RefusalCode.FailedValidation, ProposalStatus.Open },
        { "a failure does not hinder a rejection", [Created, FailedByV], RejectedByA, null, ProposalStatus.Rejected },
        { "a later pass of the same validator removes it", [Created, FailedByV, PassedByV], ApprovedByA, null, ProposalStatus.Approved },
        { "a pass of another validator does not", [Created, FailedByW, PassedByV], ApprovedByA, RefusalCode.FailedValidation, ProposalStatus.Open },
        { "a later failure counts", [Created, PassedByV, FailedByV], ApprovedByA, RefusalCode.FailedValidation, ProposalStatus.Open },
        { "an override sets all failures aside", [Created, FailedByV, FailedByW, Overridden], ApprovedByA, null, ProposalStatus.Approved },
        { "a failure after the override counts", [Created, Overridden, FailedByV], ApprovedByA, RefusalCode.FailedValidation, ProposalStatus.Open },
        { "the same validator failing again after the override counts", [Created, FailedByV, Overridden, FailedByV], ApprovedByA, RefusalCode.FailedValidation, ProposalStatus.Open },
        { "a second override sets it aside too", [Created, FailedByV, Overridden, FailedByV, Overridden], ApprovedByA, null, ProposalStatus.Approved },

        { "approved: created again", [Created, ApprovedByA], Created, RefusalCode.AlreadyExists, ProposalStatus.Approved },
        { "approved: passed", [Created, ApprovedByA], PassedByV, null, ProposalStatus.Approved },
        { "approved: failed, and stays approved", [Created, ApprovedByA], FailedByV, null, ProposalStatus.Approved },
        { "approved: by the same again", [Created, ApprovedByA], ApprovedByA, RefusalCode.DuplicateDecision, ProposalStatus.Approved },
        { "approved: by another too", [Created, ApprovedByA], ApprovedByB, null, ProposalStatus.Approved },
        { "approved by two: by the first again", [Created, ApprovedByA, ApprovedByB], ApprovedByA, RefusalCode.DuplicateDecision, ProposalStatus.Approved },
        { "approved by two: by the second again", [Created, ApprovedByA, ApprovedByB], ApprovedByB, RefusalCode.DuplicateDecision, ProposalStatus.Approved },
        { "approved, then failed: by another too", [Created, ApprovedByA, FailedByV], ApprovedByB, RefusalCode.FailedValidation, ProposalStatus.Approved },
        { "approved, then failed: by the same again", [Created, ApprovedByA, FailedByV], ApprovedByA, RefusalCode.DuplicateDecision, ProposalStatus.Approved },
        { "approved, failed and overridden: by another too", [Created, ApprovedByA, FailedByV, Overridden], ApprovedByB, null, ProposalStatus.Approved },
        { "approved: rejected by another", [Created, ApprovedByA], RejectedByB, RefusalCode.ConflictingDecision, ProposalStatus.Approved },
        { "approved: rejected by the same", [Created, ApprovedByA], RejectedByA, RefusalCode.ConflictingDecision, ProposalStatus.Approved },
        { "approved: rejected after an override", [Created, ApprovedByA, Overridden], RejectedByA, RefusalCode.ConflictingDecision, ProposalStatus.Approved },
        { "approved: rolled back", [Created, ApprovedByA], RolledBack, null, ProposalStatus.Open },
        { "approved: overridden, and stays approved", [Created, ApprovedByA], Overridden, null, ProposalStatus.Approved },

        { "rejected: created again", [Created, RejectedByA], Created, RefusalCode.AlreadyExists, ProposalStatus.Rejected },
        { "rejected: passed", [Created, RejectedByA], PassedByV, null, ProposalStatus.Rejected },
        { "rejected: failed", [Created, RejectedByA], FailedByV, null, ProposalStatus.Rejected },
        { "rejected: approved by another", [Created, RejectedByA], ApprovedByB, RefusalCode.ConflictingDecision, ProposalStatus.Rejected },
        { "rejected: approved by the same", [Created, RejectedByA], ApprovedByA, RefusalCode.ConflictingDecision, ProposalStatus.Rejected },
        { "rejected and failed: the rejection is named first", [Created, FailedByV, RejectedByA], ApprovedByA, RefusalCode.ConflictingDecision, ProposalStatus.Rejected },
        { "rejected: by the same again", [Created, RejectedByA], RejectedByA, null, ProposalStatus.Rejected },
        { "rejected: by another too", [Created, RejectedByA], RejectedByB, null, ProposalStatus.Rejected },
        { "rejected: rolled back", [Created, RejectedByA], RolledBack, RefusalCode.NothingToRollBack, ProposalStatus.Rejected },
        { "rejected: overridden", [Created, RejectedByA], Overridden, null, ProposalStatus.Open },
        { "rejected and overridden: approved by the same", [Created, RejectedByA, Overridden], ApprovedByA, null, ProposalStatus.Approved },
        { "rejected, overridden and rejected again: approved", [Created, RejectedByA, Overridden, RejectedByA], ApprovedByA, RefusalCode.ConflictingDecision, ProposalStatus.Rejected },
        { "an override before the rejection does not help", [Created, Overridden, RejectedByA], ApprovedByA, RefusalCode.ConflictingDecision, ProposalStatus.Rejected },

        { "rolled back: approved by the same again", [Created, ApprovedByA, RolledBack], ApprovedByA, null, ProposalStatus.Approved },
        { "rolled back: rejected", [Created, ApprovedByA, RolledBack], RejectedByA, null, ProposalStatus.Rejected },
        { "rolled back: rolled back again", [Created, ApprovedByA, RolledBack], RolledBack, RefusalCode.NothingToRollBack, ProposalStatus.Open },
        { "rolled back: the overridden failure stands again", [Created, FailedByV, Overridden, ApprovedByA, RolledBack], ApprovedByA, RefusalCode.FailedValidation, ProposalStatus.Open },
        { "rolled back: an override since helps", [Created, FailedByV, Overridden, ApprovedByA, RolledBack, Overridden], ApprovedByA, null, ProposalStatus.Approved },
        { "rolled back: the overridden rejection does not stand again", [Created, RejectedByA, Overridden, ApprovedByA, RolledBack], ApprovedByA, null, ProposalStatus.Approved },
        { "rolled back: a failure since the approval stands", [Created, ApprovedByA, FailedByV, RolledBack], ApprovedByA, RefusalCode.FailedValidation, ProposalStatus.Open },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_fact_meets_every_state(
        string because, GovernanceFact[] before, GovernanceFact fact, RefusalCode? refusal, ProposalStatus? status)
    {
        var log = new AgreedLog();
        foreach (GovernanceFact one in before)
        {
            Assert.IsType<FactAccepted>(log.Answer(one));
        }

        CommitAnswer answer = log.Answer(fact);
        if (refusal is { } code)
        {
            Assert.Equal(new FactRefused(code, (ulong)before.Length), answer);
        }
        else
        {
            Assert.Equal((ulong)before.Length + 1, Assert.IsType<FactAccepted>(answer).Revision);
        }

        Assert.True(status == log.State.Get("p")?.Status, because);
    }

    [Fact]
    public void The_expected_revision_is_tried_after_existence_and_before_decisions()
    {
        var log = new AgreedLog();
        Assert.Equal(new FactRefused(RefusalCode.UnknownProposal, 0), log.Answer(ApprovedByA, expectedRevision: 5));
        Assert.Equal(new FactRefused(RefusalCode.RevisionMismatch, 0), log.Answer(Created, expectedRevision: 1));
        Assert.IsType<FactAccepted>(log.Answer(Created, expectedRevision: 0));
        Assert.Equal(new FactRefused(RefusalCode.AlreadyExists, 1), log.Answer(Created, expectedRevision: 0));
        Assert.Equal(new FactRefused(RefusalCode.RevisionMismatch, 1), log.Answer(RolledBack, expectedRevision: 0));
        Assert.Equal(new FactRefused(RefusalCode.NothingToRollBack, 1), log.Answer(RolledBack, expectedRevision: 1));
    }

    [Fact]
    public void A_view_tells_all_that_is_recorded()
    {
        var log = new AgreedLog();
        log.CommitNoOp();
        log.CommitAuthority(new NodeId(1));
        log.Answer(Created);
        log.Answer(new ValidationFailed("p", "zed", "r"));
        log.Answer(Overridden);
        log.Answer(new ValidationFailed("p", "\U0001F600", "r"));
        log.Answer(new ValidationPassed("p", "\uFFFD"));
        log.Answer(RejectedByA);
        log.Answer(ApprovedByA);

        ProposalView view = log.State.Get("p")!;
        Assert.Equal(
            new ProposalView("p", ProposalStatus.Rejected, 6, "author", "title", "hash", "a", view.Validators, 2, 7, new LogIndex(9)),
            view);
        Assert.Equal(
            [
                new ValidatorResult("zed", Passed: false, Overridden: true, 3),
                new ValidatorResult("\U0001F600", Passed: false, Overridden: false, 5),
                new ValidatorResult("\uFFFD", Passed: true, Overridden: false, 6),
            ],
            view.Validators);
        Assert.Null(log.State.Get("q"));
        Assert.Null(log.State.Get(""));
        Assert.Null(log.State.Get("\ud800"));
        Assert.Null(log.State.Get(new string('p', 10_000)));
    }

    [Fact]
    public void Whoever_decided_last_is_named()
    {
        var log = new AgreedLog();
        string? DecidedBy() => log.State.Get("p")!.DecidedBy;

        log.Answer(Created);
        Assert.Null(DecidedBy());
        log.Answer(ApprovedByA);
        log.Answer(ApprovedByB);
        Assert.Equal("b", DecidedBy());
        log.Answer(RolledBack);
        Assert.Null(DecidedBy());
        log.Answer(RejectedByB);
        log.Answer(RejectedByA);
        Assert.Equal("a", DecidedBy());
        log.Answer(Overridden);
        Assert.Null(DecidedBy());
    }

    [Fact]
    public void An_accepted_fact_is_answered_with_its_place_and_its_stamp()
    {
        var log = new AgreedLog { Term = new Term(3) };
        log.CommitNoOp();
        ApplyOutcome outcome = log.Commit(new FactSubmission(Created, Lamport: new LamportTimestamp(70, new NodeId(9))));
        Assert.Equal(
            new FactAccepted(1, new LogIndex(2), new Term(3), log.Stamp.TimeUnixMilliseconds, new LamportTimestamp(71, new NodeId(1)), outcome.Record!.Value.Hash.ToString(), 1),
            outcome.ToAnswer());
        Assert.Equal(ApplyResult.FactRecorded, outcome.Result);
    }

    [Fact]
    public void Authority_is_recorded_and_answers_nobody()
    {
        var log = new AgreedLog();
        ApplyOutcome outcome = log.CommitAuthority(new NodeId(3));
        Assert.Equal((ApplyResult.AuthorityRecorded, 1UL), (outcome.Result, outcome.Record!.Value.Sequence));
        Assert.Null(outcome.ToAnswer());

        ApplyOutcome noOp = log.CommitNoOp();
        Assert.Equal((ApplyResult.NoOp, null), (noOp.Result, noOp.Record));
        Assert.Null(noOp.ToAnswer());
        Assert.Equal(1UL, log.State.LastSequence);
    }

    [Fact]
    public void An_entry_out_of_place_or_stamped_before_the_last_one_stops_the_node_and_changes_nothing()
    {
        var log = new AgreedLog { Term = new Term(2) };
        log.Answer(Created);
        byte[] Stamped(long time, ulong counter) => CommandCodec.EncodeFact(
            new FactSubmission(ApprovedByA), new CommandStamp(time, new LamportTimestamp(counter, new NodeId(1))));
        long now = log.Stamp.TimeUnixMilliseconds;
        ulong counter = log.Stamp.Lamport.Counter;
        string digest = log.State.Digest.ToString();

        Assert.Throws<InvalidOperationException>(() => log.State.Apply(new LogIndex(1), new Term(2), Stamped(now, counter + 1)));
        Assert.Throws<InvalidOperationException>(() => log.State.Apply(new LogIndex(3), new Term(2), Stamped(now, counter + 1)));
        Assert.Throws<InvalidOperationException>(() => log.State.Apply(new LogIndex(2), new Term(1), Stamped(now, counter + 1)));
        Assert.Throws<InvalidOperationException>(() => log.State.Apply(new LogIndex(2), new Term(2), Stamped(now - 1, counter + 1)));
        Assert.Throws<InvalidOperationException>(() => log.State.Apply(new LogIndex(2), new Term(2), Stamped(now, counter)));
        Assert.Throws<UnsupportedCommandException>(() => log.State.Apply(new LogIndex(2), new Term(2), new byte[] { 9, 9, 9 }));

        Assert.Equal((new LogIndex(1), digest, ProposalStatus.Open), (log.State.AppliedIndex, log.State.Digest.ToString(), log.State.Get("p")!.Status));
        Assert.Equal(ApplyResult.FactRecorded, log.State.Apply(new LogIndex(2), new Term(2), Stamped(now, counter + 1)).Result);
    }
}
