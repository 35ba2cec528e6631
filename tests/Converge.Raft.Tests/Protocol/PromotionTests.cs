using Converge.Core;

namespace Converge.Raft.Tests.Protocol;

public sealed class PromotionTests
{
    private static readonly byte[] Data = [1];
    private static readonly NodeId Learner = new(4);

    [Fact]
    public void A_learner_that_has_caught_up_becomes_a_voter_by_itself()
    {
        TestCluster cluster = WithLearner();
        Assert.Equal(PromotionResult.Accepted, cluster[1].PromoteWhenCaughtUp(Learner));
        Tick(cluster, 2);
        Assert.Equal([1UL, 2, 3, 4], cluster[1].Configuration.Voters.Select(voter => voter.Value));
        Assert.Equal(cluster[1].Configuration, cluster[4].Configuration);
        Assert.Equal(PromotionState.None, ProgressOf(cluster, 4).Promotion);
    }

    [Fact]
    public void Without_a_wish_a_learner_stays_one_and_its_status_says_that_it_keeps_up()
    {
        TestCluster cluster = WithLearner();
        Tick(cluster, 30);
        Assert.True(cluster[1].Configuration.IsLearner(Learner));
        Assert.True(ProgressOf(cluster, 4).IsCaughtUp);
        Assert.Equal(PromotionState.None, ProgressOf(cluster, 4).Promotion);
    }

    [Fact]
    public void A_learner_that_does_not_run_is_never_promoted_and_is_when_it_comes_back()
    {
        TestCluster cluster = WithLearner();
        cluster.CutOff.Add(4);
        Tick(cluster, 10);
        Assert.False(ProgressOf(cluster, 4).IsCaughtUp);
        cluster[1].PromoteWhenCaughtUp(Learner);
        for (int i = 0; i < 300; i++)
        {
            Assert.Equal(ProposeResult.Accepted, cluster[1].Propose(Data));
            Tick(cluster, 1);
        }

        Assert.True(cluster[1].Configuration.IsLearner(Learner));
        Assert.Equal(cluster[1].LastIndex, cluster[1].CommitIndex);
        Assert.Equal(PromotionState.CatchingUp, ProgressOf(cluster, 4).Promotion);

        cluster.CutOff.Clear();
        Tick(cluster, 4);
        Assert.True(cluster[1].Configuration.IsVoter(Learner));
    }

    [Fact]
    public void A_learner_that_answers_but_never_keeps_up_is_given_up_after_so_many_rounds_and_may_be_asked_for_again()
    {
        TestCluster cluster = WithLearner(options => options with { MaxCatchUpRounds = 3 });

        // It answers heartbeats, but an acknowledgement, and not of all, comes through once in 14 ticks: every round is longer than an
        // election timeout of 10.
        bool isOpen = false;
        cluster.IsLost = message =>
            message.From == Learner && message.Kind == MessageKind.AppendResp && !(isOpen && message.Index < cluster[1].LastIndex);
        for (int tick = 0; tick < 14 * 6; tick++)
        {
            if (tick == 14)
            {
                Assert.Equal(PromotionResult.Accepted, cluster[1].PromoteWhenCaughtUp(Learner));
            }

            isOpen = tick % 14 == 13;
            cluster[1].Propose(Data);
            cluster[1].Propose(Data);
            Tick(cluster, 1);
            Assert.True(cluster[1].Configuration.IsLearner(Learner));
        }

        Assert.Equal(PromotionState.TooSlow, ProgressOf(cluster, 4).Promotion);
        Assert.False(ProgressOf(cluster, 4).IsCaughtUp);

        cluster.IsLost = _ => false;
        Tick(cluster, 20);
        Assert.Equal(PromotionState.TooSlow, ProgressOf(cluster, 4).Promotion);
        Assert.Equal(PromotionResult.Accepted, cluster[1].PromoteWhenCaughtUp(Learner));
        Tick(cluster, 2);
        Assert.True(cluster[1].Configuration.IsVoter(Learner));
    }

    [Fact]
    public void A_promotion_that_a_transfer_or_a_pending_change_holds_up_is_tried_again()
    {
        TestCluster cluster = WithLearner();
        cluster.CutOff.Add(3);
        cluster[1].Propose(Data);
        cluster.Settle();
        cluster[1].TransferLeadership(new NodeId(3));
        LogIndex last = cluster[1].LastIndex;
        cluster[1].PromoteWhenCaughtUp(Learner);
        Tick(cluster, 5);
        Assert.Equal(last, cluster[1].LastIndex);
        Assert.Equal(PromotionState.Ready, ProgressOf(cluster, 4).Promotion);

        // The transfer fails after an election timeout.
        Tick(cluster, 7);
        Assert.True(cluster[1].Configuration.IsVoter(Learner));

        cluster.AddNode(new InMemoryRaftStorage());
        cluster[1].ProposeConfigurationChange(new ConfigurationChange(
            [new MemberChange(MemberChangeKind.AddLearner, new NodeId(5))], ConfigurationTransition.JointExplicit));
        cluster.Settle();
        last = cluster[1].LastIndex;
        cluster[1].PromoteWhenCaughtUp(new NodeId(5));
        Tick(cluster, 5);
        Assert.Equal(last, cluster[1].LastIndex);
        cluster[1].ProposeConfigurationChange(ConfigurationChange.Leave);
        Tick(cluster, 3);
        Assert.True(cluster[1].Configuration.IsVoter(new NodeId(5)));
    }

