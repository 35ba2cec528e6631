using Converge.Core;
using Converge.Swarm.Simulation.Tests.Invariants;

namespace Converge.Swarm.Simulation.Tests.Linearizability;

public class ProposalTests
{
    private static readonly ProposalView Open = new("p", ProposalStatus.Open, 1, "ann", null, null, null, [], 1, 1, new LogIndex(9));
    private static readonly ProposalView Approved = Open with { Status = ProposalStatus.Approved, Revision = 2, DecidedBy = "bob", LastSequence = 2 };

    public static TheoryData<string, Line[], bool> Histories => new()
    {
        { "created, approved, read", [Create(0, 1, 1), Approve(2, 3, 2), Read(4, 5, Approved)], true },
        { "a read beside the approval, before it", [Create(0, 1, 1), Approve(2, 9, 2), Read(4, 5, Open)], true },
        { "a read before the creation", [Read(0, 1, null), Create(2, 3, 1)], true },
        { "an unknown approval that a read shows", [Create(0, 1, 1), ApproveUnknown(2), Read(4, 5, Approved)], true },
        { "an unknown approval that took effect late", [Create(0, 1, 1), ApproveUnknown(2), Read(4, 5, Open), Read(6, 7, Approved)], true },
        { "two creations at once, one refused", [Create(0, 9, 1), Refused(0, 9, new ProposalCreated("p", "eve"), RefusalCode.AlreadyExists, 1)], true },
        { "an approval that an unknown failure was in the way of", [Create(0, 1, 1), Unknown(2, new ValidationFailed("p", "v", "bad")), Refused(3, 4, new PromotionApproved("p", "bob"), RefusalCode.FailedValidation, 2)], true },

        { "a stale read after the approval", [Create(0, 1, 1), Approve(2, 3, 2), Read(4, 5, Open)], false },
        { "two creations that both succeed", [Create(0, 9, 1), Create(0, 9, 2)], false },
        { "a refusal for no reason", [Create(0, 1, 1), Refused(2, 3, new PromotionApproved("p", "bob"), RefusalCode.FailedValidation, 1)], false },
        { "a refusal with a revision that never was", [Create(0, 1, 1), Refused(2, 3, new ProposalCreated("p", "eve"), RefusalCode.AlreadyExists, 5)], false },
        { "an approval that counts twice", [Create(0, 1, 1), Accepted(2, 3, new PromotionApproved("p", "bob"), 2, 3)], false },
        { "a sequence that goes back", [Create(0, 1, 5), Accepted(2, 3, new PromotionApproved("p", "bob"), 4, 2)], false },
        { "a read of what was never asked for", [Create(0, 1, 1), Read(2, 3, Approved)], false },
        { "an unknown approval that is seen and gone", [Create(0, 1, 1), ApproveUnknown(2), Read(4, 5, Approved), Read(6, 7, Open)], false },
    };

    [Theory]
    [MemberData(nameof(Histories))]
    public void Proposals_are_judged_by_their_rules(string what, Line[] lines, bool linearizable)
    {
        Assert.NotEmpty(what);
        LinearizabilityResult result = new LinearizabilityChecker<RecordedFacts, ClientRequest, ClientOutcome>(new ProposalModel()).Check(Make(lines));
        Assert.Equal(linearizable ? LinearizabilityVerdict.Linearizable : LinearizabilityVerdict.NotLinearizable, result.Verdict);
        Assert.Equal(linearizable, result.Explanation.Length == 0);
    }

    [Fact]
    public void What_the_log_decided_and_nobody_was_told_took_effect_at_some_time()
    {
        var told = new FactAccepted(3, new LogIndex(3), new Term(1), 0, default, "", 3);
        var untold = new FactAccepted(1, new LogIndex(2), new Term(1), 0, default, "", 1);
        var run = new HandMadeRun(new HistoriesAreLinearizable());
        Submit(run, told, begun: 5, ended: 6, new CommandId("s", 1));

        Assert.Equal([(told, 6L)], GovernanceHistory.Of(run.History.Operations, null).Select(Told));
        Assert.Equal([(told, 6L)], GovernanceHistory.Of(run.History.Operations, _ => [told]).Select(Told));
        Assert.Equal([(told, 6L), (untold, long.MaxValue)], GovernanceHistory.Of(run.History.Operations, _ => [untold, told]).Select(Told));

        static (CommitAnswer?, long?) Told(HistoryOperation<ClientRequest, ClientOutcome> one) => ((one.Output as ClientOutcome.Fact)?.Answer, one.ReturnedAt);
    }

    [Fact]
    public void What_comes_again_under_its_command_id_is_one_operation()
    {
        var answer = new FactAccepted(3, new LogIndex(3), new Term(1), 0, default, "", 3);
        var run = new HandMadeRun(new HistoriesAreLinearizable());
        Submit(run, answer, begun: 5, ended: 6, new CommandId("s", 1));
        Submit(run, answer, begun: 50, ended: 60, new CommandId("s", 1));

        HistoryOperation<ClientRequest, ClientOutcome> only = Assert.Single(GovernanceHistory.Of(run.History.Operations, null));
        Assert.Equal((5L, 6L), (only.CalledAt, only.ReturnedAt));
    }

