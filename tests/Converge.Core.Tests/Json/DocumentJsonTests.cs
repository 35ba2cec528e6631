using System.Text;
using Converge.Core.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Core.Tests.Json;

public sealed class DocumentJsonTests
{
    private const string Hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private const string Root = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

    private delegate bool Parser<T>(ReadOnlySpan<byte> utf8, out T? value, out InputFault? fault);

    [Fact]
    public void Answers_have_these_forms()
    {
        Assert.Equal(
            $$"""{"status":"accepted","sequence":7,"index":9,"term":2,"committed_at":1700000000.005,"lamport":{"counter":11,"node":3},"hash":"{{Hash}}","revision":1}""",
            Text(CommitAnswerJson.ToUtf8(
                new FactAccepted(7, new LogIndex(9), new Term(2), 1_700_000_000_005, new LamportTimestamp(11, new NodeId(3)), Hash, 1))));
        Assert.Equal(
            """{"status":"refused","code":"nothing_to_roll_back","revision":4,"message":"The proposal is not approved."}""",
            Text(CommitAnswerJson.ToUtf8(new FactRefused(RefusalCode.NothingToRollBack, 4))));
        Assert.Equal(
            """{"status":"not_committed","code":"no_leader","message":"No leader."}""",
            Text(CommitAnswerJson.ToUtf8(new FactNotCommitted(NotCommittedReason.NoLeader, "No leader."))));
        Assert.Equal(
            """{"status":"unknown","code":"outcome_unknown","message":"Ask again."}""",
            Text(CommitAnswerJson.ToUtf8(new FactOutcomeUnknown("Ask again."))));
    }

    [Fact]
    public void A_record_has_this_form()
    {
        var record = new LedgerRecord(
            2,
            new LogIndex(3),
            new Term(1),
            1_000,
            new LamportTimestamp(5, new NodeId(1)),
            RecordKind.Fact,
            new CommandId("s", 1),
            new FactSubmission(new PromotionApproved("p", "a"), 9, new CommandId("s", 1), 1, new LamportTimestamp(4, new NodeId(8))),
            null,
            Root,
            Hash);
        Assert.Equal(
            $$$"""{"sequence":2,"index":3,"term":1,"committed_at":1.000,"lamport":{"counter":5,"node":1},"kind":"fact","command_id":{"session":"s","number":1},"fact":{"type":"promotion_approved","proposal_id":"p","approver":"a","at":9,"expected_revision":1,"lamport":{"counter":4,"node":8}},"previous_hash":"{{{Root}}}","hash":"{{{Hash}}}"}""",
            Text(LedgerRecordJson.ToUtf8(record)));
        Assert.Equal(
            $$"""{"sequence":2,"index":3,"term":1,"committed_at":0.000,"lamport":{"counter":5,"node":1},"kind":"authority","leader":1,"previous_hash":"{{Root}}","hash":"{{Hash}}"}""",
            Text(LedgerRecordJson.ToUtf8(
                record with { TimeUnixMilliseconds = 0, Kind = RecordKind.Authority, CommandId = null, Submission = null, Leader = new NodeId(1) })));
        Assert.Equal(
            $$"""{"sequence":2,"index":3,"term":1,"committed_at":0.000,"lamport":{"counter":5,"node":1},"kind":"membership","membership":{"steps":[{"step":"added","node":4,"role":"voter","peer":"127.0.0.1:7204","http":"http://127.0.0.1:7104"},{"step":"promoted","node":5},{"step":"removed","node":1}],"voters":[2,3,5],"learners":[4]},"previous_hash":"{{Root}}","hash":"{{Hash}}"}""",
            Text(LedgerRecordJson.ToUtf8(record with
            {
                TimeUnixMilliseconds = 0,
                Kind = RecordKind.Membership,
                CommandId = null,
                Submission = null,
                Membership = new MembershipChange(
                    [
                        MembershipStep.Add(new NodeId(4), MemberRole.Voter, "127.0.0.1:7204", "http://127.0.0.1:7104"),
                        MembershipStep.Promote(new NodeId(5)),
                        MembershipStep.Remove(new NodeId(1)),
                    ],
                    [new NodeId(2), new NodeId(3), new NodeId(5)],
                    [new NodeId(4)]),
            })));
    }

