using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Processes that take snapshots all the time, and are killed while they write, send, receive and install them.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class CompactionTests
{
    private static readonly SnapshotOptions Often = new() { Entries = 200, Bytes = 1024 * 1024, KeepEntries = 20 };

    [Fact]
    public async Task A_follower_that_was_down_while_the_log_was_compacted_catches_up_by_a_snapshot()
    {
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync(options => options with { Snapshots = Often });
        (LocalNode leader, _) = await swarm.LeaderAsync();
        LocalNode behind = swarm.Nodes.First(node => node != leader);
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        SwarmStatus before = await StatusAsync(behind);
        await swarm.KillAsync(behind);
        await Eventually.HoldsAsync(
            "the leader to compact what the follower needs",
            async cancellation => (await leader.TryGetStatusAsync(cancellation))?.FirstIndex > before.LastIndex + 500,
            swarm.Describe);

        swarm.Start(behind);
        await Eventually.HoldsAsync(
            "the follower to install a snapshot", _ => Task.FromResult(ProcessSwarm.LogOf(behind).Contains("goes on from a snapshot", StringComparison.Ordinal)), swarm.Describe);

        await swarm.ProveAsync(await load.FinishAsync());
    }

    [Fact]
    public async Task Nodes_killed_while_snapshots_are_written_sent_and_installed_come_back_with_everything_acknowledged()
    {
        const int Rounds = 3;
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync(options => options with { Snapshots = Often });
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        for (int round = 0; round < Rounds; round++)
        {
            foreach (LocalNode node in swarm.Nodes)
            {
                await swarm.KillAsync(node);
                await load.GoesOnAsync(further: 400);
                swarm.Start(node);

                // Again, at whatever it is doing by then: starting, receiving, installing, writing a snapshot of its own.
                await load.GoesOnAsync(further: 20 + (60 * round));
                await swarm.KillAsync(node);
                swarm.Start(node);
                await swarm.LeaderAsync();
            }
        }

        await swarm.ProveAsync(await load.FinishAsync());
    }

    [Fact]
    public async Task A_swarm_killed_as_a_whole_starts_from_its_snapshots_and_not_from_the_beginning()
    {
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync(options => options with { Snapshots = Often });
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await Eventually.HoldsAsync(
            "every node to have compacted its log",
            async cancellation =>
            {
                SwarmStatus?[] all = await Task.WhenAll(swarm.Nodes.Select(node => node.TryGetStatusAsync(cancellation)));
                return all.All(status => status?.FirstIndex.Value > 1_000);
            },
            swarm.Describe);

        await Task.WhenAll(swarm.Nodes.Select(swarm.KillAsync));
        foreach (LocalNode node in swarm.Nodes)
        {
            swarm.Start(node);
        }

        await load.GoesOnAsync();
        foreach (LocalNode node in swarm.Nodes)
        {
            string lastStart = ProcessSwarm.LogOf(node).Split('\n').Last(line => line.Contains(" starts on ", StringComparison.Ordinal));
            Assert.Matches("from a snapshot of entry [1-9][0-9]{2,}", lastStart);
        }

        await swarm.ProveAsync(await load.FinishAsync());
    }

    private static async Task<SwarmStatus> StatusAsync(LocalNode node)
    {
        SwarmStatus? status = null;
        await Eventually.HoldsAsync($"the status of node {node.Id}", async cancellation => (status = await node.TryGetStatusAsync(cancellation)) is not null);
        return status!;
    }
}