    [Fact]
    public void What_certainly_did_nothing_is_left_out_and_what_expired_may_have_happened()
    {
        var run = new HandMadeRun(new HistoriesAreLinearizable());
        foreach (CommitAnswer answer in (CommitAnswer[])[new FactNotCommitted(NotCommittedReason.Busy, ""), new FactRefused(RefusalCode.CommandExpired, 0), new FactOutcomeUnknown("")])
        {
            Submit(run, answer, begun: 5, ended: 6, command: null);
        }

        Assert.Equal([null, null], GovernanceHistory.Of(run.History.Operations, _ => []).Select(one => one.ReturnedAt));
    }

    private static void Submit(HandMadeRun run, CommitAnswer answer, long begun, long ended, CommandId? command)
    {
        ClientOperation operation = run.History.Begin(0, new ClientRequest.Propose(new FactSubmission(new ValidationPassed("p", "v"), CommandId: command)), begun);
        (operation.Outcome, operation.EndedAtMicroseconds) = (new ClientOutcome.Fact(answer), ended);
    }

    [Theory]
    [InlineData(1, 2, true)]
    [InlineData(2, 1, false)]
    public void Facts_that_do_not_overlap_stand_in_the_order_of_their_times(ulong first, ulong second, bool legal)
    {
        var run = new HandMadeRun(new HistoriesAreLinearizable());
        Add(run, new ProposalCreated("p", "ann"), 0, 1, first);
        Add(run, new ProposalCreated("q", "ann"), 2, 3, second);
        if (legal)
        {
            run.End();
        }
        else
        {
            run.Violates(run.End, "at 2 came to sequence 1", "come to 2 at 1");
        }
    }

    [Fact]
    public void A_head_that_hides_an_acknowledged_fact_or_shows_a_later_one_is_caught()
    {
        var hidden = new HandMadeRun(new HistoriesAreLinearizable());
        Add(hidden, new ProposalCreated("p", "ann"), 0, 1, 4);
        AddHead(hidden, 2, 3, 3);
        hidden.Violates(hidden.End, "came to sequence 3", "come to 4 at 1");

        var early = new HandMadeRun(new HistoriesAreLinearizable());
        AddHead(early, 0, 1, 4);
        Add(early, new ProposalCreated("p", "ann"), 2, 3, 4);
        early.Violates(early.End, "at 2 came to sequence 4");

        var right = new HandMadeRun(new HistoriesAreLinearizable());
        Add(right, new ProposalCreated("p", "ann"), 0, 1, 4);
        AddHead(right, 2, 3, 4);
        AddHead(right, 4, 5, 4);
        Add(right, new ProposalCreated("q", "ann"), 6, 7, 5);
        right.End();
    }

    private static void Add(HandMadeRun run, GovernanceFact fact, long begun, long ended, ulong sequence)
    {
        ClientOperation operation = run.History.Begin(0, new ClientRequest.Propose(new FactSubmission(fact)), begun);
        (operation.Outcome, operation.EndedAtMicroseconds) = (new ClientOutcome.Fact(new FactAccepted(sequence, new LogIndex(sequence), new Term(1), 0, default, "", 1)), ended);
    }

    private static void AddHead(HandMadeRun run, long begun, long ended, ulong sequence)
    {
        ClientOperation operation = run.History.Begin(0, new ClientRequest.ReadHead(ReadConsistency.Linearizable), begun);
        (operation.Outcome, operation.EndedAtMicroseconds) = (new ClientOutcome.Head(new LedgerHead(sequence, "", "", new LogIndex(sequence), new Term(1))), ended);
    }

    /// <summary>One operation of a hand-made history.</summary>
    public sealed record Line(long Begun, long? Ended, ClientRequest Request, ClientOutcome? Outcome);

    private static IEnumerable<HistoryOperation<ClientRequest, ClientOutcome>> Make(IEnumerable<Line> lines) => lines.Select((line, client) => line.Ended is { } ended
        ? HistoryOperation<ClientRequest, ClientOutcome>.Answered(client, line.Request, line.Begun, line.Outcome!, ended)
        : HistoryOperation<ClientRequest, ClientOutcome>.Unknown(client, line.Request, line.Begun));

    private static Line Create(long begun, long ended, ulong sequence) => Accepted(begun, ended, new ProposalCreated("p", "ann"), sequence, 1);

    private static Line Approve(long begun, long ended, ulong sequence) => Accepted(begun, ended, new PromotionApproved("p", "bob"), sequence, 2);

    private static Line ApproveUnknown(long begun) => Unknown(begun, new PromotionApproved("p", "bob"));

    private static Line Accepted(long begun, long ended, GovernanceFact fact, ulong sequence, ulong revision) =>
        new(begun, ended, new ClientRequest.Propose(new FactSubmission(fact)), new ClientOutcome.Fact(new FactAccepted(sequence, new LogIndex(sequence), new Term(1), 0, default, "", revision)));

    private static Line Refused(long begun, long ended, GovernanceFact fact, RefusalCode code, ulong revision) =>
        new(begun, ended, new ClientRequest.Propose(new FactSubmission(fact)), new ClientOutcome.Fact(new FactRefused(code, revision)));

    private static Line Unknown(long begun, GovernanceFact fact) => new(begun, null, new ClientRequest.Propose(new FactSubmission(fact)), null);

    private static Line Read(long begun, long ended, ProposalView? view) =>
        new(begun, ended, new ClientRequest.ReadProposal("p", ReadConsistency.Linearizable), new ClientOutcome.Proposal(view));
}
