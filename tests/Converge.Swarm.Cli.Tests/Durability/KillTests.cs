using Converge.Core;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Nodes that are killed while clients are served. What was acknowledged stays, as it was acknowledged, once.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class KillTests(SharedSwarm shared)
{
    [Fact]
    public async Task Each_node_killed_once_under_load_takes_nothing_acknowledged_with_it()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            foreach (LocalNode node in swarm.Nodes)
            {
                await swarm.KillAsync(node);
                await load.GoesOnAsync();
                swarm.Start(node);
                await swarm.LeaderAsync();
            }

            await swarm.ProveAsync(await load.FinishAsync());
        });
    }

    [Fact]
    public async Task Leader_after_leader_killed_under_load_takes_nothing_acknowledged_with_it()
    {
        const int Leaders = 3;
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            Term last = default;
            for (int i = 0; i < Leaders; i++)
            {
                (LocalNode leader, Term term) = await swarm.LeaderAsync(after: last);
                last = term;
                await swarm.KillAsync(leader);
                await load.GoesOnAsync();
                swarm.Start(leader);
            }

            await swarm.ProveAsync(await load.FinishAsync());
        });
    }

    [Fact]
    public async Task All_nodes_killed_at_once_under_load_come_back_with_everything_acknowledged()
    {
        const int Times = 2;
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            for (int i = 0; i < Times; i++)
            {
                await Task.WhenAll(swarm.Nodes.Select(swarm.KillAsync));
                foreach (LocalNode node in swarm.Nodes)
                {
                    swarm.Start(node);
                }

                await load.GoesOnAsync();
            }

            await swarm.ProveAsync(await load.FinishAsync());
        });
    }
}
