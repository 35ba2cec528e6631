using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Actors;

/// <summary>What the actors promise together, whichever host runs them.</summary>
public sealed class SwarmOfActorsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_fact_submitted_on_any_node_is_recorded_on_all(int nodes)
    {
        var swarm = new TestSwarm(nodes);
        swarm.ElectLeader();

        List<TestSwarm.Answers> answers = [.. swarm.Members.Select(id => swarm[id].Submit(Created($"p-{id}")))];
        swarm.RunUntil(() => answers.All(a => a.All is not null));

        Assert.All(answers, a => Assert.Equal(1UL, Assert.IsType<FactAccepted>(a.Single).Revision));
        Assert.Equal(nodes, answers.Select(a => ((FactAccepted)a.Single).Sequence).Distinct().Count());
        swarm.AssertAgreement();
    }

    [Fact]
    public void The_first_record_of_a_term_says_whose_it_is()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.RunUntil(() => answer.All is not null);

        LedgerRecord first = leader.Record(1);

        Assert.Equal(RecordKind.Authority, first.Kind);
        Assert.Equal(leader.Id, first.Leader);
        Assert.Equal(2UL, ((FactAccepted)answer.Single).Sequence);
    }

    [Fact]
    public void A_batch_is_answered_in_order_and_a_refusal_does_not_stop_the_others()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node follower = swarm[swarm.Members.First(id => id != swarm.ElectLeader().Id)];

        TestSwarm.Answers answers = follower.Submit(
            Created("p"), new FactSubmission(new RollbackIssued("p", "i", "r")), new FactSubmission(new PromotionApproved("p", "a")));
        swarm.RunUntil(() => answers.All is not null);

        Assert.IsType<FactAccepted>(answers.All![0]);
        Assert.Equal(RefusalCode.NothingToRollBack, Assert.IsType<FactRefused>(answers.All[1]).Code);
        Assert.Equal(2UL, Assert.IsType<FactAccepted>(answers.All[2]).Revision);
    }

    [Fact]
    public void Without_a_leader_a_node_says_so_at_once()
    {
        var swarm = new TestSwarm();

        TestSwarm.Answers answer = swarm[swarm.Members[0]].Submit(Created("p"));
        TestSwarm.Captured<QueryAnswer<ProposalView?>> read = swarm[swarm.Members[0]].Read("p");
        swarm.Settle();

        Assert.Equal(NotCommittedReason.NoLeader, Assert.IsType<FactNotCommitted>(answer.Single).Reason);
        Assert.Equal(NotCommittedReason.NoLeader, read.Value!.Reason);
    }

    [Fact]
    public void More_than_may_wait_is_answered_busy()
    {
        var swarm = new TestSwarm(maxPendingCommands: 10);
        TestSwarm.Node leader = swarm.ElectLeader();
        leader.DiskStandsStill = true;
        foreach (NodeId other in swarm.Members.Where(id => id != leader.Id))
        {
            swarm[other].DiskStandsStill = true;
        }

        List<TestSwarm.Answers> answers = [.. Enumerable.Range(0, 11).Select(i => leader.Submit(Created($"p{i}")))];
        swarm.Settle();

        Assert.All(answers.Take(10), a => Assert.Null(a.All));
        Assert.Equal(NotCommittedReason.Busy, Assert.IsType<FactNotCommitted>(answers[10].Single).Reason);
    }

    [Fact]
    public void A_node_whose_log_came_back_without_what_it_had_confirmed_stops_and_the_others_go_on()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Node forgetful = swarm[swarm.Members.First(id => id != leader.Id)];
        FaultyDisk earlier = forgetful.Disk.Copy();
        TestSwarm.Answers confirmed = leader.Submit(Created("p"));
        swarm.RunUntil(() => confirmed.All is not null);
        swarm.AssertAgreement();

        forgetful.CrashBackTo(earlier);
        forgetful.Start();
        swarm.RunUntil(() => forgetful.Failure is not null);

        Assert.IsType<LogLostException>(forgetful.Failure);
        forgetful.Crash();
        TestSwarm.Answers after = leader.Submit(Created("q"));
        swarm.RunUntil(() => after.All is not null);
        Assert.IsType<FactAccepted>(after.Single);
    }

    [Fact]
    public void Nothing_is_acknowledged_while_only_the_leaders_disk_has_it()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        foreach (NodeId other in swarm.Members.Where(id => id != leader.Id))
        {
            swarm[other].DiskStandsStill = true;
        }

        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.Settle();
        Assert.Null(answer.All);

        swarm[swarm.Members.First(id => id != leader.Id)].DiskStandsStill = false;
        swarm.Settle();
        Assert.IsType<FactAccepted>(answer.Single);
    }

    [Fact]
    public void What_is_stored_already_is_acknowledged_without_the_disk()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        swarm.Settle();
        TestSwarm.Node follower = swarm.Alive.First(node => node.Id != leader.Id);
        swarm.Alive.First(node => node.Id != leader.Id && node.Id != follower.Id).Crash();
        bool answered = false;
        swarm.Carries = (from, _, message) =>
        {
            MessageKind kind = message is ProtocolMessage protocol ? protocol.Message.Kind : default;
            if (from == leader.Id && kind == MessageKind.Append && message is ProtocolMessage { Message.Entries.IsEmpty: true })
            {
                // It tells what is committed: the follower stored that, or it would not be.
                follower.DiskStandsStill = true;
            }

            answered |= from == follower.Id && kind == MessageKind.AppendResp && follower.DiskStandsStill;
            return true;
        };
        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.Settle();
        Assert.IsType<FactAccepted>(answer.Single);
        Assert.True(follower.DiskStandsStill);
        Assert.True(answered);
    }

    [Fact]
    public void A_leader_whose_disk_stands_still_makes_way_for_another()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node stalled = swarm.ElectLeader();
        stalled.DiskStandsStill = true;
        TestSwarm.Answers lost = stalled.Submit(Created("p"));

        swarm.RunUntil(() => swarm.Alive.Any(n => n.Id != stalled.Id && n.Status().Role == NodeRole.Leader), maxTicks: 8 * TestSwarm.ElectionTicks);

        TestSwarm.Node leader = swarm.Alive.First(n => n.Id != stalled.Id && n.Status().Role == NodeRole.Leader);
        TestSwarm.Answers answer = leader.Submit(Created("q"));
        swarm.RunUntil(() => answer.All is not null);
        Assert.IsType<FactAccepted>(answer.Single);

        stalled.DiskStandsStill = false;
        swarm.RunUntil(() => lost.All is not null);
        swarm.AssertAgreement();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void What_was_acknowledged_survives_the_death_of_every_node_in_turn(int seed)
    {
        var swarm = new TestSwarm(3, seed);
        List<(FactAccepted Answer, string Proposal)> acknowledged = [];
        for (int round = 0; round < 6; round++)
        {
            TestSwarm.Node leader = swarm.ElectLeader();
            List<(TestSwarm.Answers Answers, string Proposal)> submitted = [];
            for (int i = 0; i < 20; i++)
            {
                string proposal = $"r{round}-{i}";
                submitted.Add((swarm[swarm.Members[i % 3]].Submit(Created(proposal)), proposal));
            }

            for (int i = 0; i < 120; i++)
            {
                swarm.Step();
            }

            TestSwarm.Node victim = round % 2 == 0 ? leader : swarm[swarm.Members[round % 3]];
            victim.Crash();
            swarm.Run(3 * TestSwarm.ElectionTicks);
            acknowledged.AddRange(submitted
                .Where(s => s.Answers.All?[0] is FactAccepted)
                .Select(s => ((FactAccepted)s.Answers.All![0], s.Proposal)));
            victim.Start();
        }

        swarm.ElectLeader();
        swarm.AssertAgreement();
        Assert.NotEmpty(acknowledged);
        foreach (TestSwarm.Node node in swarm.Alive)
        {
            foreach ((FactAccepted answer, string proposal) in acknowledged)
            {
                LedgerRecord record = node.Record(answer.Sequence);
                Assert.Equal(answer.Hash, record.Hash);
                Assert.Equal(proposal, record.Submission!.Fact.ProposalId);
            }
        }
    }

    [Fact]
    public void All_die_at_once_and_nothing_acknowledged_is_lost()
    {
        var swarm = new TestSwarm();
        swarm.ElectLeader();
        List<TestSwarm.Answers> answers = [.. Enumerable.Range(0, 50).Select(i => swarm[swarm.Members[i % 3]].Submit(Created($"p{i}")))];
        swarm.RunUntil(() => answers.Count(a => a.All is not null) >= 25);
        List<FactAccepted> acknowledged = [.. answers.Where(a => a.All?[0] is FactAccepted).Select(a => (FactAccepted)a.Single)];

        foreach (TestSwarm.Node node in swarm.Alive.ToArray())
        {
            node.Crash();
        }

        foreach (NodeId id in swarm.Members)
        {
            swarm[id].Start();
        }

        swarm.ElectLeader();
        swarm.AssertAgreement();
        Assert.All(acknowledged, a => Assert.Equal(a.Hash, swarm[swarm.Members[0]].Record(a.Sequence).Hash));
    }

    [Fact]
    public void A_linearizable_read_on_a_follower_sees_what_was_acknowledged_before()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Node follower = swarm[swarm.Members.First(id => id != leader.Id)];
        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.RunUntil(() => answer.All is not null);

        TestSwarm.Captured<QueryAnswer<ProposalView?>> read = follower.Read("p");
        swarm.RunUntil(() => read.HasValue);

        Assert.Equal(1UL, read.Value!.Value!.Revision);
    }

    [Fact]
    public void A_read_that_is_confirmed_but_whose_entries_do_not_come_is_refused_in_time()
    {
        var swarm = new TestSwarm(maxPendingCommands: 1);
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Node follower = swarm.Alive.First(node => node != leader);
        swarm.Carries = (_, to, message) => to != follower.Id || message is not ProtocolMessage { Message.Kind: Raft.MessageKind.Append };
        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.RunUntil(() => answer.All is not null);

        TestSwarm.Captured<QueryAnswer<ProposalView?>> read = follower.Read("p");
        swarm.RunUntil(() => read.HasValue);
        Assert.NotNull(read.Value!.Reason);

        // And its place is free again.
        swarm.Carries = (_, _, _) => true;
        TestSwarm.Captured<QueryAnswer<ProposalView?>> again = follower.Read("p");
        swarm.RunUntil(() => again.HasValue);
        Assert.NotNull(again.Value!.Value);
    }

    [Fact]
    public void An_isolated_leader_does_not_serve_a_linearizable_read()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node old = swarm.ElectLeader();
        swarm.Isolate(old.Id);
        TestSwarm.Captured<QueryAnswer<ProposalView?>> read = old.Read("p");

        swarm.RunUntil(() => read.HasValue);

        Assert.NotNull(read.Value!.Reason);
    }

    [Fact]
    public void A_command_of_a_deposed_leader_is_superseded_or_unknown_but_never_acknowledged_falsely()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node old = swarm.ElectLeader();
        swarm.Isolate(old.Id);
        TestSwarm.Answers lost = old.Submit(Created("p"));
        swarm.RunUntil(() => swarm.Alive.Any(n => n.Id != old.Id && n.Status().Role == NodeRole.Leader));
        TestSwarm.Node leader = swarm.Alive.First(n => n.Id != old.Id && n.Status().Role == NodeRole.Leader);
        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.RunUntil(() => answer.All is not null);

        swarm.Heal();
        swarm.RunUntil(() => lost.All is not null);

        Assert.IsType<FactAccepted>(answer.Single);
        Assert.Equal(NotCommittedReason.Superseded, Assert.IsType<FactNotCommitted>(lost.Single).Reason);
        swarm.AssertAgreement();
    }

    [Fact]
    public void The_leaders_time_never_goes_back_although_its_clock_does()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Answers first = leader.Submit(Created("p"));
        swarm.RunUntil(() => first.All is not null);

        swarm.NowUnixMilliseconds -= 3_600_000;
        leader.Crash();
        TestSwarm.Node next = swarm.ElectLeader();
        TestSwarm.Answers second = next.Submit(Created("q"));
        swarm.RunUntil(() => second.All is not null);

        var before = (FactAccepted)first.Single;
        var after = (FactAccepted)second.Single;
        Assert.True(after.CommittedAtUnixMilliseconds >= before.CommittedAtUnixMilliseconds);
        Assert.True(after.Lamport.Counter > before.Lamport.Counter);
    }

    [Fact]
    public void The_stamp_is_later_than_the_clients_own_logical_time()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Answers answer = leader.Submit(Created("p") with { Lamport = new LamportTimestamp(5_000, new NodeId(77)) });
        swarm.RunUntil(() => answer.All is not null);

        Assert.Equal(5_001UL, ((FactAccepted)answer.Single).Lamport.Counter);
    }

    [Fact]
    public void A_disk_without_room_stops_acknowledging_and_comes_back()
    {
        var swarm = new TestSwarm(1);
        TestSwarm.Node node = swarm.ElectLeader();
        node.Disk.CapacityBytes = 0;
        List<TestSwarm.Answers> answers = [];
        int number = 0;
        swarm.RunUntil(
            () =>
            {
                answers.Add(node.Submit([.. Enumerable.Range(0, 50).Select(_ => Created($"p{++number}", title: new string('x', 1000)))]));
                return node.Events.OfType<SwarmEvent.SpaceChanged>().Any();
            });
        TestSwarm.Answers refused = node.Submit(Created("late"));
        swarm.Settle();
        Assert.Equal(NotCommittedReason.NoSpace, Assert.IsType<FactNotCommitted>(refused.Single).Reason);
        Assert.Contains(node.Status().Problems, p => p.Contains("no room", StringComparison.Ordinal));

        node.Disk.CapacityBytes = long.MaxValue;
        swarm.RunUntil(() => answers.TrueForAll(a => a.All is not null));

        TestSwarm.Answers accepted = node.Submit(Created("at last"));
        swarm.RunUntil(() => accepted.All is not null);
        Assert.IsType<FactAccepted>(accepted.Single);
        Assert.Empty(node.Status().Problems);
    }

    [Fact]
    public void A_leader_whose_ledger_has_no_room_says_so_and_hands_over()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        leader.Post(new NodeMessage.LedgerSpace(false));
        TestSwarm.Answers refused = leader.Submit(Created("p"));
        swarm.Settle();

        Assert.Equal(NotCommittedReason.NoSpace, Assert.IsType<FactNotCommitted>(refused.Single).Reason);
        Assert.Contains(leader.Status().Problems, problem => problem.Contains("no room", StringComparison.Ordinal));
        Assert.Single(leader.Events.OfType<SwarmEvent.LedgerSpaceChanged>());

        swarm.RunUntil(() => swarm.Leader is { } next && next.Id != leader.Id && swarm.Alive.All(node => node.Status().Leader == next.Id));
        TestSwarm.Answers elsewhere = swarm.Leader!.Submit(Created("p"));
        swarm.RunUntil(() => elsewhere.All is not null);
        Assert.IsType<FactAccepted>(elsewhere.Single);

        leader.Post(new NodeMessage.LedgerSpace(true));
        TestSwarm.Answers again = leader.Submit(Created("q"));
        swarm.RunUntil(() => again.All is not null);
        Assert.IsType<FactAccepted>(again.Single);
        Assert.Empty(leader.Status().Problems);
    }

    [Fact]
    public void When_nobody_has_room_the_leadership_does_not_go_round_in_circles()
    {
        var swarm = new TestSwarm();
        Term before = swarm.ElectLeader().Status().Term;
        foreach (TestSwarm.Node node in swarm.Alive)
        {
            node.Post(new NodeMessage.LedgerSpace(false));
        }

        const int ElectionTimeouts = 30;
        swarm.Run(ElectionTimeouts * TestSwarm.ElectionTicks);

        // Each node hands over at most once in ten election timeouts.
        Assert.InRange(swarm.Alive.Max(node => node.Status().Term).Value - before.Value, 0UL, (ElectionTimeouts / 10 + 1) * 3UL);
    }

    [Fact]
    public void A_log_actor_that_was_replaced_confirms_nothing_and_its_successor_gets_everything_again()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        leader.DiskStandsStill = true;
        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.Settle();

        leader.Post(new NodeMessage.LogAppended(99, ulong.MaxValue, []));
        swarm.Settle();
        Assert.True(leader.Status().DurableIndex < leader.Status().LastIndex);

        leader.ReplaceLogActor();
        leader.DiskStandsStill = false;
        swarm.RunUntil(() => answer.All is not null && leader.Status().DurableIndex == leader.Status().LastIndex);
        Assert.IsType<FactAccepted>(answer.Single);
    }

    [Fact]
    public void What_reached_a_new_log_actor_before_it_said_that_it_is_new_may_be_sent_to_it_again()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        swarm.Run(ticks: 2);
        leader.DiskStandsStill = true;

        NodeMessage started = leader.ReplaceLogActorUnannounced();
        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.Settle();
        leader.Post(started);
        swarm.Settle();
        leader.DiskStandsStill = false;

        swarm.RunUntil(() => answer.All is not null && leader.Status().DurableIndex == leader.Status().LastIndex);
        Assert.IsType<FactAccepted>(answer.Single);
        Assert.Null(leader.Failure);
    }

    [Fact]
    public void A_node_that_drains_hands_leadership_over_and_takes_nothing_new()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        var drained = new TestSwarm.Captured<bool>();

        leader.Post(new NodeMessage.Drain(drained));
        swarm.RunUntil(() => drained.HasValue);

        Assert.True(drained.Value);
        Assert.Contains(swarm.Alive, n => n.Id != leader.Id && n.Status().Role == NodeRole.Leader);
        TestSwarm.Answers refused = leader.Submit(Created("p"));
        swarm.Settle();
        Assert.Equal(NotCommittedReason.Stopping, Assert.IsType<FactNotCommitted>(refused.Single).Reason);
    }

    [Fact]
    public void A_follower_whose_state_differs_from_the_leaders_stops()
    {
        var swarm = new TestSwarm();
        TestSwarm.Node leader = swarm.ElectLeader();
        TestSwarm.Answers answer = leader.Submit(Created("p"));
        swarm.RunUntil(() => answer.All is not null);
        swarm.AssertAgreement();
        TestSwarm.Node follower = swarm[swarm.Members.First(id => id != leader.Id)];
        LogIndex applied = leader.Status().AppliedIndex;

        follower.Post(new NodeMessage.FromPeer(leader.Id, new ProtocolMessage(
            new Raft.Message
            {
                Kind = Raft.MessageKind.Heartbeat,
                From = leader.Id,
                To = follower.Id,
                Term = leader.Status().Term,
                Commit = applied,
            },
            new DigestMark(applied, Hash256.Of([1])))));
        swarm.Settle();

        Assert.IsType<StateDivergedException>(follower.Failure);
        Assert.Contains(follower.Events, e => e is SwarmEvent.StateDiverged diverged && diverged.Peer == leader.Id);
    }

    private static FactSubmission Created(string proposal, string? title = null) => new(new ProposalCreated(proposal, "author", title));
}
