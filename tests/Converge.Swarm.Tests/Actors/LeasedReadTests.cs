using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Tests.Actors;

/// <summary>Reads on a lease: as current as any other, without a word to anybody, and never from a lease that is over.</summary>
public sealed class LeasedReadTests
{
    [Fact]
    public void A_leader_with_a_lease_answers_alone()
    {
        TestSwarm swarm = Leased();
        TestSwarm.Node leader = swarm.ElectLeader();
        Commit(swarm, leader, "p");
        swarm.Run(2);

        swarm.Isolate(leader.Id);
        TestSwarm.Captured<QueryAnswer<ProposalView?>> leased = leader.Read("p", ReadConsistency.Leased);
        TestSwarm.Captured<QueryAnswer<ProposalView?>> linearizable = leader.Read("p");
        swarm.Settle();

        Assert.Equal("p", leased.Value!.Value!.ProposalId);
        Assert.False(linearizable.HasValue);
    }

    [Fact]
    public void A_lease_that_ran_out_answers_nothing()
    {
        TestSwarm swarm = Leased();
        TestSwarm.Node leader = swarm.ElectLeader();
        swarm.Run(2);

        swarm.Isolate(leader.Id);
        swarm.Run(TestSwarm.ElectionTicks);
        TestSwarm.Captured<QueryAnswer<ProposalView?>> read = leader.Read("p", ReadConsistency.Leased);
        swarm.Settle();

        Assert.True(!read.HasValue || read.Value!.Reason == NotCommittedReason.NoLeader);
    }

    [Fact]
    public void A_process_that_was_paused_serves_no_leased_read_from_before_its_pause()
    {
        TestSwarm swarm = Leased();
        TestSwarm.Node old = swarm.ElectLeader();
        Commit(swarm, old, "p");
        swarm.Run(2);

        old.IsPaused = true;
        swarm.RunUntil(() => swarm.Leader is { } next && next.Id != old.Id);
        TestSwarm.Node leader = swarm.Leader!;
        TestSwarm.Answers approval = leader.Submit(new FactSubmission(new PromotionApproved("p", "bob")));
        swarm.RunUntil(() => approval.All is not null);
        Assert.IsType<FactAccepted>(approval.Single);

        // It wakes up, and nothing of what the others said has reached it: it has had no tick, and believes that it leads.
        swarm.Isolate(old.Id);
        old.DropWhatCame();
        old.IsPaused = false;
        Assert.Equal(NodeRole.Leader, old.Status().Role);
        TestSwarm.Captured<QueryAnswer<ProposalView?>> read = old.Read("p", ReadConsistency.Leased);
        swarm.Settle();
        Assert.False(read.HasValue);

        swarm.Heal();
        swarm.RunUntil(() => read.HasValue);
        Assert.True(read.Value!.Reason is not null || read.Value.Value!.Status == ProposalStatus.Approved);
    }

    [Fact]
    public void A_follower_s_leased_read_is_answered_too()
    {
        TestSwarm swarm = Leased();
        TestSwarm.Node leader = swarm.ElectLeader();
        Commit(swarm, leader, "p");

        TestSwarm.Node follower = swarm.Alive.First(node => node.Id != leader.Id);
        TestSwarm.Captured<QueryAnswer<ProposalView?>> read = follower.Read("p", ReadConsistency.Leased);
        swarm.RunUntil(() => read.HasValue);

        Assert.Equal("p", read.Value!.Value!.ProposalId);
    }

    [Fact]
    public void Where_leases_are_off_a_leased_read_is_refused_with_the_reason()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();

        foreach (TestSwarm.Node node in swarm.Alive)
        {
            TestSwarm.Captured<QueryAnswer<ProposalView?>> read = node.Read("p", ReadConsistency.Leased);
            swarm.Settle();
            Assert.Equal(NotCommittedReason.NoLease, read.Value!.Reason);
        }

        Assert.Equal(NodeRole.Leader, leader.Status().Role);
    }

    /// <summary>
    /// Leaders are cut off, paused and handed over at random while one proposal after the other is created; every read that begins after an
    /// acknowledgement must know of what was acknowledged.
    /// </summary>
    [Fact]
    public void No_leased_read_is_older_than_what_was_acknowledged_before_it()
    {
        int answered = 0;
        for (int seed = 1; seed <= 25; seed++)
        {
            answered += ReadThroughTroubles(seed);
        }

        Assert.True(answered > 500, $"Only {answered} reads were answered.");
    }

    private static int ReadThroughTroubles(int seed)
    {
        var swarm = new TestSwarm(3, seed, leaseDriftTicks: 2);
        var random = new Random(seed);
        swarm.ElectLeader();
        var acknowledged = new List<string>();
        var writes = new List<(string Id, TestSwarm.Answers Answers)>();
        var reads = new List<(string Id, int Node, TestSwarm.Captured<QueryAnswer<ProposalView?>> Read)>();
        for (int round = 0; round < 60; round++)
        {
            TestSwarm.Node node = swarm[swarm.Members[random.Next(swarm.Members.Count)]];
            switch (random.Next(8))
            {
                case 0:
                    swarm.Isolate(node.Id);
                    break;
                case 1:
                    swarm.Heal();
                    break;
                case 2:
                    node.IsPaused = !swarm.Alive.Any(other => other.IsPaused);
                    break;
                case 3:
                    foreach (TestSwarm.Node paused in swarm.Alive)
                    {
                        paused.IsPaused = false;
                    }

                    break;
                case 4:
                    node.Post(new NodeMessage.TransferLeadership(NodeId.None, new TestSwarm.Captured<LeadershipTransfer>()));
                    break;
            }

            string id = $"p{round}";
            writes.Add((id, node.Submit(new FactSubmission(new ProposalCreated(id, "ann")))));
            swarm.Run(random.Next(1, 9));
            acknowledged.AddRange(writes.Where(write => write.Answers.All?[0] is FactAccepted).Select(write => write.Id));
            writes.RemoveAll(write => write.Answers.All is not null);
            if (acknowledged.Count > 0)
            {
                string known = acknowledged[^1];
                reads.AddRange(swarm.Alive.Where(reader => !reader.IsPaused).Select(reader => (known, (int)reader.Id.Value, reader.Read(known, ReadConsistency.Leased))));
                swarm.Settle();
            }
        }

        List<(string Id, int Node, TestSwarm.Captured<QueryAnswer<ProposalView?>> Read)> done = reads.FindAll(read => read.Read is { HasValue: true, Value.Reason: null });
        Assert.All(done, read => Assert.True(read.Read.Value!.Value is not null, $"Seed {seed}: node {read.Node} did not know of {read.Id}."));
        return done.Count;
    }

    private static TestSwarm Leased() => new(leaseDriftTicks: 2);

    private static void Commit(TestSwarm swarm, TestSwarm.Node node, string proposal)
    {
        TestSwarm.Answers created = node.Submit(new FactSubmission(new ProposalCreated(proposal, "ann")));
        swarm.RunUntil(() => created.All is not null);
        Assert.IsType<FactAccepted>(created.Single);
    }
}
