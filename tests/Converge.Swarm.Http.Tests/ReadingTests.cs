using System.Net;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http.Status;

namespace Converge.Swarm.Http.Tests;

public sealed class ReadingTests
{
    [Fact]
    public async Task Records_are_read_in_pages()
    {
        await using Api api = await Api.StartAsync();
        await api.BatchAsync(Samples.Lines(250));

        Answer first = await api.GetAsync("/v1/facts");
        Answer middle = await api.GetAsync("/v1/facts?from=101&limit=100");
        Answer last = await api.GetAsync("/v1/facts?from=201&limit=1000");
        Answer beyond = await api.GetAsync("/v1/facts?from=999");

        Assert.Equal((100, 101UL), PageOf(first));
        Assert.Equal((100, 201UL), PageOf(middle));
        Assert.Equal((50, 251UL), PageOf(last));
        Assert.Equal((0, 999UL), PageOf(beyond));
        Assert.Equal(101UL, middle.Json.GetProperty("records")[0].GetProperty("sequence").GetUInt64());
    }

    [Theory]
    [InlineData("from=0", "from", "invalid_value")]
    [InlineData("from=-1", "from", "invalid_value")]
    [InlineData("from=one", "from", "invalid_value")]
    [InlineData("from=9007199254740992", "from", "invalid_value")]
    [InlineData("limit=0", "limit", "invalid_value")]
    [InlineData("limit=1001", "limit", "invalid_value")]
    [InlineData("limit=1&limit=2", "limit", "duplicate_field")]
    [InlineData("form=1", "form", "unknown_field")]
    public async Task A_parameter_that_is_not_understood_is_400(string query, string field, string code)
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.GetAsync($"/v1/facts?{query}");

