using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation.Tests.Regressions;

/// <summary>What the simulation found about log actors that are replaced.</summary>
public class ReplacedLogTests
{
    [Fact]
    public void An_append_that_reaches_a_new_log_actor_before_its_node_knows_of_it_leaves_the_node_running()
    {
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = 1, ServiceMicroseconds = (200, 2_000), FlushMicroseconds = (2_000, 10_000) });
        Assert.True(swarm.RunUntil(() => swarm.Leader is not null, TimeSpan.FromSeconds(30)));
        SimulatedClient[] clients = [.. Enumerable.Range(0, 8).Select(_ => swarm.AddClient())];
        for (int i = 0; i < 60; i++)
        {
            foreach (SimulatedClient client in clients)
            {
                client.Propose(new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"proposal-{i}"), "author"));
            }

            // In the middle of what the burst leads to, each time at another moment.
            swarm.RunFor(TimeSpan.FromMicroseconds(997 * i));
            foreach (SimulatedNode node in swarm.Nodes)
            {
                node.ReplaceLogActor();
            }

            Assert.True(swarm.RunUntil(() => clients.All(client => client.UnderWay == 0), TimeSpan.FromSeconds(30)));
        }

        swarm.CheckEnd();
    }
}
