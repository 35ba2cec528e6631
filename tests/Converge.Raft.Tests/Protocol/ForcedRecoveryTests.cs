using Converge.Core;

namespace Converge.Raft.Tests.Protocol;

public sealed class ForcedRecoveryTests
{
    private static readonly byte[] Marker = "quorum lost, ann decided"u8.ToArray();

    [Fact]
    public void A_survivor_goes_on_alone_with_all_that_it_holds_and_a_marker()
    {
        TestCluster cluster = Working(3);
        ForcedRecoveryPlan plan = PlanOf(cluster, 1, 2, 3);
        Assert.Equal("voters=(1)", plan.After.ToString());
        Assert.Equal(cluster.Storages[0].LastIndex, plan.LastIndexBefore);
        Assert.Equal(Marker, plan.Entries[0].Data.ToArray());
        Assert.Equal(plan.Entries[^1].Index, plan.HardState.Commit);

        LogIndex before = cluster[1].LastIndex;
        Write(cluster, 1, plan);
        cluster.CutOff.UnionWith([2, 3]);
        cluster.Restart(1);
        cluster.Settle();
        Assert.Equal(plan.After, cluster[1].Configuration);
        cluster.Elect(1);
        Assert.Equal(ProposeResult.Accepted, cluster[1].Propose(new byte[] { 42 }));
        cluster.Settle();
        Assert.Equal(cluster[1].LastIndex, cluster[1].CommitIndex);
        Assert.True(cluster[1].CommitIndex > before);
        Assert.Contains(cluster.Applied[new NodeId(1)], data => data.SequenceEqual(Marker));
    }

