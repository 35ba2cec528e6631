using System.Net;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>A leader that stands still and goes on as if nothing had been.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class PauseTests(SharedSwarm shared)
{
    [SignalFact]
    public async Task A_leader_that_stood_still_under_load_follows_the_next_and_there_is_one_truth()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            (LocalNode leader, Term term) = await swarm.LeaderAsync();
            swarm.Pause(leader);
            await swarm.LeaderAsync(after: term);
            await load.GoesOnAsync();
            swarm.Resume(leader);
            await swarm.LeaderAsync(after: term);
            await load.GoesOnAsync();
            await swarm.ProveAsync(await load.FinishAsync());
        });
    }

    [SignalFact]
    public async Task A_follower_that_stood_still_under_load_catches_up_and_disturbs_nobody()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            (LocalNode leader, _) = await swarm.LeaderAsync();
            LocalNode follower = swarm.Nodes.First(node => node != leader);
            swarm.Pause(follower);
            await load.GoesOnAsync(further: 200);
            swarm.Resume(follower);
            await load.GoesOnAsync();
            await swarm.ProveAsync(await load.FinishAsync());
        });
    }

    [SignalFact]
    public async Task A_command_handed_to_a_leader_that_stands_still_has_an_unknown_outcome_and_a_repetition_settles_it()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await swarm.BreakAsync(async () =>
        {
            (LocalNode leader, Term term) = await swarm.LeaderAsync();
            LocalNode follower = swarm.Nodes.First(node => node != leader);
            string proposal = Guid.NewGuid().ToString();
            FactSubmission named = new(new ProposalCreated(proposal, "author://pause"), CommandId: new CommandId(proposal, 1));
            FactSubmission anonymous = new(new ProposalCreated($"{proposal}-anonymous", "author://pause"));
            using HttpClient http = Api.Client(follower);

            swarm.Pause(leader);
            using HttpResponseMessage answer = await http.PostAsync("/v1/facts", Api.Json(FactJson.ToUtf8(named)));
            IReadOnlyList<CommitAnswer> batch = await follower.Client.CommitAsync([anonymous]);

            Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
            Assert.Equal("outcome_unknown", await Api.CodeOfAsync(answer));

            await swarm.LeaderAsync(after: term);
            swarm.Resume(leader);
            CommitAnswer first = await CommitAsync(follower, named);
            CommitAnswer again = await CommitAsync(leader, named);
            Assert.IsType<FactAccepted>(first);
            Assert.Equal(first, again);

            ClientHistory history = new(proposal);
            history.KeepNamed(named, first, expected: null);
            history.KeepAnonymous(anonymous, batch[0]);
            await swarm.ProveAsync(history);
        });
    }

    /// <summary>
    /// Questions wait in the sockets of a leader that stands still while another one leads and commits. When it goes on, its lease is long
    /// over, though it has had no tick to tell it so.
    /// </summary>
    [SignalFact]
    public async Task A_leader_that_stood_still_answers_no_leased_read_from_before_its_pause()
    {
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync(options => options with { LeasedReads = true });
        for (int round = 0; round < 3; round++)
        {
            (LocalNode leader, Term term) = await swarm.LeaderAsync();
            string proposal = Guid.NewGuid().ToString();
            Assert.IsType<FactAccepted>(await CommitAsync(leader, new FactSubmission(new ProposalCreated(proposal, "author://pause"), CommandId: new CommandId(proposal, 1))));
            Assert.Equal(ProposalStatus.Open, (await leader.Client.GetProposalAsync(proposal, ReadConsistency.Leased))!.Status);

            swarm.Pause(leader);
            (LocalNode next, _) = await swarm.LeaderAsync(after: term);
            Assert.IsType<FactAccepted>(await CommitAsync(next, new FactSubmission(new PromotionApproved(proposal, "approver://ada"), CommandId: new CommandId(proposal, 2))));
            Task<string>[] reads = [.. Enumerable.Range(0, 20).Select(_ => LeasedReadAsync(leader, proposal))];
            swarm.Resume(leader);

            Assert.All(
                await Eventually.CompletesAsync("the reads to be answered", Task.WhenAll(reads)),
                answer => Assert.True(answer is "approved" or "no_leader", $"A leased read said {answer} after the approval was acknowledged."));
        }
    }

    /// <summary>The proposal's status, or why there is no answer.</summary>
    private static async Task<string> LeasedReadAsync(LocalNode node, string proposal)
    {
        using HttpClient http = Api.Client(node);
        using HttpResponseMessage answer = await http.GetAsync($"/v1/proposals/{proposal}?consistency=leased");
        return answer.StatusCode == HttpStatusCode.OK
            ? (ProposalViewJson.TryParse(await answer.Content.ReadAsByteArrayAsync(), out ProposalView? view, out _) ? view.Status.Name() : "nonsense")
            : await Api.CodeOfAsync(answer) ?? "nothing";
    }

    private static async Task<CommitAnswer> CommitAsync(LocalNode node, FactSubmission submission)
    {
        CommitAnswer? answer = null;
        await Eventually.HoldsAsync(
            $"a final answer to {submission}",
            async cancellation =>
            {
                answer = await node.Client.CommitAsync(submission, cancellation);
                return answer is FactAccepted or FactRefused;
            },
            () => $"The last answer was {answer}.");
        return answer!;
    }
}