    [Fact]
    public void A_head_and_a_proposal_have_these_forms()
    {
        Assert.Equal(
            $$"""{"sequence":7,"hash":"{{Hash}}","root":"{{Root}}","index":9,"term":2}""",
            Text(LedgerHeadJson.ToUtf8(new LedgerHead(7, Hash, Root, new LogIndex(9), new Term(2)))));
        Assert.Equal(
            """{"proposal_id":"p","status":"approved","revision":3,"author":"a","title":"t","content_hash":"c","decided_by":"d","validators":[{"validator":"v","passed":false,"overridden":true,"sequence":2}],"created_sequence":1,"last_sequence":3,"as_of_index":8}""",
            Text(ProposalViewJson.ToUtf8(new ProposalView(
                "p", ProposalStatus.Approved, 3, "a", "t", "c", "d", [new ValidatorResult("v", false, true, 2)], 1, 3, new LogIndex(8)))));
        Assert.Equal(
            """{"proposal_id":"p","status":"open","revision":1,"author":"a","validators":[],"created_sequence":1,"last_sequence":1,"as_of_index":1}""",
            Text(ProposalViewJson.ToUtf8(new ProposalView("p", ProposalStatus.Open, 1, "a", null, null, null, [], 1, 1, new LogIndex(1)))));
    }

    [Fact]
    public void Answers_are_read_back_as_they_were_written() =>
        RoundTrip<CommitAnswer>(Generated.Answer, CommitAnswerJson.ToUtf8, CommitAnswerJson.TryParse, Assert.Equal);

    [Fact]
    public void Records_are_read_back_as_they_were_written() =>
        RoundTrip<LedgerRecord>(Generated.Record, LedgerRecordJson.ToUtf8, LedgerRecordJson.TryParse, Assert.Equal);

    [Fact]
    public void Heads_are_read_back_as_they_were_written() =>
        RoundTrip<LedgerHead>(Generated.Head, LedgerHeadJson.ToUtf8, LedgerHeadJson.TryParse, Assert.Equal);

    [Fact]
    public void Proposals_are_read_back_as_they_were_written() =>
        RoundTrip<ProposalView>(Generated.View, ProposalViewJson.ToUtf8, ProposalViewJson.TryParse, (expected, actual) =>
        {
            Assert.Equal(expected.Validators, actual.Validators);
            Assert.Equal(expected, actual with { Validators = expected.Validators });
        });

    [Fact]
    public void A_newer_node_may_add_fields_to_answers_heads_and_proposals()
    {
        Assert.True(CommitAnswerJson.TryParse("""{"new":{"a":[1,{}]},"status":"unknown","message":"m"}"""u8, out CommitAnswer? answer, out _));
        Assert.Equal(new FactOutcomeUnknown("m"), answer);
        Assert.True(LedgerHeadJson.TryParse(
            Encoding.UTF8.GetBytes($$"""{"sequence":7,"hash":"{{Hash}}","root":"{{Root}}","index":9,"term":2,"new":[]}"""), out _, out _));
        Assert.True(ProposalViewJson.TryParse(
            """{"new":1,"proposal_id":"p","status":"open","revision":1,"author":"a","validators":[{"validator":"v","passed":true,"overridden":false,"sequence":2,"new":[[]]}],"created_sequence":1,"last_sequence":1,"as_of_index":1}"""u8, out _, out _));
    }