    [Fact]
    public void What_the_survivor_held_but_did_not_know_to_be_committed_is_kept_and_counted()
    {
        TestCluster cluster = Working(3);
        cluster.CutOff.UnionWith([2, 3]);
        cluster[1].Propose(new byte[] { 7 });
        cluster[1].Propose(new byte[] { 8 });
        cluster.Settle();
        ForcedRecoveryPlan plan = PlanOf(cluster, 1, 2, 3);
        Assert.Equal(2UL, plan.UncertainEntries);
        Write(cluster, 1, plan);
        cluster.Restart(1);
        cluster.Settle();
        Assert.Equal([7, 8], cluster.Applied[new NodeId(1)].Where(data => data.Length == 1 && data[0] is 7 or 8).Select(data => data[0]));
        Assert.Contains("2 entries behind that count as committed", plan.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_member_that_comes_back_on_its_old_disk_is_not_listened_to()
    {
        TestCluster cluster = Working(3);
        cluster.CutOff.Add(1);
        for (int i = 0; i < 40; i++)
        {
            // It leads, and raises its term, for a while.
            cluster.Tick(2, 3);
            cluster.Settle();
        }

        cluster.CutOff.UnionWith([2, 3]);
        Write(cluster, 1, PlanOf(cluster, 1, 2, 3));
        cluster.Restart(1);
        cluster.Settle();
        cluster.Elect(1);
        Term term = cluster[1].Term;
        cluster.CutOff.Remove(1);
        cluster.CutOff.Remove(2);
        for (int i = 0; i < 100; i++)
        {
            cluster.Tick(1, 2);
            cluster.Settle();
        }

        Assert.Equal((RaftRole.Leader, term), (cluster[1].Role, cluster[1].Term));
        Assert.NotEqual(RaftRole.Leader, cluster[2].Role);
    }

    [Fact]
    public void New_members_come_to_the_configuration_of_the_survivor_by_reading_its_log()
    {
        TestCluster cluster = Working(3);
        cluster.CutOff.UnionWith([2, 3]);
        Write(cluster, 1, PlanOf(cluster, 1, 2, 3));
        cluster.Restart(1);
        cluster.Settle();
        cluster.Elect(1);
        cluster.AddNode(new InMemoryRaftStorage());
        cluster[1].ProposeConfigurationChange(new ConfigurationChange([new MemberChange(MemberChangeKind.AddLearner, new NodeId(4))]));
        Tick(cluster, 3);
        Assert.Equal(PromotionResult.Accepted, cluster[1].PromoteWhenCaughtUp(new NodeId(4)));
        Tick(cluster, 3);
        Assert.Equal("voters=(1 4)", cluster[4].Configuration.ToString());
        Assert.Equal(cluster[1].CommitIndex, cluster[4].CommitIndex);
        Assert.Equal(cluster.Applied[new NodeId(1)].TakeLast(1), cluster.Applied[new NodeId(4)].TakeLast(1));
    }

    [Fact]
    public void A_joint_configuration_is_left_on_the_way()
    {
        TestCluster cluster = Working(3);
        cluster.AddNode(new InMemoryRaftStorage());
        cluster[1].ProposeConfigurationChange(new ConfigurationChange(
            [new MemberChange(MemberChangeKind.AddVoter, new NodeId(4)), new MemberChange(MemberChangeKind.Remove, new NodeId(1))],
            ConfigurationTransition.JointExplicit));
        cluster.Settle();
        Tick(cluster, 2);
        Assert.True(cluster[1].Configuration.IsJoint);

        ForcedRecoveryPlan plan = PlanOf(cluster, 1, 2, 3, 4);
        Assert.True(plan.Before.IsJoint);
        Assert.Equal("voters=(1)", plan.After.ToString());
        Write(cluster, 1, plan);
        cluster.CutOff.UnionWith([2, 3, 4]);
        cluster.Restart(1);
        cluster.Settle();
        cluster.Elect(1);
    }

    [Fact]
    public void Members_that_nobody_named_are_abandoned_and_named()
    {
        TestCluster cluster = Working(5);
        ForcedRecoveryPlan plan = PlanOf(cluster, 1, 3, 4, 5);
        Assert.Equal(new NodeId(2), Assert.Single(plan.Abandoned));
        Assert.Contains("Abandoned: 2.", plan.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("FORCED RECOVERY", plan.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Force_is_refused_where_it_is_not_needed_or_not_stated()
    {
        TestCluster cluster = Working(3);
        Assert.Equal(ForcedRecoveryFault.QuorumRemains, Try(cluster, Request(1, 2)));
        Assert.Equal(ForcedRecoveryFault.QuorumRemains, Try(cluster, Request(1)));
        Assert.Equal(ForcedRecoveryFault.SurvivorNamedLost, Try(cluster, Request(1, 1, 2)));
        Assert.Equal(ForcedRecoveryFault.NotAVoter, Try(cluster, Request(1, 2, 9)));
        Assert.Equal(ForcedRecoveryFault.NotAVoter, Try(cluster, Request(1, 2, 2)));
        Assert.Equal(ForcedRecoveryFault.SurvivorNotMember, Try(cluster, Request(9, 2, 3)));
        Assert.Equal(ForcedRecoveryFault.MarkerMissing, Try(cluster, Request(1, 2, 3) with { Marker = default }));
        Assert.Equal(ForcedRecoveryFault.LogEmpty, ForcedRecovery.TryPlan(new InMemoryRaftStorage(), Request(1, 2, 3), out _));
        Assert.Equal(ForcedRecoveryFault.None, Try(cluster, Request(1, 2, 3)));
    }

    [Fact]
    public void The_more_complete_log_is_the_one_of_the_later_term_then_the_longer_one()
    {
        TestCluster cluster = Working(3);
        Assert.Equal(0, ForcedRecovery.CompareLogs(cluster.Storages[0], cluster.Storages[1]));
        cluster.CutOff.UnionWith([2, 3]);
        cluster[1].Propose(new byte[] { 1 });
        cluster.Settle();
        Assert.True(ForcedRecovery.CompareLogs(cluster.Storages[0], cluster.Storages[1]) > 0);
        cluster.CutOff.Clear();
        cluster.CutOff.Add(1);
        for (int i = 0; i < 60; i++)
        {
            cluster.Tick(2, 3);
            cluster.Settle();
        }

        Assert.True(ForcedRecovery.CompareLogs(cluster.Storages[0], cluster.Storages[1]) < 0);
    }

    private static ForcedRecoveryRequest Request(ulong survivor, params ulong[] lost) => new()
    {
        Survivor = new NodeId(survivor),
        LostVoters = [.. lost.Select(id => new NodeId(id))],
        Marker = Marker,
    };

    private static ForcedRecoveryFault Try(TestCluster cluster, ForcedRecoveryRequest request) =>
        ForcedRecovery.TryPlan(cluster.Storages[0], request, out _);

    private static ForcedRecoveryPlan PlanOf(TestCluster cluster, int survivor, params ulong[] lost)
    {
        cluster.Storages[survivor - 1].SetConfiguration(cluster[survivor].Configuration);
        ForcedRecoveryFault fault = ForcedRecovery.TryPlan(
            cluster.Storages[survivor - 1],
            Request((ulong)survivor, lost) with { Applied = cluster[survivor].AppliedIndex },
            out ForcedRecoveryPlan? plan);
        Assert.Equal(ForcedRecoveryFault.None, fault);
        Assert.NotNull(plan);
        return plan;
    }

    private static void Write(TestCluster cluster, int survivor, ForcedRecoveryPlan plan)
    {
        Assert.Equal(StorageChange.Done, cluster.Storages[survivor - 1].Append(plan.Entries.AsSpan()));
        cluster.Storages[survivor - 1].SetHardState(plan.HardState);
    }

    private static TestCluster Working(int voters)
    {
        var cluster = new TestCluster(voters);
        cluster.Elect(1);
        for (byte i = 100; i < 105; i++)
        {
            cluster[1].Propose(new[] { i });
            cluster.Settle();
        }

        Tick(cluster, 2);
        return cluster;
    }

    private static void Tick(TestCluster cluster, int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            cluster.Tick(1);
            cluster.Settle();
        }
    }
}
