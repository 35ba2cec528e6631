using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation.Tests;

public class SimulatedSwarmTests
{
    [Fact]
    public void Three_nodes_elect_a_leader_and_commit_facts()
    {
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = 1 });
        SimulatedClient client = swarm.AddClient();
        for (int i = 0; i < 20; i++)
        {
            client.Propose(new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"proposal-{i}"), "author"));
        }

        Assert.True(swarm.RunUntil(() => client.UnderWay == 0, TimeSpan.FromSeconds(30)));

        Assert.All(swarm.History.Operations, operation => Assert.IsType<FactAccepted>(Assert.IsType<ClientOutcome.Fact>(operation.Outcome).Answer));
        swarm.RunFor(TimeSpan.FromSeconds(1));
        Assert.Single(swarm.Nodes.Select(node => node.Status()!.Ledger).Distinct());
        swarm.CheckEnd();
    }

    [Fact]
    public void The_same_seed_gives_the_same_run_bit_for_bit()
    {
        (UInt128 Hash, long Steps, string Text) first = Run(7);
        (UInt128 Hash, long Steps, string Text) second = Run(7);

        Assert.Equal(first.Hash, second.Hash);
        Assert.Equal(first.Steps, second.Steps);
        Assert.Equal(first.Text, second.Text);
        Assert.NotEqual(first.Hash, Run(8).Hash);
    }

    [Fact]
    public void What_was_acknowledged_survives_the_power_loss_of_all()
    {
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = 3 });
        SimulatedClient client = swarm.AddClient();
        ClientOperation first = client.Propose(new ProposalCreated("p", "author"));
        Assert.True(swarm.RunUntil(() => client.UnderWay == 0, TimeSpan.FromSeconds(30)));

        foreach (SimulatedNode node in swarm.Nodes)
        {
            node.LosePower();
        }

        swarm.RunFor(TimeSpan.FromSeconds(1));
        Assert.All(swarm.Nodes, node => Assert.True(node.Start()));
        ClientOperation read = client.ReadProposal("p", ReadConsistency.Linearizable);
        Assert.True(swarm.RunUntil(() => client.UnderWay == 0, TimeSpan.FromSeconds(30)));

        ProposalView view = Assert.IsType<ClientOutcome.Proposal>(read.Outcome).View!;
        Assert.Equal(1UL, view.Revision);
        Assert.Equal(view.CreatedSequence, Assert.IsType<FactAccepted>(Assert.IsType<ClientOutcome.Fact>(first.Outcome).Answer).Sequence);
    }

    private static (UInt128 Hash, long Steps, string Text) Run(ulong seed)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = seed, Trace = text, Network = new NetworkConditions { LossMillionths = 50_000 } });
        SimulatedClient client = swarm.AddClient();
        for (int i = 0; i < 10; i++)
        {
            client.Propose(new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"proposal-{i}"), "author"));
        }

        swarm.RunFor(TimeSpan.FromSeconds(5));
        swarm.Nodes[0].LosePower();
        swarm.RunFor(TimeSpan.FromSeconds(2));
        swarm.Nodes[0].Start();
        swarm.RunFor(TimeSpan.FromSeconds(10));
        return (swarm.TraceHash, swarm.Steps, text.ToString());
    }
}