        Assert.Equal(field, answer.AssertProblem(HttpStatusCode.BadRequest, code).GetProperty("field").GetString());
    }

    [Fact]
    public async Task A_proposal_is_read_linearizably_unless_said_otherwise()
    {
        await using Api api = await Api.StartAsync();
        await api.BatchAsync(Samples.Lines(3));

        Answer fresh = await api.GetAsync("/v1/proposals/p2");
        ReadConsistency? first = api.Node.LastConsistency;
        Answer stale = await api.GetAsync("/v1/proposals/p2?consistency=stale");

        Assert.Equal(ReadConsistency.Linearizable, first);
        Assert.Equal(ReadConsistency.Stale, api.Node.LastConsistency);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v1/proposals/p2?consistency=leased")).Status);
        Assert.Equal(ReadConsistency.Leased, api.Node.LastConsistency);
        Assert.Equal(HttpStatusCode.OK, stale.Status);
        Assert.Equal(3UL, fresh.Json.GetProperty("as_of_index").GetUInt64());
        Assert.Equal("open", fresh.Json.GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a%2Fb")]
    [InlineData("a b?c#d&e=f+g")]
    [InlineData("tür/日本")]
    [InlineData(".a..b.")]
    public async Task Any_id_can_be_asked_for_in_the_path(string id)
    {
        await using Api api = await Api.StartAsync();
        await api.PostAsync("/v1/facts", Samples.CreatedJson(id));

        Answer answer = await api.GetAsync($"/v1/proposals/{Uri.EscapeDataString(id)}");

        Assert.Equal(id, answer.Json.GetProperty("proposal_id").GetString());
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a/../b")]
    public async Task Ids_that_a_path_cannot_hold_go_into_the_query(string id)
    {
        await using Api api = await Api.StartAsync();
        await api.PostAsync("/v1/facts", Samples.CreatedJson(id));

        Answer answer = await api.GetAsync($"/v1/proposals?id={Uri.EscapeDataString(id)}");

        Assert.Equal(id, answer.Json.GetProperty("proposal_id").GetString());
    }

    [Fact]
    public async Task A_proposal_that_was_never_created_is_404()
    {
        await using Api api = await Api.StartAsync();

        (await api.GetAsync("/v1/proposals/nobody")).AssertProblem(HttpStatusCode.NotFound, "unknown_proposal");
    }

    [Theory]
    [InlineData("/v1/proposals?id=", "invalid_value")]
    [InlineData("/v1/proposals/a%01b", "invalid_value")]
    [InlineData("/v1/proposals/p?consistency=strong", "invalid_value")]
    [InlineData("/v1/proposals/p?id=q", "unknown_field")]
    [InlineData("/v1/ledger/head?consistency=", "invalid_value")]
    [InlineData("/v1/status?x=1", "unknown_field")]
    public async Task What_cannot_be_asked_is_400(string path, string code)
    {
        await using Api api = await Api.StartAsync();

        (await api.GetAsync(path)).AssertProblem(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task An_id_beyond_its_limit_is_too_long()
    {
        await using Api api = await Api.StartAsync();

        (await api.GetAsync($"/v1/proposals/{new string('x', FactLimits.MaxProposalIdLength + 1)}")).AssertProblem(HttpStatusCode.BadRequest, "too_long");
    }

    [Theory]
    [InlineData("/v1/proposals/p")]
    [InlineData("/v1/ledger/head")]
    [InlineData("/v1/facts")]
    public async Task A_read_that_the_swarm_cannot_vouch_for_is_503(string path)
    {
        await using Api api = await Api.StartAsync();
        api.Node.Fault = new SwarmUnavailableException(NotCommittedReason.NoLeader, "No leader.");

        Answer answer = await api.GetAsync(path);

        answer.AssertProblem(HttpStatusCode.ServiceUnavailable, "no_leader");
        Assert.NotNull(answer.Headers.RetryAfter);
    }

    [Theory]
    [InlineData("/v1/proposals/p?consistency=leased")]
    [InlineData("/v1/proposals?id=p&consistency=leased")]
    [InlineData("/v1/ledger/head?consistency=leased")]
    public async Task A_leased_read_where_there_are_no_leases_is_501_and_not_worth_a_second_try(string path)
    {
        await using Api api = await Api.StartAsync();
        api.Node.Fault = new SwarmUnavailableException(NotCommittedReason.NoLease, "Leased reads are off.");

        Answer answer = await api.GetAsync(path);

        answer.AssertProblem(HttpStatusCode.NotImplemented, "no_lease");
        Assert.Null(answer.Headers.RetryAfter);
        using HttpSwarmClient client = new(api.Host.Url);
        SwarmUnavailableException refusal = await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetProposalAsync("p", ReadConsistency.Leased));
        Assert.Equal(NotCommittedReason.NoLease, refusal.Reason);
    }

    [Fact]
    public async Task The_ledgers_head_is_read_linearizably_unless_said_otherwise()
    {
        await using Api api = await Api.StartAsync();
        await api.BatchAsync(Samples.Lines(3));

        Answer head = await api.GetAsync("/v1/ledger/head");
        Assert.Equal(ReadConsistency.Linearizable, api.Node.LastConsistency);
        await api.GetAsync("/v1/ledger/head?consistency=stale");
        Assert.Equal(ReadConsistency.Stale, api.Node.LastConsistency);

        Assert.Equal(3UL, head.Json.GetProperty("sequence").GetUInt64());
        Assert.Equal(64, head.Json.GetProperty("hash").GetString()!.Length);
    }

    [Fact]
    public async Task The_status_says_everything_the_node_knows()
    {
        await using Api api = await Api.StartAsync();
        await api.BatchAsync(Samples.Lines(3));
        SwarmStatus expected = await api.Node.GetStatusAsync();

        Answer answer = await api.GetAsync("/v1/status");
        SwarmStatus actual = SwarmStatusJson.Parse(System.Text.Encoding.UTF8.GetBytes(answer.Text));

        Assert.Equal(SwarmStatusJson.ToUtf8(expected), SwarmStatusJson.ToUtf8(actual));
        Assert.Equal(expected.Ledger, actual.Ledger);
        Assert.Equal(expected.Members, actual.Members);
        Assert.Equal(expected.Progress, actual.Progress);
        Assert.Equal("leader", answer.Json.GetProperty("role").GetString());
    }

    [Fact]
    public async Task A_node_without_a_leader_says_null()
    {
        await using Api api = await Api.StartAsync();
        api.Node.Status = status => status with { Leader = NodeId.None, Role = NodeRole.PreCandidate, Problems = ["alone"] };

        Answer answer = await api.GetAsync("/v1/status");

        Assert.Equal(JsonValueKind.Null, answer.Json.GetProperty("leader").ValueKind);
        Assert.Equal("pre_candidate", answer.Json.GetProperty("role").GetString());
        Assert.Equal("alone", answer.Json.GetProperty("problems")[0].GetString());
    }

    [Fact]
    public async Task Alive_does_not_mean_ready()
    {
        await using Api api = await Api.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/readyz")).Status);
        api.Node.Status = status => status with { Ready = false, Leader = NodeId.None, Problems = ["The disk is full."] };

        Answer ready = await api.GetAsync("/readyz");

        Assert.Contains("The disk is full.", ready.AssertProblem(HttpStatusCode.ServiceUnavailable, "not_ready").GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.NotNull(ready.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/healthz")).Status);
    }

    private static (int Count, ulong Next) PageOf(Answer answer) =>
        (answer.Json.GetProperty("records").GetArrayLength(), answer.Json.GetProperty("next").GetUInt64());
}
