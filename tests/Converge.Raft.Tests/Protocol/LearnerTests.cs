using Converge.Core;

namespace Converge.Raft.Tests.Protocol;

/// <summary>Learners are never counted: three voters of which two are cut off, and two learners that answer everything.</summary>
public sealed class LearnerTests
{
    private static readonly NodeId Four = new(4);
    private static readonly NodeId Five = new(5);

    [Fact]
    public void What_only_learners_acknowledge_is_not_committed()
    {
        TestCluster cluster = WithLearners(options => options with { CheckQuorum = false });
        LogIndex committed = cluster[1].CommitIndex;
        cluster.CutOff.UnionWith([2, 3]);
        Assert.Equal(ProposeResult.Accepted, cluster[1].Propose(new byte[] { 1 }));
        Tick(cluster, 30);
        Assert.Equal([cluster[1].LastIndex, cluster[1].LastIndex], MatchOf(cluster, Four, Five));
        Assert.Equal((committed, committed.Next), (cluster[1].CommitIndex, cluster[1].LastIndex));

        // One voter more is a majority of the voters.
        cluster.CutOff.Remove(2);
        Tick(cluster, 3);
        Assert.Equal(cluster[1].LastIndex, cluster[1].CommitIndex);
    }

    [Fact]
    public void A_read_that_only_learners_confirm_is_not_answered()
    {
        TestCluster cluster = WithLearners(options => options with { CheckQuorum = false });
        cluster.CutOff.UnionWith([2, 3]);
        Assert.Equal(ReadIndexResult.Accepted, cluster[1].ReadIndex(1));
        Tick(cluster, 30);
        Assert.Empty(cluster.Reads);

        cluster.CutOff.Remove(3);
        Tick(cluster, 3);
        Assert.Single(cluster.Reads);
    }

    [Fact]
    public void A_leader_that_hears_of_learners_alone_steps_down()
    {
        TestCluster cluster = WithLearners();
        cluster.CutOff.UnionWith([2, 3]);
        Tick(cluster, 30);
        Assert.NotEqual(RaftRole.Leader, cluster[1].Role);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_votes_of_learners_elect_nobody(bool preVote)
    {
        TestCluster cluster = WithLearners(options => options with { PreVote = preVote, CheckQuorum = false });
        cluster.CutOff.UnionWith([1, 3]);
        cluster[2].Campaign();
        cluster.Settle();
        RaftRole role = preVote ? RaftRole.PreCandidate : RaftRole.Candidate;
        Assert.Equal(role, cluster[2].Role);

        // Nobody asks them; these two say yes all the same.
        foreach (NodeId learner in new[] { Four, Five })
        {
            cluster[2].Step(new Message
            {
                Kind = preVote ? MessageKind.PreVoteResp : MessageKind.VoteResp,
                From = learner,
                To = cluster[2].Id,
                Term = preVote ? cluster[2].Term.Next : cluster[2].Term,
            });
        }

        cluster.Settle();
        Assert.Equal(role, cluster[2].Role);
    }

    [Fact]
    public void A_learner_that_hears_of_nobody_does_not_campaign()
    {
        TestCluster cluster = WithLearners();
        cluster.CutOff.UnionWith([1, 2, 3]);
        Term term = cluster[4].Term;
        for (int i = 0; i < 100; i++)
        {
            cluster.Tick(4, 5);
            cluster.Settle();
        }

        cluster[4].Campaign();
        cluster.Settle();
        Assert.Equal((RaftRole.Follower, term), (cluster[4].Role, cluster[4].Term));
        Assert.Equal((RaftRole.Follower, term), (cluster[5].Role, cluster[5].Term));
    }

    private static LogIndex[] MatchOf(TestCluster cluster, params NodeId[] members) =>
        [.. cluster[1].Status().Progress.Where(progress => members.Contains(progress.Id)).Select(progress => progress.Match)];

    private static void Tick(TestCluster cluster, int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            cluster.Tick(1);
            cluster.Settle();
        }
    }

    /// <summary>Three voters led by the first, and two learners that hold the whole log.</summary>
    private static TestCluster WithLearners(Func<RaftOptions, RaftOptions>? configure = null)
    {
        var cluster = new TestCluster(3, configure);
        cluster.Elect(1);
        foreach (NodeId learner in new[] { Four, Five })
        {
            cluster.AddNode(new InMemoryRaftStorage());
            Assert.Equal(
                ProposeResult.Accepted,
                cluster[1].ProposeConfigurationChange(new ConfigurationChange([new MemberChange(MemberChangeKind.AddLearner, learner)])));
            Tick(cluster, 3);
        }

        Assert.All(cluster.Nodes, node => Assert.Equal([4UL, 5], node.Configuration.Learners.Select(learner => learner.Value)));
        Assert.All(cluster.Nodes, node => Assert.Equal(cluster[1].LastIndex, node.LastIndex));
        return cluster;
    }
}
