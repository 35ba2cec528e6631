using Converge.Core;

namespace Converge.Raft.Tests.Protocol;

public sealed class ReadIndexTests
{
    [Fact]
    public void A_single_voter_answers_at_once_but_not_before_its_first_commit()
    {
        var cluster = new TestCluster(1);
        cluster[1].Campaign();
        cluster.Handle(cluster[1]);
        cluster.Handle(cluster[1]);
        Assert.Equal(RaftRole.Leader, cluster[1].Role);
        cluster[1].ReadIndex(1);
        Assert.Equal(new LogIndex(1), cluster[1].CommitIndex);
        cluster.Settle();
        Assert.Equal(new ReadState(new LogIndex(2), 1), Assert.Single(cluster.Reads));
        cluster[1].ReadIndex(2);
        cluster.Settle();
        Assert.Equal(2, cluster.Reads.Count);
    }

    [Fact]
    public void Reads_that_come_together_share_one_round_of_heartbeats()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        for (ulong context = 0; context < 100; context++)
        {
            Assert.Equal(ReadIndexResult.Accepted, cluster[1].ReadIndex(context));
        }

        Assert.Equal(2, cluster[1].Machine.Messages.Count);
        cluster.Settle();
        Assert.Equal(100, cluster.Reads.Count);
    }

    [Fact]
    public void Reads_that_wait_are_bounded()
    {
        var cluster = new TestCluster(3, options => options with { MaxPendingReads = 2 });
        cluster.Elect(1);
        Assert.Equal(ReadIndexResult.Accepted, cluster[1].ReadIndex(1));
        Assert.Equal(ReadIndexResult.Accepted, cluster[1].ReadIndex(2));
        Assert.Equal(ReadIndexResult.TooManyPending, cluster[1].ReadIndex(3));
        cluster.Settle();
        Assert.Equal(2, cluster.Reads.Count);
        Assert.Equal(ReadIndexResult.Accepted, cluster[1].ReadIndex(3));
    }

    [Fact]
    public void A_leader_that_was_replaced_answers_no_read()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.CutOff.Add(1);
        cluster[2].ForgetLeader();
        cluster[3].ForgetLeader();
        cluster.Elect(2);
        cluster[1].ReadIndex(1);
        cluster.Settle();
        cluster.CutOff.Clear();
        cluster[1].Tick();
        cluster.Settle();
        Assert.Equal(RaftRole.Follower, cluster[1].Role);
        Assert.Empty(cluster.Reads);
        Assert.Equal(ReadIndexResult.NoLeader, new TestCluster(3)[1].ReadIndex(1));
    }
}
