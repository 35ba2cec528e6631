using System.Globalization;
using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Tests.Governance;

public sealed class SessionTests
{
    private readonly AgreedLog _log = new();

    [Fact]
    public void A_repeated_command_gets_its_first_answer_word_for_word_and_changes_nothing()
    {
        CommitAnswer first = Create("p", "s", 1);
        CommitAnswer refusal = Create("p", "s", 2);
        _log.Answer(new PromotionApproved("p", "a"));

        ApplyOutcome repeated = _log.Commit(new ProposalCreated("p", "author"), new CommandId("s", 1));
        Assert.True(repeated.Repeated);
        Assert.Null(repeated.Record);
        Assert.Equal(first, repeated.ToAnswer());
        Assert.Equal(new FactRefused(RefusalCode.AlreadyExists, 1), refusal);
        Assert.Equal(refusal, Create("p", "s", 2));
        Assert.Equal((2UL, 2UL), (_log.State.LastSequence, _log.State.Get("p")!.Revision));
    }

    [Fact]
    public void The_number_counts_and_not_what_the_repetition_says()
    {
        CommitAnswer first = Create("p", "s", 1);
        Assert.Equal(first, Create("q", "s", 1));
        Assert.Null(_log.State.Get("q"));
    }

    [Fact]
    public void The_same_number_in_another_session_is_another_command()
    {
        Create("p", "s", 1);
        Assert.IsType<FactAccepted>(Create("q", "t", 1));
        Assert.Equal(2, _log.State.SessionCount);
    }

    [Fact]
    public void Numbers_may_come_out_of_order_within_the_window()
    {
        Create("a", "s", 65_536);
        Assert.IsType<FactAccepted>(Create("b", "s", 1));
        Assert.IsType<FactAccepted>(Create("c", "s", 70));
        Create("d", "s", 65_537);

        Assert.Equal(new FactRefused(RefusalCode.CommandExpired, 1), Create("b", "s", 1));
        Assert.IsType<FactAccepted>(Create("e", "s", 2));
        Assert.Equal(2UL, Assert.IsType<FactAccepted>(Create("x", "s", 1_000_000)).Sequence - 4);
        Assert.Equal(new FactRefused(RefusalCode.CommandExpired, 0), Create("y", "s", 1_000_000 - 65_536));
        Assert.IsType<FactAccepted>(Create("y", "s", 1_000_000 - 65_535));
    }

    [Fact]
    public void An_expired_command_is_named_first_and_tells_the_revision()
    {
        Create("p", "s", 100_000);
        Assert.Equal(new FactRefused(RefusalCode.CommandExpired, 1), Create("p", "s", 1));
        Assert.Equal(new FactRefused(RefusalCode.CommandExpired, 0), Create("new", "s", 1));
        Assert.Null(_log.State.Get("new"));
    }

    [Fact]
    public void Over_all_sessions_the_oldest_answer_goes_first_and_raises_its_sessions_mark()
    {
        var log = new AgreedLog(new GovernanceState(maxSessions: 10, maxAnswers: 3, sessionWindow: 100));
        CommitAnswer Submit(string session, ulong number) => log.Answer(new PromotionApproved("?", "a"), new CommandId(session, number));
        var unknown = new FactRefused(RefusalCode.UnknownProposal, 0);
        var expired = new FactRefused(RefusalCode.CommandExpired, 0);

        // s answers 5 and 3, then t two: the oldest, 5, is evicted; 3 is still answered although it lies below the mark; 4 is not applied.
        Assert.Equal([unknown, unknown, unknown, unknown], [Submit("s", 5), Submit("s", 3), Submit("t", 1), Submit("t", 2)]);
        Assert.Equal(3, log.State.AnswerCount);
        Assert.Equal((expired, expired), (Submit("s", 5), Submit("s", 4)));
        Assert.True(log.Commit(new PromotionApproved("?", "a"), new CommandId("s", 3)).Repeated);
        Assert.False(log.Commit(new PromotionApproved("?", "a"), new CommandId("s", 6)).Repeated);
        Assert.Equal(expired, Submit("s", 3));
        Assert.Equal(3, log.State.AnswerCount);
    }

    [Fact]
    public void The_session_that_was_not_used_for_longest_goes_first_and_registers_anew()
    {
        var log = new AgreedLog(new GovernanceState(maxSessions: 2, maxAnswers: 100, sessionWindow: 100));
        ApplyOutcome Create(string proposal, string session, ulong number) =>
            log.Commit(new ProposalCreated(proposal, "a"), new CommandId(session, number));

        Create("p1", "s", 1);
        Create("p2", "t", 1);
        Assert.True(Create("p1", "s", 1).Repeated);
        Create("p3", "u", 1);

        Assert.Equal((2, 2), (log.State.SessionCount, log.State.AnswerCount));
        Assert.True(Create("p1", "s", 1).Repeated);
        ApplyOutcome evicted = Create("p2", "t", 1);
        Assert.Equal((ApplyResult.FactRefused, false), (evicted.Result, evicted.Repeated));
        Assert.Equal(new FactRefused(RefusalCode.AlreadyExists, 1), evicted.ToAnswer());
    }

    [Fact]
    public void The_limits_of_the_rules_hold()
    {
        GovernanceState state = _log.State;
        for (ulong session = 0; session <= ApplyRules.MaxSessions; session++)
        {
            _log.Commit(new PromotionApproved("?", "a"), new CommandId(session.ToString(CultureInfo.InvariantCulture), 1));
        }

        Assert.Equal((ApplyRules.MaxSessions, ApplyRules.MaxSessions), (state.SessionCount, state.AnswerCount));
        Assert.False(_log.Commit(new PromotionApproved("?", "a"), new CommandId("0", 1)).Repeated);
        Assert.True(_log.Commit(new PromotionApproved("?", "a"), new CommandId("2", 1)).Repeated);

        for (ulong number = 2; number <= 6; number++)
        {
            for (ulong session = 2; session < 50_000; session++)
            {
                _log.Commit(new PromotionApproved("?", "a"), new CommandId(session.ToString(CultureInfo.InvariantCulture), number));
            }
        }

        Assert.Equal(ApplyRules.MaxAnswers, state.AnswerCount);
    }

    [Fact]
    public void An_old_answer_outlives_very_many_that_other_sessions_gave_and_dropped()
    {
        var log = new AgreedLog(new GovernanceState(maxSessions: 3, maxAnswers: 1_000, sessionWindow: 5));
        bool Repeats(string session, ulong number) => log.Commit(new PromotionApproved("?", "a"), new CommandId(session, number)).Repeated;

        Assert.False(Repeats("old", 1));
        for (ulong number = 1; number <= 5_000; number++)
        {
            Assert.False(Repeats("busy", number));
        }

        Assert.Equal(6, log.State.AnswerCount);
        Assert.True(Repeats("old", 1));
        for (ulong number = 4_996; number <= 5_000; number++)
        {
            Assert.True(Repeats("busy", number));
        }

        // Jumps drop all that is kept, out of a chain in which most is dead.
        for (ulong jump = 1; jump <= 200; jump++)
        {
            Assert.False(Repeats("busy", 5_000 + (jump * 7)));
            Assert.False(Repeats("busy", 5_000 + (jump * 7) - 3));
        }

        Assert.Equal(3, log.State.AnswerCount);
        Assert.True(Repeats("old", 1));
    }

    private CommitAnswer Create(string proposal, string session, ulong number) =>
        _log.Answer(new ProposalCreated(proposal, "author"), new CommandId(session, number));
}
