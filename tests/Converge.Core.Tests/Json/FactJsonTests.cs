using System.Text;
using Converge.Core.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Core.Tests.Json;

public sealed class FactJsonTests
{
    private const string Approval = """{"type":"promotion_approved","proposal_id":"p","approver":"a"}""";

    [Theory]
    [InlineData("""{"type":"proposal_created","proposal_id":"p","author":"a","title":"t","content_hash":"c"}""")]
    [InlineData("""{"type":"proposal_created","proposal_id":"p","author":"a"}""")]
    [InlineData("""{"type":"validation_passed","proposal_id":"p","validator":"v","detail":"d"}""")]
    [InlineData("""{"type":"validation_failed","proposal_id":"p","validator":"v","reason":"r"}""")]
    [InlineData(Approval)]
    [InlineData("""{"type":"promotion_rejected","proposal_id":"p","approver":"a","reason":"r"}""")]
    [InlineData("""{"type":"rollback_issued","proposal_id":"p","issuer":"i","reason":"r"}""")]
    [InlineData("""{"type":"override_granted","proposal_id":"p","grantor":"g","reason":"r"}""")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":1700000000,"command_id":{"session":"s","number":7},"expected_revision":0,"lamport":{"counter":3,"node":2}}""")]
    public void Each_fact_is_read_and_written_in_the_same_form(string json)
    {
        Assert.True(FactJson.TryParse(Encoding.UTF8.GetBytes(json), out FactSubmission? submission, out _));
        Assert.Equal(json, Encoding.UTF8.GetString(FactJson.ToUtf8(submission)));
    }

    [Fact]
    public void Every_part_of_a_submission_is_read()
    {
        FactSubmission submission = Parse(
            """
            { "lamport" : { "node" : 2, "counter" : 3 }, "at": 5, "reason": "tests\nfail", "validator": "v\u00e9",
              "expected_revision": 4, "command_id": { "number": 9007199254740991, "session": "s" },
              "proposal_id": "\ud83d\ude00", "type": "validation_failed" }
            """);

        Assert.Equal(
            new FactSubmission(
                new ValidationFailed("😀", "vé", "tests\nfail"),
                5,
                new CommandId("s", FactLimits.MaxNumber),
                4,
                new LamportTimestamp(3, new NodeId(2))),
            submission);
    }

    [Fact]
    public void Null_for_an_optional_field_means_that_it_is_absent()
    {
        Assert.Equal(
            new FactSubmission(new ProposalCreated("p", "a")),
            Parse("""{"type":"proposal_created","proposal_id":"p","author":"a","title":null,"content_hash":null,"at":null,"command_id":null,"expected_revision":null,"lamport":null}"""));
    }

    [Fact]
    public void An_empty_title_is_not_an_absent_one() =>
        Assert.Equal(
            new FactSubmission(new ProposalCreated("p", "a", "")),
            Parse("""{"type":"proposal_created","proposal_id":"p","author":"a","title":""}"""));

    [Theory]
    [InlineData("", InputFaultCode.InvalidJson, null)]
    [InlineData("{", InputFaultCode.InvalidJson, null)]
    [InlineData("nonsense", InputFaultCode.InvalidJson, null)]
    [InlineData(Approval + "x", InputFaultCode.InvalidJson, null)]
    [InlineData(Approval + "{}", InputFaultCode.InvalidJson, null)]
    [InlineData("""{"type":"promotion_approved",}""", InputFaultCode.InvalidJson, null)]
    [InlineData("[]", InputFaultCode.InvalidType, null)]
    [InlineData("null", InputFaultCode.InvalidType, null)]
    [InlineData("{}", InputFaultCode.MissingField, "type")]
    [InlineData("""{"type":"promotion_approved","approver":"a"}""", InputFaultCode.MissingField, "proposal_id")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p"}""", InputFaultCode.MissingField, "approver")]
    [InlineData("""{"type":"validation_failed","proposal_id":"p","validator":"v"}""", InputFaultCode.MissingField, "reason")]
    [InlineData("""{"type":"promoted","proposal_id":"p"}""", InputFaultCode.InvalidValue, "type")]
    [InlineData("""{"type":4,"proposal_id":"p"}""", InputFaultCode.InvalidType, "type")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","aprover":"b"}""", InputFaultCode.UnknownField, "aprover")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","reason":"r"}""", InputFaultCode.UnknownField, "reason")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","reason":"r","author":"b"}""", InputFaultCode.UnknownField, "author")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","approver":"b"}""", InputFaultCode.DuplicateField, "approver")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","\u0061pprover":"b"}""", InputFaultCode.DuplicateField, "approver")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":null,"at":1}""", InputFaultCode.DuplicateField, "at")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":null}""", InputFaultCode.InvalidType, "approver")]
    [InlineData("""{"type":"promotion_approved","proposal_id":["p"],"approver":"a"}""", InputFaultCode.InvalidType, "proposal_id")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"","approver":"a"}""", InputFaultCode.InvalidValue, "proposal_id")]
    [InlineData("""{"type":"promotion_approved","proposal_id":" \t","approver":"a"}""", InputFaultCode.InvalidValue, "proposal_id")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p\n","approver":"a"}""", InputFaultCode.InvalidValue, "proposal_id")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"\u0085a"}""", InputFaultCode.InvalidValue, "approver")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"\ud800","approver":"a"}""", InputFaultCode.InvalidValue, "proposal_id")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"\udc00\ud800"}""", InputFaultCode.InvalidValue, "approver")]
    [InlineData("""{"type":"rollback_issued","proposal_id":"p","issuer":"a","reason":" "}""", InputFaultCode.InvalidValue, "reason")]
    [InlineData("""{"type":"rollback_issued","proposal_id":"p","issuer":"a","reason":"\u0000"}""", InputFaultCode.InvalidValue, "reason")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":-1}""", InputFaultCode.InvalidValue, "at")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":253402300800}""", InputFaultCode.InvalidValue, "at")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":99999999999999999999}""", InputFaultCode.InvalidValue, "at")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":10000000000000000000}""", InputFaultCode.InvalidValue, "at")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":1.0}""", InputFaultCode.InvalidType, "at")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":1e3}""", InputFaultCode.InvalidType, "at")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","at":"1"}""", InputFaultCode.InvalidType, "at")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","expected_revision":9007199254740992}""", InputFaultCode.InvalidValue, "expected_revision")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","command_id":7}""", InputFaultCode.InvalidType, "command_id")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","command_id":{"session":"s"}}""", InputFaultCode.MissingField, "command_id.number")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","command_id":{"number":1}}""", InputFaultCode.MissingField, "command_id.session")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","command_id":{"session":"s","number":0}}""", InputFaultCode.InvalidValue, "command_id.number")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","command_id":{"session":"s","number":null}}""", InputFaultCode.InvalidType, "command_id.number")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","command_id":{"session":"s","number":1,"number":1}}""", InputFaultCode.DuplicateField, "command_id.number")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","command_id":{"session":"s\u0007","number":1}}""", InputFaultCode.InvalidValue, "command_id.session")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","command_id":{"session":"s","number":1,"x":1}}""", InputFaultCode.UnknownField, "command_id.x")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","lamport":{"counter":9007199254740992,"node":1}}""", InputFaultCode.InvalidValue, "lamport.counter")]
    [InlineData("""{"type":"promotion_approved","proposal_id":"p","approver":"a","lamport":{"counter":1}}""", InputFaultCode.MissingField, "lamport.node")]
    public void What_is_wrong_is_named_by_code_and_field(string json, InputFaultCode code, string? field)
    {
        InputFault fault = Fault(Encoding.UTF8.GetBytes(json));
        Assert.Equal((code, field), (fault.Code, fault.Field));
        Assert.NotEmpty(fault.Message);
    }

    [Theory]
    [InlineData("proposal_id", 256)]
    [InlineData("author", 256)]
    [InlineData("title", 1024)]
    [InlineData("content_hash", 256)]
    public void A_string_may_be_as_long_as_its_limit_and_no_longer(string field, int limit)
    {
        string Json(int length)
        {
            var values = new Dictionary<string, string>(StringComparer.Ordinal) { ["proposal_id"] = "p", ["author"] = "a" };
            values[field] = new string('é', length);
            return $$"""{"type":"proposal_created",{{string.Join(',', values.Select(pair => $"\"{pair.Key}\":\"{pair.Value}\""))}}}""";
        }

        Parse(Json(limit));
        InputFault fault = Fault(Encoding.UTF8.GetBytes(Json(limit + 1)));
        Assert.Equal((InputFaultCode.TooLong, field), (fault.Code, fault.Field));
    }

    [Fact]
    public void A_fact_that_is_too_large_as_a_whole_is_refused_before_it_is_read()
    {
        byte[] json = Encoding.UTF8.GetBytes(Approval.PadRight(FactLimits.MaxFactBytes));
        Assert.True(FactJson.TryParse(json, out _, out _));
        Assert.Equal(InputFaultCode.TooLarge, Fault([.. json, (byte)' ']).Code);
    }

    [Theory]
    [InlineData("x", "'x' is an invalid start of a value, at byte 1.")]
    [InlineData("{\n\"type\":nothing}", ", at line 2, byte 9.")]
    public void What_is_no_JSON_is_said_with_its_place_counted_as_people_count(string json, string expected)
    {
        InputFault fault = Fault(Encoding.UTF8.GetBytes(json));
        Assert.Equal(InputFaultCode.InvalidJson, fault.Code);
        Assert.EndsWith(expected, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_refused()
    {
        byte[] json = Encoding.UTF8.GetBytes(Approval);
        json[^3] = 0xC3;
        Assert.Equal(InputFaultCode.InvalidJson, Fault(json).Code);
    }

    [Fact]
    public void The_name_of_an_unknown_field_is_quoted_only_in_part_when_it_is_long()
    {
        InputFault fault = Fault(Encoding.UTF8.GetBytes($$"""{"{{new string('x', 10_000)}}":1}"""));
        Assert.Equal(InputFaultCode.UnknownField, fault.Code);
        Assert.True(fault.Message.Length < 200, fault.Message);
    }

    [Fact]
    public void Whatever_is_valid_is_read_back_as_it_was_written() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2_000),
            Prop.ForAll(Generated.Submission.ToArbitrary(), submission =>
            {
                Assert.Null(SubmissionRules.Check(submission));
                Assert.Equal(submission, Parse(FactJson.ToUtf8(submission)));
            }));

    [Fact]
    public void Random_bytes_give_faults_and_never_exceptions() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(5_000),
            Prop.ForAll(Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value)).ToArbitrary(), bytes =>
            {
                bool parsed = FactJson.TryParse(bytes, out FactSubmission? submission, out InputFault? fault);
                Assert.Equal(parsed, submission is not null);
                Assert.Equal(parsed, fault is null);
            }));

    [Fact]
    public void Damaged_facts_give_faults_or_other_valid_facts_and_never_exceptions()
    {
        Gen<byte[]> damaged =
            from submission in Generated.Submission
            from damage in Gen.ListOf(Damage.Any)
            select damage.Aggregate(FactJson.ToUtf8(submission), (json, one) => one.On(json));
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(10_000),
            Prop.ForAll(damaged.ToArbitrary(), json =>
            {
                if (FactJson.TryParse(json, out FactSubmission? submission, out InputFault? fault))
                {
                    Assert.Null(SubmissionRules.Check(submission));
                    Assert.Equal(submission, Parse(FactJson.ToUtf8(submission)));
                }
                else
                {
                    Assert.NotEmpty(fault.Code.Name());
                }
            }));
    }

    private static FactSubmission Parse(string json) => Parse(Encoding.UTF8.GetBytes(json));

    private static FactSubmission Parse(byte[] json)
    {
        Assert.True(FactJson.TryParse(json, out FactSubmission? submission, out InputFault? fault), fault?.Message);
        return submission!;
    }

    private static InputFault Fault(byte[] json)
    {
        Assert.False(FactJson.TryParse(json, out FactSubmission? submission, out InputFault? fault));
        Assert.Null(submission);
        return fault!;
    }

    /// <summary>One change to a document, at a place given as a fraction of its length.</summary>
    private sealed record Damage(int Kind, double Place, byte[] Bytes)
    {
        private static readonly string[] Tokens =
            ["\"", "\\", "{", "}", "[", "]", ",", ":", "null", "true", "1e99", "-", "\\ud800", "\\u0000", "\"type\":", "\"at\":1.5", "\u0000", "�"];

        public static Gen<Damage> Any =>
            from kind in Gen.Choose(0, 4)
            from place in Gen.Choose(0, 9_999)
            from token in Gen.Elements(Tokens)
            from raw in Gen.Choose(0, 255)
            select new Damage(kind, place / 10_000.0, kind == 1 ? [(byte)raw] : Encoding.UTF8.GetBytes(token));

        public byte[] On(byte[] json)
        {
            int at = (int)(Place * json.Length);
            return Kind switch
            {
                0 => [.. json[..at], .. Bytes, .. json[at..]],
                1 when at < json.Length => [.. json[..at], .. Bytes, .. json[(at + 1)..]],
                2 => json[..at],
                3 => [.. json[..at], .. json[Math.Min(json.Length, at + Bytes.Length)..]],
                _ => [.. json[..at], .. json[(at / 2)..]],
            };
        }
    }
}
