using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

public sealed class PriorityTests
{
    private static readonly byte[] Data = [1];

    private static readonly ImmutableDictionary<NodeId, int> PreferThird =
        ImmutableDictionary<NodeId, int>.Empty.Add(new NodeId(3), 2).Add(new NodeId(2), 1);

    [Fact]
    public void The_preferred_voter_campaigns_first()
    {
        for (int attempt = 0; attempt < 20; attempt++)
        {
            ulong seed = (ulong)attempt * 10;
            TestCluster cluster = new(
                3, options => options with { Priorities = PreferThird, Random = new SeededRandom(seed + options.Id.Value) });
            RaftNode leader = ElectByTicks(cluster, 1, 2, 3);
            Assert.Equal(new NodeId(3), leader.Id);
        }
    }

    [Fact]
    public void Without_the_preferred_ones_the_last_one_left_is_elected_within_five_election_timeouts()
    {
        TestCluster cluster = new(3, options => options with { Priorities = PreferThird });
        cluster.CutOff.Add(3);

        // Node 2 only answers; it does not tick. Node 1 waits for both.
        int ticks = 0;
        while (cluster[1].Role != RaftRole.Leader)
        {
            Assert.True(ticks < 50, $"No leader after {ticks} ticks.");
            cluster.Tick(1);
            cluster.Settle();
            ticks++;
        }

        Assert.InRange(ticks, 30, 40);
    }

    [Fact]
    public void A_preferred_voter_that_cannot_win_keeps_nobody_from_being_elected()
    {
        // Found by the simulated cluster: without pre-vote it campaigned before anybody else had waited, which made all others wait anew.
        TestCluster cluster = new(3, options => options with { Priorities = PreferThird, PreVote = false });
        cluster.Elect(1);
        cluster.CutOff.Add(3);
        cluster[1].Propose(Data);
        cluster.Settle();
        cluster.CutOff.Clear();
        cluster.CutOff.Add(1);
        int ticks = 0;
        while (cluster[2].Role != RaftRole.Leader)
        {
            Assert.True(ticks < 200, $"No leader after {ticks} ticks; term {cluster[2].Term}.");
            cluster.Tick(2, 3);
            cluster.Settle();
            ticks++;
        }
    }

    [Fact]
    public void A_leader_hands_over_to_a_preferred_voter_that_has_caught_up_only_when_told_to()
    {
        TestCluster stays = new(3, options => options with { Priorities = PreferThird });
        stays.Elect(1);
        Tick(stays, 60);
        Assert.Equal(RaftRole.Leader, stays[1].Role);

        TestCluster yields = new(3, options => options with { Priorities = PreferThird, YieldToHigherPriority = true });
        yields.Elect(1);
        Tick(yields, 11);
        Assert.Equal(RaftRole.Leader, yields[3].Role);
        Tick(yields, 60);
        Assert.Equal(RaftRole.Leader, yields[3].Role);
    }

    [Fact]
    public void A_leader_does_not_hand_over_to_one_that_does_not_answer_or_lags()
    {
        TestCluster cluster = new(3, options => options with { Priorities = PreferThird, YieldToHigherPriority = true });
        cluster.CutOff.Add(3);
        cluster.Elect(1);
        cluster[1].Propose(Data);
        Tick(cluster, 11);
        Assert.Equal(RaftRole.Leader, cluster[2].Role);

        // It answers heartbeats, but takes no entries.
        cluster.CutOff.Clear();
        cluster.IsLost = message => message.To == new NodeId(3) && message.Kind == MessageKind.Append;
        cluster[2].Propose(Data);
        Tick(cluster, 40);
        Assert.Equal(RaftRole.Leader, cluster[2].Role);

        cluster.IsLost = _ => false;
        Tick(cluster, 25);
        Assert.Equal(RaftRole.Leader, cluster[3].Role);
    }

    [Fact]
    public void A_preferred_voter_that_cannot_win_costs_less_and_less()
    {
        TestCluster cluster = new(3, options => options with { Priorities = PreferThird.Remove(new NodeId(2)), YieldToHigherPriority = true });
        cluster.Elect(1);

        // It keeps up, but never hears that it should campaign.
        cluster.IsLost = message => message.Kind == MessageKind.TimeoutNow;
        int refused = 0;
        for (int tick = 0; tick < 2_000; tick++)
        {
            Tick(cluster, 1);
            refused += cluster[1].Propose(Data) == ProposeResult.Transferring ? 1 : 0;
            cluster.Settle();
        }

        // 1, 2, 4, … 64 election timeouts of ten ticks pass between attempts that take one each.
        Assert.Equal(RaftRole.Leader, cluster[1].Role);
        Assert.InRange(refused, 40, 100);
    }

    [Fact]
    public void Priorities_that_cannot_be_meant_are_refused()
    {
        var options = new RaftOptions { Id = new NodeId(1), Random = new SeededRandom(1) };
        Assert.Equal(nameof(RaftOptions.Priorities), Assert.Single((options with { Priorities = PreferThird.SetItem(new NodeId(1), -1) }).Validate()).Option);
        Assert.Equal(
            nameof(RaftOptions.YieldToHigherPriority),
            Assert.Single((options with { YieldToHigherPriority = true, CheckQuorum = false }).Validate()).Option);
    }

    private static RaftNode ElectByTicks(TestCluster cluster, params int[] ids)
    {
        for (int tick = 0; tick < 60; tick++)
        {
            foreach (int id in ids)
            {
                cluster.Tick(id);
                cluster.Settle();
                if (cluster[id].Role == RaftRole.Leader)
                {
                    return cluster[id];
                }
            }
        }

        throw new InvalidOperationException("Nobody was elected.");
    }

    private static void Tick(TestCluster cluster, int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            foreach (RaftNode node in cluster.Nodes)
            {
                node.Tick();
            }

            cluster.Settle();
        }
    }
}
