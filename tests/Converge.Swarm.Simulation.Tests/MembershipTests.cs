using System.Collections.Immutable;
using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation.Tests;

/// <summary>Members that come and go in a directed scene; campaigns do the same in the middle of everything else.</summary>
public class MembershipTests
{
    [Fact]
    public void Three_become_five_and_three_again_under_load_without_one_failed_acknowledgement()
    {
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = 11 });
        Assert.True(swarm.RunUntil(() => swarm.Leader is not null, TimeSpan.FromSeconds(30)));
        SimulatedClient client = swarm.AddClient();
        bool goesOn = true;
        int facts = 0;
        void Propose()
        {
            if (goesOn)
            {
                client.Propose(new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"proposal-{facts++}"), "author"));
                swarm.After(TimeSpan.FromMilliseconds(40), Propose);
            }
        }

        Propose();
        SimulatedNode four = swarm.AddNode();
        SimulatedNode five = swarm.AddNode();
        Assert.True(four.Start() && five.Start());
        swarm.Leader!.ChangeMembers([Add(four), Add(five)]);
        Assert.True(swarm.RunUntil(() => swarm.Nodes.All(node => HasVoters(node, 1, 2, 3, 4, 5)), TimeSpan.FromSeconds(60)));

        MembershipOutcome? shrunk = null;
        five.ChangeMembers([MembershipStep.Remove(new NodeId(1)), MembershipStep.Remove(new NodeId(2))], outcome => shrunk = outcome);
        Assert.True(swarm.RunUntil(() => swarm.Nodes.Skip(2).All(node => HasVoters(node, 3, 4, 5)), TimeSpan.FromSeconds(60)));

        // Whoever is removed is switched off; clients would go on asking it, and find out one by one.
        swarm.Nodes[0].Retire();
        swarm.Nodes[1].Retire();
        swarm.RunFor(TimeSpan.FromSeconds(5));
        goesOn = false;
        Assert.True(swarm.RunUntil(() => client.UnderWay == 0, TimeSpan.FromSeconds(60)));

        Assert.IsType<MembershipChanged>(shrunk);
        Assert.InRange(facts, 100, int.MaxValue);
        Assert.All(swarm.History.Operations, operation => Assert.IsType<FactAccepted>(Assert.IsType<ClientOutcome.Fact>(operation.Outcome).Answer));
        Assert.Equal(2, swarm.CoverageOf(SimulationCoverage.MemberCaughtUpBySnapshot));
        Assert.Equal(2, swarm.CoverageOf(SimulationCoverage.MemberPromoted));
        Assert.True(swarm.RunUntil(() => swarm.Nodes.Skip(2).Select(node => node.Status()!.Ledger).Distinct().Count() == 1, TimeSpan.FromSeconds(30)));
        swarm.CheckEnd();
    }

    [Fact]
    public void A_machine_that_lost_its_disk_is_no_member_again_under_its_old_identity_and_a_new_one_takes_its_place()
    {
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = 12 });
        Assert.True(swarm.RunUntil(() => swarm.Leader is not null, TimeSpan.FromSeconds(30)));
        SimulatedNode lost = swarm.Nodes.First(node => node != swarm.Leader);
        SimulatedNode wiped = swarm.ReplaceMachine(lost);
        Assert.IsType<MembershipChanged>(Change(swarm, MembershipStep.Remove(lost.Id)));

        Assert.True(wiped.Start());
        Assert.Equal(MembershipRefusal.RemovedMember, Assert.IsType<MembershipNotChanged>(Change(swarm, Add(wiped))).Reason);
        wiped.Retire();
        SimulatedNode fresh = swarm.AddNode();
        Assert.True(fresh.Start());
        Assert.IsType<MembershipChanged>(Change(swarm, Add(fresh)));

        Assert.True(swarm.RunUntil(
            () => swarm.InService.All(node => node.Observation.Voters.Length == 3 && node.Observation.Voters.Contains(fresh.Id)), TimeSpan.FromSeconds(60)));
        Assert.True(lost.IsRetired);
        Assert.Throws<InvalidOperationException>(() => lost.Start());
        swarm.CheckEnd();
    }

    [Fact]
    public void What_a_machine_acknowledged_before_it_was_lost_counts()
    {
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = 13 });
        Assert.True(swarm.RunUntil(() => swarm.Leader is not null, TimeSpan.FromSeconds(30)));
        swarm.RunFor(TimeSpan.FromSeconds(2));
        NodeObservation leader = swarm.Leader!.Observation;
        SimulatedNode[] followers = [.. swarm.Nodes.Where(node => node != swarm.Leader)];
        swarm.Network.CutBetween(leader.Id, followers[0].Id);
        swarm.Network.CutBetween(followers[1].Id, followers[0].Id);
        swarm.AddClient().Propose(new ProposalCreated("proposal", "author"));
        Assert.True(swarm.RunUntil(
            () => leader.LastIndex > leader.CommitIndex && followers[1].Observation.Durable.Outline.LastIndex == leader.LastIndex, TimeSpan.FromSeconds(30)));

        // Now its log actor says so, which takes less than the way of a message.
        swarm.RunFor(TimeSpan.FromMicroseconds(swarm.Options.ServiceMicroseconds.Greatest));
        Assert.True(leader.CommitIndex < leader.LastIndex);
        swarm.ReplaceMachine(followers[1]);
        Assert.True(swarm.RunUntil(() => leader.CommitIndex == leader.LastIndex, TimeSpan.FromSeconds(1)));
    }

    private static MembershipOutcome Change(SimulatedSwarm swarm, MembershipStep step)
    {
        MembershipOutcome? outcome = null;
        swarm.Leader!.ChangeMembers([step], answer => outcome = answer);
        Assert.True(swarm.RunUntil(() => outcome is not null, TimeSpan.FromSeconds(30)));
        return outcome!;
    }

    private static MembershipStep Add(SimulatedNode node) => MembershipStep.Add(node.Id, MemberRole.Voter, SimulatedNode.AddressOf(node.Id));

    private static bool HasVoters(SimulatedNode node, params ulong[] ids) =>
        node.Observation.Configuration is { IsJoint: false } configuration
        && configuration.Voters.SequenceEqual(ids.Select(id => new NodeId(id)).ToImmutableArray());
}
