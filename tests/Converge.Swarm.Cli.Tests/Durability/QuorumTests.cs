using System.Net;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>One node of three is not a swarm, and says so.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class QuorumTests(SharedSwarm shared)
{
    [Fact]
    public async Task A_node_alone_commits_nothing_says_when_to_try_again_and_goes_on_when_another_is_back()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        (LocalNode leader, _) = await swarm.LeaderAsync();
        using HttpClient http = Api.Client(leader);
        await swarm.BreakAsync(async () =>
        {
            LocalNode[] others = [.. swarm.Nodes.Where(node => node != leader)];
            await Task.WhenAll(others.Select(swarm.KillAsync));
            using HttpResponseMessage unready = await NotReadyAsync(http);
            string proposal = Guid.NewGuid().ToString();
            FactSubmission submission = new(new ProposalCreated(proposal, "author://alone"), CommandId: new CommandId(proposal, 1));

            using HttpResponseMessage refused = await http.PostAsync("/v1/facts", Api.Json(FactJson.ToUtf8(submission)));
            using HttpResponseMessage linearizable = await http.GetAsync($"/v1/proposals?id={proposal}");
            using HttpResponseMessage stale = await http.GetAsync("/v1/ledger/head?consistency=stale");
            using HttpResponseMessage alive = await http.GetAsync("/healthz");

            Assert.Equal("not_ready", await Api.CodeOfAsync(unready));
            Assert.Contains("No leader is known.", await unready.Content.ReadAsStringAsync());
            foreach (HttpResponseMessage answer in new[] { refused, linearizable })
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
                Assert.Equal("no_leader", await Api.CodeOfAsync(answer));
                Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
            }

            Assert.Equal(HttpStatusCode.OK, stale.StatusCode);
            Assert.Equal(HttpStatusCode.OK, alive.StatusCode);

            swarm.Start(others[0]);
            (LocalNode next, _) = await swarm.LeaderAsync();
            ClientHistory history = new(proposal);
            history.KeepNamed(submission, await next.Client.CommitAsync(submission), expected: null);
            await swarm.MakeWholeAsync();
            await swarm.ProveAsync(history);
        });
    }

    private static async Task<HttpResponseMessage> NotReadyAsync(HttpClient http)
    {
        HttpResponseMessage? last = null;
        await Eventually.HoldsAsync("the node to notice that it is alone", async cancellation =>
        {
            last?.Dispose();
            last = await http.GetAsync("/readyz", cancellation);
            return last.StatusCode == HttpStatusCode.ServiceUnavailable && last.Headers.RetryAfter is not null;
        });
        return last!;
    }
}
