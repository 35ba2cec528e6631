using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Tests.Actors;

namespace Converge.Swarm.Tests.Client;

/// <summary>Handing over the leadership on request, with real actors on one thread.</summary>
public sealed class LeadershipTransferTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Leadership_goes_to_the_node_wanted_whichever_node_is_asked(bool askLeader)
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        Term before = leader.Status().Term;
        NodeId[] others = [.. swarm.Members.Where(id => id != leader.Id)];

        TestSwarm.Captured<LeadershipTransfer> outcome = Transfer(askLeader ? leader : swarm[others[0]], others[1]);
        swarm.RunUntil(() => outcome.HasValue);

        LeadershipTransferred done = Assert.IsType<LeadershipTransferred>(outcome.Value);
        Assert.Equal(others[1], done.Leader);
        Assert.True(done.Term > before);
        Assert.Equal(NodeRole.Leader, swarm[others[1]].Status().Role);
        swarm.AssertAgreement();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_a_name_another_node_leads_afterwards(bool askLeader)
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        NodeId follower = swarm.Members.First(id => id != leader.Id);

        TestSwarm.Captured<LeadershipTransfer> outcome = Transfer(askLeader ? leader : swarm[follower], NodeId.None);
        swarm.RunUntil(() => outcome.HasValue);

        Assert.NotEqual(leader.Id, Assert.IsType<LeadershipTransferred>(outcome.Value).Leader);
    }

    [Fact]
    public void Who_leads_already_is_said_to_lead()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();

        TestSwarm.Captured<LeadershipTransfer> outcome = Transfer(leader, leader.Id);
        swarm.Settle();

        Assert.Equal(new LeadershipTransferred(leader.Id, leader.Status().Term), outcome.Value);
    }

    [Fact]
    public void What_cannot_be_is_refused_and_changes_nothing()
    {
        var swarm = new TestSwarm();
        Assert.Equal(TransferRefusal.NoLeader, Refusal(swarm, swarm[swarm.Members[0]], swarm.Members[1]));
        TestSwarm.Node leader = swarm.ElectLeader();
        Term term = leader.Status().Term;

        Assert.Equal(TransferRefusal.UnknownMember, Refusal(swarm, leader, new NodeId(9)));
        Assert.Equal(TransferRefusal.UnknownMember, Refusal(swarm, swarm[swarm.Members.First(id => id != leader.Id)], new NodeId(9)));

        Assert.Equal((leader.Id, term), (swarm.Leader!.Id, leader.Status().Term));
    }

    [Fact]
    public void A_swarm_of_one_has_nobody_to_hand_over_to()
    {
        var swarm = new TestSwarm(nodes: 1);

        Assert.Equal(TransferRefusal.Unreachable, Refusal(swarm, swarm.ElectLeader(), NodeId.None));
    }

    [Fact]
    public void A_node_that_is_not_there_is_not_waited_for()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        NodeId gone = swarm.Members.First(id => id != leader.Id);
        swarm[gone].Crash();
        swarm.Run(ticks: 50);

        Assert.Equal(TransferRefusal.Unreachable, Refusal(swarm, leader, gone));
        TestSwarm.Answers answer = leader.Submit(new FactSubmission(new ProposalCreated("p", "author")));
        swarm.RunUntil(() => answer.All is not null);
        Assert.IsType<FactAccepted>(answer.Single);
    }

    [Fact]
    public void A_transfer_that_does_not_come_about_is_given_up_and_said()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        NodeId stalled = swarm.Members.First(id => id != leader.Id);
        swarm[stalled].DiskStandsStill = true;

        // It lacks this one, and cannot make it durable: the leader must not let it go.
        TestSwarm.Answers last = leader.Submit(new FactSubmission(new ProposalCreated("p", "author")));
        swarm.Settle();
        TestSwarm.Captured<LeadershipTransfer> outcome = Transfer(leader, stalled);
        TestSwarm.Captured<LeadershipTransfer> second = Transfer(leader, NodeId.None);
        swarm.RunUntil(() => outcome.HasValue);

        Assert.IsType<FactAccepted>(last.Single);
        Assert.Equal(leader.Id, Assert.IsType<LeadershipNotTransferred>(outcome.Value).Leader);
        Assert.Equal(TransferRefusal.Busy, Assert.IsType<LeadershipTransferRefused>(second.Value).Reason);
        TestSwarm.Answers answer = leader.Submit(new FactSubmission(new ProposalCreated("q", "author")));
        swarm.RunUntil(() => answer.All is not null);
        Assert.IsType<FactAccepted>(answer.Single);
    }

    [Fact]
    public void A_node_that_shuts_down_hands_over_by_itself()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        leader.Post(new NodeMessage.Drain(new TestSwarm.Captured<bool>()));

        Assert.Equal(TransferRefusal.Stopping, Refusal(swarm, leader, NodeId.None));
    }

    private static TestSwarm.Captured<LeadershipTransfer> Transfer(TestSwarm.Node asked, NodeId to)
    {
        var outcome = new TestSwarm.Captured<LeadershipTransfer>();
        asked.Post(new NodeMessage.TransferLeadership(to, outcome));
        return outcome;
    }

    private static TransferRefusal Refusal(TestSwarm swarm, TestSwarm.Node asked, NodeId to)
    {
        TestSwarm.Captured<LeadershipTransfer> outcome = Transfer(asked, to);
        swarm.Settle();
        return Assert.IsType<LeadershipTransferRefused>(outcome.Value).Reason;
    }
}
