using Converge.Core;

namespace Converge.Raft.Tests.Protocol;

public sealed class LeaseReadTests
{
    [Fact]
    public void Within_a_lease_a_read_needs_no_round_trip()
    {
        TestCluster cluster = Leading();
        cluster.Tick(1, 2, 3);
        cluster.Settle();
        cluster.CutOff.Add(1);
        cluster[1].ReadIndex(7);
        cluster.Settle();
        Assert.Equal(new ReadState(cluster[1].CommitIndex, 7), Assert.Single(cluster.Reads));
    }

    [Fact]
    public void A_lease_is_counted_from_when_the_heartbeat_was_sent_less_the_drift()
    {
        // Ten ticks less one: a heartbeat sent in a tick covers that one and the eight after it.
        TestCluster cluster = Leading();
        cluster.Tick(1);
        cluster.Settle();
        cluster.CutOff.Add(1);
        for (int tick = 0; tick < 8; tick++)
        {
            cluster[1].Tick();
            cluster[1].ReadIndex((ulong)tick);
            cluster.Settle();
            Assert.Equal(tick + 1, cluster.Reads.Count);
        }

        cluster[1].Tick();
        cluster[1].ReadIndex(99);
        cluster.Settle();
        Assert.Equal(8, cluster.Reads.Count);
    }

    [Fact]
    public void Once_the_leadership_was_offered_no_lease_holds_any_more()
    {
        TestCluster cluster = Leading();
        cluster.Tick(1);
        cluster.Settle();

        // 2 is told to campaign, but the message is lost; so the leader must assume for the rest of the term.
        cluster.CutOff.Add(2);
        cluster[1].TransferLeadership(new NodeId(2));
        cluster.Settle();
        cluster[1].TransferLeadership(new NodeId(1));
        cluster.CutOff.Add(1);
        cluster[1].ReadIndex(7);
        cluster.Settle();
        Assert.Empty(cluster.Reads);
    }

    [Fact]
    public void A_read_that_refuses_leases_waits_for_the_quorum_whoever_asks()
    {
        TestCluster cluster = Leading();
        cluster.Tick(1);
        cluster.Settle();
        cluster.IsLost = message => message.Kind is not (MessageKind.ReadIndex or MessageKind.ReadIndexResp);
        cluster[2].ReadIndex(5, ReadMode.Safe);
        cluster[2].ReadIndex(6, ReadMode.LeaseBased);
        cluster.Settle();
        Assert.Equal(6UL, Assert.Single(cluster.Reads).Context);

        cluster[1].ReadIndex(7, ReadMode.Safe);
        cluster[1].ReadIndex(8, ReadMode.LeaseBased);
        cluster.Settle();
        Assert.Equal([6UL, 8UL], cluster.Reads.Select(read => read.Context));

        cluster.IsLost = _ => false;
        cluster.Tick(1);
        cluster.Settle();
        Assert.Equal([5UL, 6UL, 7UL, 8UL], cluster.Reads.Select(read => read.Context).Order());
    }

    [Fact]
    public void A_lease_on_the_host_s_clock_ends_with_that_clock_however_few_ticks_came()
    {
        var cluster = new TestCluster(3, options => Options(options) with { LeaseClockIsExternal = true });
        cluster.Elect(1);
        cluster[1].AdvanceLeaseClock(1_000_000_000_000);
        cluster.Tick(1);
        cluster.Settle();
        cluster.CutOff.Add(1);

        // No tick is needed for a lease to end, and none ends it.
        cluster[1].AdvanceLeaseClock(8);
        cluster[1].Tick();
        cluster[1].ReadIndex(7);
        cluster.Settle();
        Assert.Equal(7UL, Assert.Single(cluster.Reads).Context);

        cluster[1].AdvanceLeaseClock(1);
        cluster[1].ReadIndex(8);
        cluster.Settle();
        Assert.Single(cluster.Reads);
    }

    [Fact]
    public void A_follower_stays_loyal_across_a_restart()
    {
        TestCluster cluster = Leading();
        var restarted = new RaftNode(Options(new RaftOptions { Id = new NodeId(2), Random = new Cluster.SeededRandom(1) }), cluster.Storages[1].Clone());
        var vote = new Message
        {
            Kind = MessageKind.Vote,
            From = new NodeId(3),
            To = new NodeId(2),
            Term = restarted.Term.Next,
            LogTerm = restarted.Term,
            Index = new LogIndex(100),
        };
        Term before = restarted.Term;
        restarted.Step(vote);
        Assert.Equal(before, restarted.Term);
        Assert.Equal(0, restarted.Machine.MessagesAfterAppend.Count);

        // An election timeout later it may have forgotten any leader.
        for (int tick = 0; tick < 10; tick++)
        {
            restarted.Tick();
        }

        restarted.Step(vote);
        Assert.Equal(vote.Term, restarted.Term);
        Assert.False(Assert.Single(restarted.Machine.MessagesAfterAppend.Items.ToArray()).Reject);
    }

    private static TestCluster Leading()
    {
        var cluster = new TestCluster(3, Options);
        cluster.Elect(1);
        Assert.Empty(cluster.Reads);
        return cluster;
    }

    private static RaftOptions Options(RaftOptions options) =>
        options with { ReadMode = ReadMode.LeaseBased, CheckQuorum = true, ElectionTicks = 10, LeaseDriftTicks = 1 };
}
