using Converge.Core;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>The judge finds what it is there to find.</summary>
public sealed class ClientHistoryTests
{
    private const string Name = "history";

    private static readonly FactAccepted Accepted = new(7, new LogIndex(9), new Term(2), 1_000, new LamportTimestamp(3, new NodeId(1)), new string('a', 64), 1);

    public static TheoryData<string, LedgerRecord[]> Contradictions => new()
    {
        { "missing", [] },
        { "doubles", [RecordOf(Named()), RecordOf(Named()) with { Sequence = 8 }] },
        { "not as it was acknowledged", [RecordOf(Named()) with { Sequence = 8 }] },
        { "not as it was acknowledged", [RecordOf(Named()) with { Hash = new string('b', 64) }] },
        { "something else", [RecordOf(Named()) with { Submission = new FactSubmission(new ProposalCreated($"{Name}-1", "author://another")) }] },
        { "never submitted", [RecordOf(Named()), RecordOf(Named()) with { CommandId = new CommandId(Name, 2) }] },
    };

    [Fact]
    public void What_was_acknowledged_and_is_recorded_once_is_no_contradiction()
    {
        ClientHistory history = new(Name);
        history.KeepNamed(Named(), Accepted, expected: null);
        history.KeepRepeated(Named(), Accepted);

        Assert.Empty(history.Compare([RecordOf(Named()), RecordOf(Named()) with { Submission = new FactSubmission(new ProposalCreated("another-history", "author://x")) }]));
    }

    [Theory]
    [MemberData(nameof(Contradictions))]
    public void Records_that_contradict_an_acknowledgement_are_told(string told, LedgerRecord[] records)
    {
        ClientHistory history = new(Name);
        history.KeepNamed(Named(), Accepted, expected: null);

        Assert.Contains(told, string.Join('\n', history.Compare(records)));
    }

    [Fact]
    public void What_certainly_was_not_recorded_must_not_be_and_what_is_unknown_may()
    {
        FactSubmission fact = new(new ProposalCreated($"{Name}-1", "author://ann"));
        ClientHistory certain = new(Name);
        certain.KeepAnonymous(fact, new FactNotCommitted(NotCommittedReason.NoLeader, ""));
        ClientHistory unknown = new(Name);
        unknown.KeepAnonymous(fact, new FactOutcomeUnknown(""));

        Assert.Contains("not to have been recorded", Assert.Single(certain.Compare([RecordOf(fact)])));
        Assert.Empty(certain.Compare([]));
        Assert.Empty(unknown.Compare([RecordOf(fact)]));
        Assert.Empty(unknown.Compare([]));
    }

    [Fact]
    public void A_refusal_where_none_is_due_and_another_answer_to_a_repetition_are_told()
    {
        ClientHistory history = new(Name);
        history.KeepNamed(Named(), new FactRefused(RefusalCode.AlreadyExists, 1), expected: null);
        history.KeepRepeated(Named(), Accepted);

        Assert.Equal(2, history.Compare([]).Count);
    }

    private static FactSubmission Named() => new(new ProposalCreated($"{Name}-1", "author://ann"), CommandId: new CommandId(Name, 1));

    private static LedgerRecord RecordOf(FactSubmission submission) => new(
        Accepted.Sequence,
        Accepted.Index,
        Accepted.Term,
        Accepted.CommittedAtUnixMilliseconds,
        Accepted.Lamport,
        RecordKind.Fact,
        submission.CommandId,
        submission with { CommandId = null },
        Leader: null,
        new string('0', 64),
        Accepted.Hash);
}
