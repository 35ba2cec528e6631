using System.Net;
using Converge.Core;

namespace Converge.Swarm.Http.Tests;

/// <summary>Handing over the leadership through the API.</summary>
public sealed class LeaderTests
{
    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"to":2}""", 2)]
    public async Task A_transfer_says_who_leads_afterwards(string body, int? to)
    {
        await using Api api = await Api.StartAsync();
        api.Node.Transfer = new LeadershipTransferred(new NodeId(2), new Term(7));

        Answer answer = await api.PostAsync("/v1/leader/transfer", body);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("""{"outcome":"transferred","leader":2,"term":7}""", answer.Text);
        Assert.Equal(to is null ? null : new NodeId((ulong)to), api.Node.TransferWanted);
    }

    [Fact]
    public async Task A_transfer_that_did_not_come_about_is_409_with_who_leads()
    {
        await using Api api = await Api.StartAsync();
        api.Node.Transfer = new LeadershipNotTransferred(NodeId.None, new Term(7), "Too slow.");

        Answer answer = await api.PostAsync("/v1/leader/transfer", "{}");

        Assert.Equal(HttpStatusCode.Conflict, answer.Status);
        Assert.Equal("""{"outcome":"not_transferred","leader":null,"term":7,"message":"Too slow."}""", answer.Text);
    }

    [Theory]
    [InlineData(TransferRefusal.NoLeader, HttpStatusCode.ServiceUnavailable, "no_leader")]
    [InlineData(TransferRefusal.UnknownMember, HttpStatusCode.NotFound, "unknown_member")]
    [InlineData(TransferRefusal.NotAVoter, HttpStatusCode.Conflict, "not_a_voter")]
    [InlineData(TransferRefusal.Unreachable, HttpStatusCode.Conflict, "unreachable")]
    [InlineData(TransferRefusal.Busy, HttpStatusCode.ServiceUnavailable, "busy")]
    [InlineData(TransferRefusal.Stopping, HttpStatusCode.ServiceUnavailable, "stopping")]
    public async Task A_refusal_is_a_problem_with_its_code(TransferRefusal reason, HttpStatusCode status, string code)
    {
        await using Api api = await Api.StartAsync();
        api.Node.Transfer = new LeadershipTransferRefused(reason, "No.");

        (await api.PostAsync("/v1/leader/transfer", "{}")).AssertProblem(status, code);
    }

    [Theory]
    [InlineData("", "invalid_json", null)]
    [InlineData("[]", "invalid_type", null)]
    [InlineData("""{"to":"2"}""", "invalid_type", "to")]
    [InlineData("""{"to":0}""", "invalid_value", "to")]
    [InlineData("""{"to":1.5}""", "invalid_value", "to")]
    [InlineData("""{"to":1,"to":2}""", "duplicate_field", "to")]
    [InlineData("""{"node":1}""", "unknown_field", "node")]
    [InlineData("""{"\ud800":1}""", "invalid_json", null)]
    public async Task A_wish_that_makes_no_sense_is_refused(string body, string code, string? field)
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync("/v1/leader/transfer", body);

        answer.AssertProblem(HttpStatusCode.BadRequest, code);
        Assert.Equal(field, answer.Json.TryGetProperty("field", out System.Text.Json.JsonElement named) ? named.GetString() : null);
        Assert.Null(api.Node.TransferWanted);
    }

    [Fact]
    public async Task A_wish_that_is_not_UTF_8_is_refused()
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync("/v1/leader/transfer", [.. "{\""u8, 0xFF, .. "\":1}"u8], "application/json");

        answer.AssertProblem(HttpStatusCode.BadRequest, "invalid_json");
        Assert.Null(api.Node.TransferWanted);
    }

    [Fact]
    public async Task The_client_says_what_the_node_says()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url);
        LeadershipTransfer[] outcomes =
        [
            new LeadershipTransferred(new NodeId(2), new Term(3)),
            new LeadershipNotTransferred(new NodeId(1), new Term(3), "Too slow."),
            new LeadershipNotTransferred(NodeId.None, new Term(3), "Too slow."),
            .. Enum.GetValues<TransferRefusal>().Select(reason => new LeadershipTransferRefused(reason, "No.")),
        ];

        foreach (LeadershipTransfer outcome in outcomes)
        {
            api.Node.Transfer = outcome;
            Assert.Equal(outcome, await client.TransferLeadershipAsync(new NodeId(2)));
            Assert.Equal(new NodeId(2), api.Node.TransferWanted);
        }

        api.Node.Transfer = new LeadershipTransferUnknown("Who knows.");
        Assert.IsType<LeadershipTransferUnknown>(await client.TransferLeadershipAsync());
    }
}
