using Converge.Core;
using Converge.Swarm.Governance;
using Converge.Swarm.Nodes;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Tests.Client;

/// <summary>What may be concluded from attempts, and what may not.</summary>
public sealed class CommitPartTests
{
    private static readonly FactAccepted Accepted = new(1, new LogIndex(2), new Term(3), 4, new LamportTimestamp(5, new NodeId(6)), new string('a', 64), 7);
    private static readonly FactNotCommitted NoLeader = new(NotCommittedReason.NoLeader, "nobody");

    [Fact]
    public void What_never_left_is_not_committed()
    {
        CommitAnswer answer = Outcome(part => part.NoteFailure(Failed("refused")));

        Assert.Equal(new FactNotCommitted(NotCommittedReason.NoLeader, "refused"), answer);
    }

    [Fact]
    public void What_was_refused_until_the_time_was_over_keeps_its_reason()
    {
        var full = new FactNotCommitted(NotCommittedReason.Busy, "Full.");

        Assert.Equal(full, Outcome(part => part.Note(Answers(NoLeader)), part => part.Note(Answers(full))));
        Assert.Equal(new FactNotCommitted(NotCommittedReason.TooLarge, "m"), Outcome(part => part.Note(Answers(new FactNotCommitted(NotCommittedReason.TooLarge, "m")))));
    }

    [Fact]
    public void What_may_have_arrived_is_unknown_whatever_is_said_of_later_attempts()
    {
        CommitAnswer answer = Outcome(
            part => part.NoteFailure(Failed("cut", mayHaveArrived: true)),
            part => part.Note(Answers(NoLeader)),
            part => part.NoteFailure(Failed("refused")));

        Assert.IsType<FactOutcomeUnknown>(answer);
    }

    [Fact]
    public void What_only_the_end_of_the_time_cut_short_takes_nothing_back_of_what_was_said_before()
    {
        var full = new FactNotCommitted(NotCommittedReason.Busy, "Full.");

        Assert.Equal(full, Outcome(part => part.Note(Answers(full)), part => part.NoteFailure(CutShort(), isOver: true)));
        Assert.Equal(
            full,
            Outcome(
                part => part.NoteFailure(new AttemptFailedException("Full.", mayHaveArrived: false) { Reason = NotCommittedReason.Busy }),
                part => part.NoteFailure(CutShort(), isOver: true)));
        Assert.Equal("late", Assert.IsType<FactNotCommitted>(Outcome(part => part.NoteFailure(CutShort(), isOver: true))).Message);
        Assert.Equal(
            "late", Assert.IsType<FactNotCommitted>(Outcome(part => part.Note(Answers(full)), part => part.NoteFailure(CutShort()))).Message);
        Assert.Equal(
            "refused",
            Assert.IsType<FactNotCommitted>(Outcome(part => part.Note(Answers(full)), part => part.NoteFailure(Failed("refused"), isOver: true))).Message);
        Assert.Equal(
            "late",
            Assert.IsType<FactOutcomeUnknown>(
                Outcome(part => part.Note(Answers(full)), part => part.NoteFailure(CutShort(mayHaveArrived: true), isOver: true))).Message);
    }

    [Fact]
    public void An_unknown_outcome_is_settled_by_the_answer_to_a_repetition()
    {
        CommitAnswer answer = Outcome(part => part.Note(Answers(new FactOutcomeUnknown("late"))), part => part.Note(Answers(Accepted)));

        Assert.Equal(Accepted, answer);
    }

    [Fact]
    public void Only_what_has_no_answer_is_sent_again()
    {
        ReadOnlyMemory<byte>[] commands = [new byte[] { 1 }, new byte[] { 2 }, new byte[] { 3 }];
        var answers = new CommitAnswer[3];
        var part = new CommitPart(commands, answers);
        Assert.Equal([1, 2, 3], Sent(part));

        part.Note(Answers(Accepted, new FactRefused(RefusalCode.AlreadyExists, 1), NoLeader));

        Assert.False(part.IsSettled);
        Assert.Equal([3], Sent(part));
        part.Note(Answers(Accepted));
        Assert.True(part.IsSettled);
        Assert.Equal([Accepted, new FactRefused(RefusalCode.AlreadyExists, 1), Accepted], answers);
    }

    [Fact]
    public void An_answer_that_does_not_fit_proves_nothing()
    {
        Assert.IsType<FactOutcomeUnknown>(Outcome(part => part.Note(Answers(Accepted, Accepted))));
        Assert.IsType<FactOutcomeUnknown>(Outcome(part => part.Note(new ClientAnswer { Head = new HeadAnswer() })));
        Assert.IsType<FactNotCommitted>(Outcome(part => part.Note(new ClientAnswer { Fault = new Fault { Code = "c", Message = "m" } })));
    }

    [Fact]
    public void No_two_commands_are_numbered_alike_and_no_session_grows_too_long()
    {
        var numbers = new CommandNumbers("s");
        var other = new CommandNumbers("s");
        var taken = new HashSet<CommandId>();

        for (int i = 0; i < (int)ApplyRules.SessionWindow + 10; i++)
        {
            CommandId id = numbers.Next();
            Assert.True(taken.Add(id));
            Assert.InRange(id.Number, 1UL, ApplyRules.SessionWindow);
            Assert.Null(SubmissionRules.CheckCommandId(id));
        }

        Assert.Equal(2, taken.Select(id => id.Session).Distinct().Count());
        Assert.DoesNotContain(other.Next(), taken);
    }

    private static CommitAnswer Outcome(params Action<CommitPart>[] attempts)
    {
        var answers = new CommitAnswer[1];
        var part = new CommitPart(new ReadOnlyMemory<byte>[] { new byte[] { 1 } }, answers);
        foreach (Action<CommitPart> attempt in attempts)
        {
            part.NextRequest();
            attempt(part);
        }

        part.GiveUp();
        return answers[0];
    }

    private static AttemptFailedException Failed(string message, bool mayHaveArrived = false) => new(message, mayHaveArrived);

    private static AttemptFailedException CutShort(bool mayHaveArrived = false) => new("late", mayHaveArrived) { WasCutShort = true };

    private static byte[] Sent(CommitPart part) => [.. part.NextRequest().Commit.Commands.Select(command => command[0])];

    private static ClientAnswer Answers(params CommitAnswer[] answers) => new() { Commit = ClientMessageCodec.ToWire(answers) };
}