    [Fact]
    public void Two_learners_are_promoted_one_after_the_other()
    {
        TestCluster cluster = WithLearner();
        cluster.AddNode(new InMemoryRaftStorage());
        cluster[1].ProposeConfigurationChange(new ConfigurationChange([new MemberChange(MemberChangeKind.AddLearner, new NodeId(5))]));
        Tick(cluster, 2);
        cluster[1].PromoteWhenCaughtUp(Learner);
        cluster[1].PromoteWhenCaughtUp(new NodeId(5));
        LogIndex last = cluster[1].LastIndex;
        cluster[1].Tick();
        cluster[1].Tick();
        Assert.Equal(last.Next, cluster[1].LastIndex);
        Tick(cluster, 3);
        Assert.Equal(5, cluster[1].Configuration.Voters.Length);
        Assert.Empty(cluster[1].Configuration.Learners);
        Assert.Equal(last.Next.Next, cluster[1].LastIndex);
    }

    [Fact]
    public void The_wish_ends_with_the_leadership_and_can_be_taken_back()
    {
        TestCluster cluster = WithLearner();
        cluster[1].PromoteWhenCaughtUp(Learner);
        cluster[1].CancelPromotion(Learner);
        Tick(cluster, 5);
        Assert.True(cluster[1].Configuration.IsLearner(Learner));

        cluster.CutOff.Add(4);
        Tick(cluster, 10);
        cluster[1].PromoteWhenCaughtUp(Learner);
        cluster[1].TransferLeadership(new NodeId(2));
        cluster.Settle();
        cluster.Tick(2);
        cluster.Settle();
        cluster[2].TransferLeadership(new NodeId(1));
        cluster.Settle();
        Assert.Equal(RaftRole.Leader, cluster[1].Role);
        cluster.CutOff.Clear();
        Tick(cluster, 20);
        Assert.True(cluster[1].Configuration.IsLearner(Learner));
        Assert.Equal(PromotionState.None, ProgressOf(cluster, 4).Promotion);
    }

    [Fact]
    public void Only_a_leader_takes_the_wish_and_only_for_a_learner()
    {
        TestCluster cluster = WithLearner();
        Assert.Equal(PromotionResult.NotLeader, cluster[2].PromoteWhenCaughtUp(Learner));
        Assert.Equal(PromotionResult.NotLearner, cluster[1].PromoteWhenCaughtUp(new NodeId(2)));
        Assert.Equal(PromotionResult.NotLearner, cluster[1].PromoteWhenCaughtUp(new NodeId(9)));
    }

    [Fact]
    public void A_refused_promotion_leaves_no_empty_entries_behind()
    {
        TestCluster cluster = WithLearner(options => options with { RefuseInvalidConfigurationChanges = false });
        cluster.CutOff.UnionWith([2, 3]);
        cluster[1].ProposeConfigurationChange(new ConfigurationChange([new MemberChange(MemberChangeKind.AddLearner, new NodeId(5))]));
        LogIndex last = cluster[1].LastIndex;
        cluster[1].PromoteWhenCaughtUp(Learner);
        Tick(cluster, 8);
        Assert.Equal(last, cluster[1].LastIndex);
    }

    [Fact]
    public void A_clone_keeps_the_wish_and_a_fingerprint_tells_it()
    {
        TestCluster cluster = WithLearner();
        StateFingerprint before = FingerprintOf(cluster[1]);
        cluster[1].PromoteWhenCaughtUp(Learner);
        Assert.NotEqual(before, FingerprintOf(cluster[1]));
        RaftNode clone = cluster[1].Clone(cluster.Storages[0].Clone());
        Assert.Equal(FingerprintOf(cluster[1]), FingerprintOf(clone));
        clone.Tick();
        Assert.Equal(cluster[1].LastIndex.Next, clone.LastIndex);
    }

    private static StateFingerprint FingerprintOf(RaftNode node)
    {
        StateFingerprint fingerprint = default;
        node.Fingerprint(ref fingerprint);
        return fingerprint;
    }

    private static FollowerProgress ProgressOf(TestCluster cluster, ulong id) =>
        Assert.Single(cluster[1].Status().Progress, progress => progress.Id == new NodeId(id));

    private static void Tick(TestCluster cluster, int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            cluster.Tick(1);
            cluster.Settle();
        }
    }

    /// <summary>Three voters led by the first, and a learner that holds the whole log.</summary>
    private static TestCluster WithLearner(Func<RaftOptions, RaftOptions>? configure = null)
    {
        var cluster = new TestCluster(3, configure);
        cluster.Elect(1);
        cluster.AddNode(new InMemoryRaftStorage());
        Assert.Equal(
            ProposeResult.Accepted,
            cluster[1].ProposeConfigurationChange(new ConfigurationChange([new MemberChange(MemberChangeKind.AddLearner, Learner)])));
        Tick(cluster, 3);
        Assert.True(cluster[4].Configuration.IsLearner(Learner));
        return cluster;
    }
}
