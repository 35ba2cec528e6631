using System.Net;
using System.Text;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;

namespace Converge.Swarm.Http.Tests;

public sealed class FactTests
{
    public static TheoryData<RefusalCode> Refusals => [.. Enum.GetValues<RefusalCode>()];

    public static TheoryData<NotCommittedReason> Reasons => [.. Enum.GetValues<NotCommittedReason>().Where(reason => reason != NotCommittedReason.NoLease)];

    [Fact]
    public async Task An_accepted_fact_is_answered_201_with_its_place_in_the_ledger()
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync("/v1/facts", Samples.CreatedJson("p1"));

        Assert.Equal(HttpStatusCode.Created, answer.Status);
        Assert.Equal("application/json", answer.MediaType);
        Assert.True(CommitAnswerJson.TryParse(Encoding.UTF8.GetBytes(answer.Text), out CommitAnswer? parsed, out _));
        FactAccepted accepted = Assert.IsType<FactAccepted>(parsed);
        Assert.Equal(1UL, accepted.Sequence);
        Assert.Equal(1UL, accepted.Revision);
        Assert.Equal("/v1/facts?from=1&limit=1", answer.Headers.Location?.ToString());

        Answer record = await api.GetAsync(answer.Headers.Location!.ToString());
        Assert.Equal(accepted.Hash, record.Json.GetProperty("records")[0].GetProperty("hash").GetString());
    }

    [Fact]
    public async Task A_repeated_command_gets_the_very_same_answer()
    {
        await using Api api = await Api.StartAsync();
        string fact = Samples.CreatedJson("p1", number: 7);

        Answer first = await api.PostAsync("/v1/facts", fact);
        Answer second = await api.PostAsync("/v1/facts", fact);

        Assert.Equal(first.Status, second.Status);
        Assert.Equal(first.Text, second.Text);
    }

    [Fact]
    public async Task A_refusal_by_the_real_rules_is_409_with_code_and_revision()
    {
        await using Api api = await Api.StartAsync();
        await api.PostAsync("/v1/facts", Samples.CreatedJson("p1"));

        Answer again = await api.PostAsync("/v1/facts", Samples.CreatedJson("p1"));

        JsonElement problem = again.AssertProblem(HttpStatusCode.Conflict, "already_exists");
        Assert.Equal(1UL, problem.GetProperty("revision").GetUInt64());
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Every_refusal_is_409_with_its_stable_code(RefusalCode code)
    {
        await using Api api = await Api.StartAsync();
        api.Node.Answer = _ => new FactRefused(code, 3);

        Answer answer = await api.PostAsync("/v1/facts", Samples.CreatedJson("p1"));

        Assert.Equal(3UL, answer.AssertProblem(HttpStatusCode.Conflict, code.Name()).GetProperty("revision").GetUInt64());
        Assert.Null(answer.Headers.RetryAfter);
    }

    [Theory]
    [MemberData(nameof(Reasons))]
    public async Task Every_reason_for_not_committing_says_whether_to_try_again(NotCommittedReason reason)
    {
        await using Api api = await Api.StartAsync();
        api.Node.Answer = _ => new FactNotCommitted(reason, "Because.");

        Answer answer = await api.PostAsync("/v1/facts", Samples.CreatedJson("p1"));

        HttpStatusCode expected = reason == NotCommittedReason.TooLarge ? HttpStatusCode.RequestEntityTooLarge : HttpStatusCode.ServiceUnavailable;
        JsonElement problem = answer.AssertProblem(expected, reason.Name());
        Assert.Equal("Because.", problem.GetProperty("detail").GetString());
        Assert.Equal(reason != NotCommittedReason.TooLarge, answer.Headers.RetryAfter is not null);
    }

    [Fact]
    public async Task An_unknown_outcome_is_504_and_never_looks_like_a_failure_to_commit()
    {
        await using Api api = await Api.StartAsync();
        api.Node.Answer = _ => new FactOutcomeUnknown("Who knows.");

        Answer answer = await api.PostAsync("/v1/facts", Samples.CreatedJson("p1"));

        answer.AssertProblem(HttpStatusCode.GatewayTimeout, "outcome_unknown");
    }

    [Fact]
    public async Task A_node_that_does_not_answer_in_time_leaves_the_outcome_unknown()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { RequestTimeout = TimeSpan.FromMilliseconds(50) });
        api.Node.Before = cancellation => Task.Delay(Timeout.Infinite, cancellation);

        Answer answer = await api.PostAsync("/v1/facts", Samples.CreatedJson("p1"));

        answer.AssertProblem(HttpStatusCode.GatewayTimeout, "outcome_unknown");
    }

    [Theory]
    [InlineData("", "invalid_json", null)]
    [InlineData("{", "invalid_json", null)]
    [InlineData("[]", "invalid_type", null)]
    [InlineData("""{"type":"proposal_created","proposal_id":"p","author":"a"} {}""", "invalid_json", null)]
    [InlineData("""{"type":"proposal_created","proposal_id":"p","author":"a","colour":"red"}""", "unknown_field", "colour")]
    [InlineData("""{"type":"proposal_created","proposal_id":"p","author":"a","author":"b"}""", "duplicate_field", "author")]
    [InlineData("""{"type":"proposal_created","proposal_id":"p"}""", "missing_field", "author")]
    [InlineData("""{"type":"proposal_created","proposal_id":7,"author":"a"}""", "invalid_type", "proposal_id")]
    [InlineData("""{"type":"proposal_forgotten","proposal_id":"p","author":"a"}""", "invalid_value", "type")]
    [InlineData("""{"type":"proposal_created","proposal_id":"","author":"a"}""", "invalid_value", "proposal_id")]
    public async Task A_malformed_fact_is_400_with_code_and_field(string body, string code, string? field)
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync("/v1/facts", body);

        JsonElement problem = answer.AssertProblem(HttpStatusCode.BadRequest, code);
        Assert.Equal(field, problem.TryGetProperty("field", out JsonElement named) ? named.GetString() : null);
        Assert.Empty(api.Node.Batches);
    }

    [Fact]
    public async Task A_name_beyond_its_limit_is_too_long()
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync("/v1/facts", Samples.CreatedJson(new string('p', FactLimits.MaxProposalIdLength + 1)));

        Assert.Equal("proposal_id", answer.AssertProblem(HttpStatusCode.BadRequest, "too_long").GetProperty("field").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_fact_beyond_64_KiB_is_413_whether_its_length_is_announced_or_not(bool announced)
    {
        await using Api api = await Api.StartAsync();
        using ByteArrayContent content = new(new byte[FactLimits.MaxFactBytes + 1]);
        content.Headers.ContentType = new("application/json");
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/facts") { Content = content };
        request.Headers.TransferEncodingChunked = !announced;

        using HttpResponseMessage response = await api.Http.SendAsync(request);

        (await Answer.OfAsync(response)).AssertProblem(HttpStatusCode.RequestEntityTooLarge, "too_large");
    }

    [Fact]
    public async Task A_fact_of_exactly_64_KiB_is_read()
    {
        await using Api api = await Api.StartAsync();
        string fact = Samples.CreatedJson("p1");

        Answer answer = await api.PostAsync("/v1/facts", fact + new string(' ', FactLimits.MaxFactBytes - fact.Length));

        Assert.Equal(HttpStatusCode.Created, answer.Status);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/jsonl")]
    [InlineData("application/json; charset=utf-16")]
    public async Task Another_media_type_is_415(string? mediaType)
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync("/v1/facts", Encoding.UTF8.GetBytes(Samples.CreatedJson("p1")), mediaType);

        answer.AssertProblem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Fact]
    public async Task A_compressed_body_is_415()
    {
        await using Api api = await Api.StartAsync();
        using StringContent content = new(Samples.CreatedJson("p1"), Encoding.UTF8, "application/json");
        content.Headers.ContentEncoding.Add("gzip");

        using HttpResponseMessage response = await api.Http.PostAsync("/v1/facts", content);

        (await Answer.OfAsync(response)).AssertProblem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Theory]
    [InlineData("application/json; charset=UTF-8")]
    [InlineData("Application/JSON; charset=\"utf-8\"")]
    public async Task The_charset_may_be_named(string mediaType)
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync("/v1/facts", Samples.CreatedJson("p1"), mediaType);

        Assert.Equal(HttpStatusCode.Created, answer.Status);
    }

    [Fact]
    public async Task A_clients_fault_is_one_line_in_the_log_and_nothing_else()
    {
        await using Api api = await Api.StartAsync();

        await api.PostAsync("/v1/facts", """{"type":"proposal_created","proposal_id":"p","author":"a","x\ny":1}""");

        string line = Assert.Single(api.Log.OfApi());
        Assert.Contains("400 unknown_field", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', line);
    }
}
