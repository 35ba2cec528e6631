using System.Net;
using Converge.Core;

namespace Converge.Swarm.Http.Tests;

/// <summary>Who takes part, through the API.</summary>
public sealed class MemberTests
{
    [Fact]
    public async Task The_members_have_this_form()
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.GetAsync("/v1/members");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(
            """{"node":1,"leader":1,"changed_at":5,"changing":false,"members":[{"id":1,"role":"voter","wanted":"voter","peer":"127.0.0.1:7201","http":"http://127.0.0.1:7101","leaving":false,"connected":true,"match_index":9},{"id":4,"role":"learner","wanted":"voter","peer":"127.0.0.1:7204","http":null,"leaving":false,"connected":false}],"removed":[2],"warnings":["Two are few."]}""",
            answer.Text);
        Assert.Null(OpenApiDocument.Misfit(OpenApiDocument.Load(), "Members", answer.Json));
    }

    [Fact]
    public async Task A_change_says_who_is_what_afterwards()
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync(
            "/v1/members", """{"steps":[{"step":"added","node":4,"role":"voter","peer":"127.0.0.1:7204"},{"step":"removed","node":3}]}""");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("""{"outcome":"changed","index":7,"term":2,"voters":[1],"learners":[4]}""", answer.Text);
        Assert.Equal(
            [MembershipStep.Add(new NodeId(4), MemberRole.Voter, "127.0.0.1:7204"), MembershipStep.Remove(new NodeId(3))],
            api.Node.StepsWanted.AsEnumerable());
        Assert.Null(OpenApiDocument.Misfit(OpenApiDocument.Load(), "MembershipChanged", answer.Json));
    }

    [Fact]
    public async Task A_client_sends_what_it_was_asked_for_and_reads_what_came_of_it()
    {
        await using Api api = await Api.StartAsync();
        using var client = new HttpSwarmClient(api.Host.Url);

        MembershipOutcome outcome = await client.ChangeMembersAsync([MembershipStep.Promote(new NodeId(4))]);
        SwarmMembers members = await client.GetMembersAsync();

        Assert.Equal(api.Node.Membership, outcome);
        Assert.Equal([MembershipStep.Promote(new NodeId(4))], api.Node.StepsWanted.AsEnumerable());
        Assert.Equal(api.Node.Members.Members, members.Members);
        Assert.Equal(api.Node.Members.Removed, members.Removed);
        api.Node.Membership = new MembershipNotChanged(MembershipRefusal.RemovedMember, "No.");
        Assert.Equal(api.Node.Membership, await client.ChangeMembersAsync([MembershipStep.Promote(new NodeId(4))]));
    }

    [Theory]
    [InlineData(MembershipRefusal.NoLeader, HttpStatusCode.ServiceUnavailable, "no_leader")]
    [InlineData(MembershipRefusal.Busy, HttpStatusCode.ServiceUnavailable, "busy")]
    [InlineData(MembershipRefusal.UnknownMember, HttpStatusCode.NotFound, "unknown_member")]
    [InlineData(MembershipRefusal.RemovedMember, HttpStatusCode.Conflict, "removed_member")]
    [InlineData(MembershipRefusal.NotCaughtUp, HttpStatusCode.Conflict, "not_caught_up")]
    [InlineData(MembershipRefusal.QuorumUnreachable, HttpStatusCode.Conflict, "quorum_unreachable")]
    [InlineData(MembershipRefusal.InvalidAddress, HttpStatusCode.BadRequest, "invalid_address")]
    public async Task A_refusal_is_a_problem_with_its_code(MembershipRefusal reason, HttpStatusCode status, string code)
    {
        await using Api api = await Api.StartAsync();
        api.Node.Membership = new MembershipNotChanged(reason, "No.");

        (await api.DeleteAsync("/v1/members/4")).AssertProblem(status, code);
        Assert.Equal([MembershipStep.Remove(new NodeId(4))], api.Node.StepsWanted.AsEnumerable());
    }

    [Theory]
    [InlineData("", "invalid_json")]
    [InlineData("[]", "invalid_type")]
    [InlineData("{}", "missing_field")]
    [InlineData("""{"steps":[]}""", "invalid_value")]
    [InlineData("""{"steps":[{"step":"removed","node":0}]}""", "invalid_value")]
    [InlineData("""{"steps":[{"step":"removed","node":1},{"step":"removed","node":1}]}""", "invalid_value")]
    [InlineData("""{"steps":[{"step":"added","node":1,"role":"voter"}]}""", "invalid_value")]
    [InlineData("""{"steps":[{"step":"removed","node":1}],"why":"x"}""", "unknown_field")]
    public async Task A_change_that_makes_no_sense_is_refused(string body, string code)
    {
        await using Api api = await Api.StartAsync();

        (await api.PostAsync("/v1/members", body)).AssertProblem(HttpStatusCode.BadRequest, code);
        Assert.Empty(api.Node.StepsWanted);
    }
}
