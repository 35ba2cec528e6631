using System.Diagnostics;
using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Xunit.Abstractions;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Members that come and go while clients are served.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class MembershipTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Three_nodes_become_five_and_three_again_under_load_without_one_failed_acknowledgement()
    {
        const int Anonymous = 0;
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync();
        long started = Stopwatch.GetTimestamp();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm, Anonymous);

        await swarm.JoinAsync(2);
        Assert.Equal(5, swarm.Nodes.Count);
        load.Ask(swarm.Nodes);
        await load.GoesOnAsync();

        (LocalNode leader, Term led) = await swarm.LeaderAsync();
        LocalNode follower = swarm.Nodes.First(node => node != leader);
        await swarm.RemoveAsync(leader, follower);
        await load.GoesOnAsync();

        // Two that were removed go on running, and one of them starts once more: nobody has to be elected for it.
        (LocalNode next, Term term) = await swarm.LeaderAsync();
        Assert.True(term > led, $"Node {next.Id} leads in term {term}, and node {leader.Id} led in {led}.");
        await swarm.KillAsync(follower);
        swarm.Start(follower);
        await Eventually.HoldsAsync(
            "the removed node to know it",
            async cancellation => await follower.TryGetStatusAsync(cancellation) is { } status
                && status.Problems.Any(problem => problem.Contains("was removed", StringComparison.Ordinal)),
            swarm.Describe);
        await load.GoesOnAsync(200);
        Assert.Equal((next, term), await swarm.LeaderAsync());

        // Every call ends with its acknowledgement, and again with the same: otherwise this does not end, or the history contradicts itself.
        ClientHistory history = await load.FinishAsync();
        TimeSpan time = Stopwatch.GetElapsedTime(started);
        LedgerHead head = await swarm.ProveAsync(history);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{history.Accepted} facts acknowledged in {time.TotalSeconds:0.0} s, none failed; {head.Sequence} records on each of {swarm.Nodes.Count} nodes, root {head.Root}."));
    }
}