    [Theory]
    [InlineData("\"sequence\":2", "\"sequence\":2,\"note\":1", InputFaultCode.UnknownField, "note")]
    [InlineData("\"sequence\":2", "\"sequence\":2,\"leader\":1", InputFaultCode.UnknownField, "leader")]
    [InlineData("\"sequence\":2", "\"sequence\":2,\"sequence\":2", InputFaultCode.DuplicateField, "sequence")]
    [InlineData("\"sequence\":2,", "", InputFaultCode.MissingField, "sequence")]
    [InlineData("\"kind\":\"fact\"", "\"kind\":\"authority\"", InputFaultCode.MissingField, "leader")]
    [InlineData("\"kind\":\"fact\"", "\"kind\":\"fiction\"", InputFaultCode.InvalidValue, "kind")]
    [InlineData("1.000", "1.00", InputFaultCode.InvalidType, "committed_at")]
    [InlineData("1.000", "1", InputFaultCode.InvalidType, "committed_at")]
    [InlineData("1.000", "-1.000", InputFaultCode.InvalidType, "committed_at")]
    [InlineData("1.000", "9223372036854775807.000", InputFaultCode.InvalidType, "committed_at")]
    [InlineData("{\"counter\":5,\"node\":1}", "null", InputFaultCode.InvalidType, "lamport")]
    [InlineData("\"previous_hash\":\"fe", "\"previous_hash\":\"Fe", InputFaultCode.InvalidValue, "previous_hash")]
    [InlineData("\"proposal_id\":\"p\",", "", InputFaultCode.MissingField, "fact.proposal_id")]
    [InlineData("\"proposal_id\":\"p\"", "\"proposal_id\":\"\"", InputFaultCode.InvalidValue, "fact.proposal_id")]
    [InlineData("\"proposal_id\":\"p\"", "\"proposal_id\":\"p\",\"command_id\":null", InputFaultCode.UnknownField, "fact.command_id")]
    [InlineData("\"proposal_id\":\"p\"", "\"proposal_id\":\"p\",\"lamport\":{\"counter\":\"1\"}", InputFaultCode.InvalidType, "fact.lamport.counter")]
    public void A_record_must_say_exactly_what_its_hash_covers(string part, string instead, InputFaultCode code, string field)
    {
        string json = $$"""{"sequence":2,"index":3,"term":1,"committed_at":1.000,"lamport":{"counter":5,"node":1},"kind":"fact","fact":{"type":"promotion_approved","proposal_id":"p","approver":"a"},"previous_hash":"{{Root}}","hash":"{{Hash}}"}""";
        Assert.True(LedgerRecordJson.TryParse(Encoding.UTF8.GetBytes(json), out _, out _));
        Assert.Contains(part, json, StringComparison.Ordinal);

        Assert.False(LedgerRecordJson.TryParse(
            Encoding.UTF8.GetBytes(json.Replace(part, instead, StringComparison.Ordinal)), out _, out InputFault? fault));
        Assert.Equal((code, field), (fault.Code, fault.Field));
    }

    [Theory]
    [InlineData("{}", InputFaultCode.MissingField, "status")]
    [InlineData("""{"status":"perhaps"}""", InputFaultCode.InvalidValue, "status")]
    [InlineData("""{"status":"accepted","sequence":1}""", InputFaultCode.MissingField, "index")]
    [InlineData("""{"status":"refused","code":"busy","revision":1}""", InputFaultCode.InvalidValue, "code")]
    [InlineData("""{"status":"refused","code":"unknown_proposal"}""", InputFaultCode.MissingField, "revision")]
    [InlineData("""{"status":"not_committed","code":"unknown_proposal"}""", InputFaultCode.InvalidValue, "code")]
    [InlineData("""{"status":"not_committed"}""", InputFaultCode.MissingField, "code")]
    [InlineData("""{"status":"unknown","x":[}""", InputFaultCode.InvalidJson, null)]
    [InlineData("""{"status":"unknown"} {}""", InputFaultCode.InvalidJson, null)]
    public void An_answer_that_makes_no_sense_is_a_fault(string json, InputFaultCode code, string? field)
    {
        Assert.False(CommitAnswerJson.TryParse(Encoding.UTF8.GetBytes(json), out _, out InputFault? fault));
        Assert.Equal((code, field), (fault.Code, fault.Field));
    }

    private static void RoundTrip<T>(Gen<T> values, Func<T, byte[]> write, Parser<T> parse, Action<T, T> assertEqual) =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(1_000),
            Prop.ForAll(values.ToArbitrary(), value =>
            {
                byte[] json = write(value);
                Assert.True(parse(json, out T? read, out InputFault? fault), fault?.Message);
                assertEqual(value, read!);

                // Cut anywhere, it is a fault and never an exception.
                for (int length = 0; length < json.Length; length += 1 + (json.Length / 50))
                {
                    Assert.False(parse(json.AsSpan(0, length), out _, out fault));
                    Assert.NotNull(fault);
                }
            }));

    private static string Text(byte[] utf8) => Encoding.UTF8.GetString(utf8);
}
