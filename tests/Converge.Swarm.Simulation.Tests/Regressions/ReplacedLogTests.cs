using System.Globalization;
using Converge.Core;
using Converge.Swarm.Actors;

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

    /// <summary>No host can hand a new log actor what followed on something that its predecessor took with it.</summary>
    [Fact]
    public void What_a_node_sends_before_it_knows_of_a_new_log_actor_is_lost_with_the_old_one()
    {
        int lost = 0;
        for (ulong seed = 1; seed <= 10; seed++)
        {
            var watch = new NothingReachesAStranger();
            var swarm = new SimulatedSwarm(new SimulatedSwarmOptions
            {
                Seed = seed,
                ServiceMicroseconds = (200, 2_000),
                FlushMicroseconds = (2_000, 10_000),
                Checkers = () => [.. SimulationCheckers.All(), watch],
            });
            Assert.True(swarm.RunUntil(() => swarm.Leader is not null, TimeSpan.FromSeconds(30)));
            SimulatedClient[] clients = [.. Enumerable.Range(0, 8).Select(_ => swarm.AddClient())];
            for (int i = 0; i < 12; i++)
            {
                foreach (SimulatedClient client in clients)
                {
                    client.Propose(new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"proposal-{i}"), "author"));
                    swarm.RunFor(TimeSpan.FromMicroseconds(211 * i));
                }

                foreach (SimulatedNode node in swarm.Nodes)
                {
                    node.ReplaceLogActor();
                    watch.Replaced(node.Id);
                }

                Assert.True(swarm.RunUntil(() => clients.All(client => client.UnderWay == 0), TimeSpan.FromSeconds(30)));
            }

            swarm.CheckEnd();
            lost += watch.Lost;
        }

        Assert.NotEqual(0, lost);
    }

    /// <summary>A log actor receives nothing that its node sent before it knew of it.</summary>
    private sealed class NothingReachesAStranger : ISimulationChecker
    {
        private readonly HashSet<NodeId> _ignorant = [];
        private readonly HashSet<(NodeId Node, ulong Append)> _lost = [];

        public string Name => "a new log actor begins with what its node sends it";

        public int Lost => _lost.Count;

        public void Replaced(NodeId node) => _ignorant.Add(node);

        public void Begin(ISimulationView view)
        {
        }

        public void AfterStep(SimulationStep step)
        {
            if (step.Node is not { } node)
            {
                return;
            }

            if (step.Received is NodeMessage.LogStarted)
            {
                _ignorant.Remove(node.Id);
            }

            if (_ignorant.Contains(node.Id))
            {
                _lost.UnionWith(step.HandedToLog.Select(append => (node.Id, append.Number)));
            }

            ISimulationChecker self = this;
            if (step is { Kind: StepKind.LogActor, Received: LogMessage.Append received })
            {
                self.Require(!_lost.Contains((node.Id, received.Number)), $"node {node.Id} had not heard of its log actor when it sent append {received.Number}.");
            }
        }
    }
}
