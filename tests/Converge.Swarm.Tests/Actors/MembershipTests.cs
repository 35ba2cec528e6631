using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Tests.Actors;

/// <summary>What the actors promise about changes of members, whichever host runs them.</summary>
public sealed class MembershipTests
{
    private static readonly NodeId Four = new(4);
    private static readonly NodeId Five = new(5);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Nodes_that_are_added_together_learn_first_and_vote_together_once_they_have_caught_up(ulong asked)
    {
        TestSwarm swarm = WithNewNodes(out _);

        TestSwarm.Captured<MembershipOutcome> outcome = swarm[new NodeId(asked)].Change(Add(Four), Add(Five));
        swarm.RunUntil(() => outcome.HasValue);

        MembershipChanged added = Assert.IsType<MembershipChanged>(outcome.Value);
        Assert.Equal([1UL, 2, 3], added.Voters.Select(id => id.Value));
        Assert.Equal([4UL, 5], added.Learners.Select(id => id.Value));
        swarm.RunUntil(() => swarm.Alive.All(node => Vote(node, 1, 2, 3, 4, 5)));
        swarm.AssertAgreement();
        LedgerRecord[] records = [.. Memberships(swarm[Five])];
        Assert.Equal(2, records.Length);
        Assert.Equal(
            new MembershipChange([Add(Four), Add(Five)], [new(1), new(2), new(3)], [Four, Five]),
            records[0].Membership);
        Assert.Equal(
            new MembershipChange([MembershipStep.Promote(Four), MembershipStep.Promote(Five)], [new(1), new(2), new(3), Four, Five], []),
            records[1].Membership);
    }

    [Fact]
    public void Three_become_five_and_three_again_while_facts_are_recorded_and_none_is_lost_or_doubled()
    {
        TestSwarm swarm = WithNewNodes(out _);
        var load = new Load(swarm);

        TestSwarm.Captured<MembershipOutcome> grown = swarm.Leader!.Change(Add(Four), Add(Five));
        load.RunUntil(() => grown.HasValue && swarm.Alive.All(node => Voters(node).Count() == 5));
        TestSwarm.Captured<MembershipOutcome> shrunk = swarm[Five].Change(MembershipStep.Remove(new NodeId(1)), MembershipStep.Remove(new NodeId(2)));
        load.RunUntil(() => shrunk.HasValue && Voters(swarm[Five]).Count() == 3);

        Assert.IsType<MembershipChanged>(grown.Value);
        Assert.IsType<MembershipChanged>(shrunk.Value);
        load.FinishOn(swarm[Five]);
    }

    [Fact]
    public void A_leader_that_is_removed_hands_over_first_and_takes_no_part_afterwards()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        var load = new Load(swarm);

        TestSwarm.Captured<MembershipOutcome> outcome = leader.Change(MembershipStep.Remove(leader.Id));
        load.RunUntil(() => outcome.HasValue && leader.Events.Any(e => e is SwarmEvent.Removed));

        MembershipChanged changed = Assert.IsType<MembershipChanged>(outcome.Value);
        Assert.DoesNotContain(leader.Id, changed.Voters);
        Assert.NotEqual(leader.Id, swarm.Leader!.Id);
        Assert.Contains("was removed", Assert.Single(leader.Status().Problems), StringComparison.Ordinal);
        Assert.False(leader.Status().Ready);
        TestSwarm.Answers refused = leader.Submit(Created("too-late"));
        swarm.Settle();
        Assert.Equal(NotCommittedReason.NoLeader, Assert.IsType<FactNotCommitted>(refused.Single).Reason);
        load.FinishOn(swarm.Leader);
    }

    [Fact]
    public void A_node_that_slept_through_its_removal_is_told_and_disturbs_nobody()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        TestSwarm.Node asleep = swarm[swarm.Members.First(id => id != leader.Id)];
        swarm.Isolate(asleep.Id);
        TestSwarm.Captured<MembershipOutcome> outcome = leader.Change(MembershipStep.Remove(asleep.Id));
        swarm.RunUntil(() => outcome.HasValue);
        Assert.IsType<MembershipChanged>(outcome.Value);
        Term term = leader.Status().Term;

        swarm.Run(ticks: 5 * TestSwarm.ElectionTicks);
        swarm.Heal();
        swarm.RunUntil(() => asleep.Events.Any(e => e is SwarmEvent.Removed));
        swarm.Run(ticks: 5 * TestSwarm.ElectionTicks);

        Assert.Equal(term, leader.Status().Term);
        Assert.Equal(NodeRole.Leader, leader.Status().Role);
    }

    [Fact]
    public void The_member_that_is_left_of_two_leads_again_though_its_loss_of_power_cost_it_the_knowledge_that_the_other_is_removed()
    {
        var swarm = new TestSwarm(nodes: 2);
        TestSwarm.Node left = swarm.ElectLeader();
        TestSwarm.Node removed = swarm[swarm.Members.First(id => id != left.Id)];

        LogIndex removal = left.Status().LastIndex.Next;
        left.Change(MembershipStep.Remove(removed.Id));
        swarm.RunUntil(() => removed.Events.Any(e => e is SwarmEvent.Removed));
        left.Crash();
        left.Start();
        Assert.True(left.Status().LastIndex >= removal && left.Status().CommitIndex < removal);

        AssertServes(swarm, left.Id);
        Assert.Equal([left.Id.Value], Voters(left));
    }

    [Fact]
    public void A_node_that_hears_of_its_removal_without_the_term_takes_that_from_whoever_tells_it_later()
    {
        var swarm = new TestSwarm(nodes: 2);
        TestSwarm.Node left = swarm.ElectLeader();
        TestSwarm.Node removed = swarm[swarm.Members.First(id => id != left.Id)];
        LogIndex removal = left.Status().LastIndex.Next;
        swarm.Carries = (_, to, message) => to != removed.Id || message is ProtocolMessage protocol && protocol.Message.Commit < removal;
        left.Change(MembershipStep.Remove(removed.Id));
        swarm.RunUntil(() => Vote(left, left.Id.Value));

        removed.Post(new NodeMessage.FromPeer(left.Id, new RemovalNotice(removal, Term.Zero, OfSender: false)));
        removed.Post(new NodeMessage.FromPeer(left.Id, new RemovalNotice(removal, left.Status().Term, OfSender: false)));
        swarm.Settle();
        left.Crash();
        left.Start();
        swarm.Carries = (_, _, _) => true;
        Assert.True(left.Status().CommitIndex < removal);

        AssertServes(swarm, left.Id);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_removal_that_only_the_removed_node_knows_to_be_committed_keeps_nobody_from_being_elected(int seed)
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader, seed);
        Change(swarm, leader, Add(Four));
        swarm.RunUntil(() => swarm.Members.Append(Four).All(id => Vote(swarm[id], 1, 2, 3, 4)));
        swarm[Five].Crash();
        LogIndex removal = leader.Status().LastIndex.Next;
        swarm.Carries = (_, to, message) => to == Four || message is not ProtocolMessage protocol || protocol.Message.Commit < removal;

        leader.Change(MembershipStep.Remove(Four));
        swarm.RunUntil(() => swarm[Four].Events.Any(e => e is SwarmEvent.Removed));
        leader.Crash();
        swarm.Carries = (_, _, _) => true;

        Assert.All(swarm.Alive.Where(node => node.Id != Four), node => Assert.True(Vote(node, 1, 2, 3, 4)));
        AssertServes(swarm, [.. swarm.Alive.Select(node => node.Id).Where(id => id != Four)]);
        Assert.True(Vote(swarm.Leader!, 1, 2, 3));
    }

    [Fact]
    public void Members_that_replaced_the_others_elect_a_leader_though_only_those_know_that_they_are_replaced()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        Change(swarm, leader, Add(Four), Add(Five));
        swarm.RunUntil(() => swarm.Alive.All(node => Vote(node, 1, 2, 3, 4, 5)));
        NodeId[] leaving = [.. swarm.Members.Where(id => id != leader.Id)];

        // One entry enters the joint configuration, the next leaves it: that it is committed is told to nobody but those who leave.
        LogIndex leave = leader.Status().LastIndex.Next.Next;
        swarm.Carries = (_, to, message) => leaving.Contains(to) || message is not ProtocolMessage protocol || protocol.Message.Commit < leave;
        TestSwarm.Captured<MembershipOutcome> outcome = leader.Change([.. leaving.Select(MembershipStep.Remove)]);
        swarm.RunUntil(() => leaving.All(id => swarm[id].Events.Any(e => e is SwarmEvent.Removed)));
        Assert.IsType<MembershipChanged>(outcome.Value);
        leader.Crash();
        swarm.Carries = (_, _, _) => true;

        Assert.True(swarm[Four].MembersKnown().Changing && swarm[Five].MembersKnown().Changing);
        AssertServes(swarm, Four, Five);
    }

    [Fact]
    public void An_id_that_was_removed_is_never_a_member_again()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        Change(swarm, leader, Add(Four, MemberRole.Learner));
        Change(swarm, leader, MembershipStep.Remove(Four));

        Assert.Equal(MembershipRefusal.RemovedMember, Refused(swarm, leader, Add(Four)));
        Assert.Equal(MembershipRefusal.RemovedMember, Refused(swarm, leader, MembershipStep.Remove(Four)));
        Assert.Equal([Four], leader.MembersKnown().Removed);
    }

    [Fact]
    public void A_change_that_makes_no_sense_is_refused_with_its_reason()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        NodeId other = swarm.Members.First(id => id != leader.Id);

        Assert.Equal(MembershipRefusal.UnknownMember, Refused(swarm, leader, MembershipStep.Remove(new NodeId(9))));
        Assert.Equal(MembershipRefusal.UnknownMember, Refused(swarm, leader, MembershipStep.Promote(new NodeId(9))));
        Assert.Equal(MembershipRefusal.AlreadyMember, Refused(swarm, leader, Add(other)));
        Assert.Equal(MembershipRefusal.NotALearner, Refused(swarm, leader, MembershipStep.Promote(other)));
        Assert.Equal(MembershipRefusal.AddressTaken, Refused(swarm, leader, MembershipStep.Add(Four, MemberRole.Voter, $"test:{other}")));
        Assert.Equal(MembershipRefusal.InvalidAddress, Refused(swarm, leader, MembershipStep.Add(Four, MemberRole.Voter, TestSwarm.ForbiddenAddress)));
        Assert.Equal(MembershipRefusal.InvalidChange, Refused(swarm, leader, Add(Four), MembershipStep.Remove(Four)));
        Assert.Equal(MembershipRefusal.InvalidChange, Refused(swarm, leader));
        Assert.Equal(MembershipRefusal.LastVoter, Refused(swarm, leader, [.. swarm.Members.Select(MembershipStep.Remove)]));
        Assert.Equal(
            MembershipRefusal.TooMany,
            Refused(swarm, leader, [.. Enumerable.Range(10, 13).Select(id => Add(new NodeId((ulong)id)))]));
        Assert.Equal([1UL, 2, 3], Voters(leader));
    }

    [Fact]
    public void A_learner_that_was_never_reached_gets_no_vote()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        swarm.Isolate(Four);
        Change(swarm, leader, Add(Four));

        Assert.Equal(MembershipRefusal.NotCaughtUp, Refused(swarm, leader, MembershipStep.Promote(Four)));
        swarm.Run(ticks: 10 * TestSwarm.ElectionTicks);
        Assert.Equal([1UL, 2, 3], Voters(leader));

        swarm.Heal();
        swarm.RunUntil(() => Vote(leader, 1, 2, 3, 4));
        Assert.Contains("even number", Assert.Single(leader.MembersKnown().Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_learner_that_is_wanted_as_one_stays_one_until_it_is_promoted()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        Change(swarm, leader, Add(Four, MemberRole.Learner));
        swarm.Run(ticks: 10 * TestSwarm.ElectionTicks);
        Assert.Equal([1UL, 2, 3], Voters(leader));
        Assert.Equal(leader.Status().AppliedIndex, swarm[Four].Status().AppliedIndex);

        Change(swarm, leader, MembershipStep.Promote(Four));

        Assert.Equal([1UL, 2, 3, 4], Voters(leader));
    }

    [Fact]
    public void A_change_after_which_nothing_could_be_committed_is_refused()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        NodeId[] others = [.. swarm.Members.Where(id => id != leader.Id)];
        swarm.Isolate(others[0]);
        swarm.Run(ticks: 3 * TestSwarm.ElectionTicks);

        Assert.Equal(MembershipRefusal.QuorumUnreachable, Refused(swarm, leader, MembershipStep.Remove(others[1])));
        Change(swarm, leader, MembershipStep.Remove(others[0]));
    }

    [Fact]
    public void While_a_change_is_on_its_way_another_is_answered_busy()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);

        TestSwarm.Captured<MembershipOutcome> first = leader.Change(Add(Four, MemberRole.Learner));
        TestSwarm.Captured<MembershipOutcome> second = leader.Change(Add(Five, MemberRole.Learner));
        swarm.RunUntil(() => first.HasValue && second.HasValue);

        Assert.IsType<MembershipChanged>(first.Value);
        Assert.Equal(MembershipRefusal.Busy, Assert.IsType<MembershipNotChanged>(second.Value).Reason);
    }

    [Fact]
    public void A_leader_that_lost_its_place_and_comes_back_by_a_snapshot_does_not_know_what_became_of_its_change()
    {
        var swarm = new TestSwarm(snapshots: new SnapshotOptions { Entries = 20, Bytes = 1 << 20, KeepEntries = 2 });
        TestSwarm.Node cutOff = swarm.ElectLeader();
        swarm.Isolate(cutOff.Id);
        TestSwarm.Captured<MembershipOutcome> outcome = cutOff.Change(Add(Four, MemberRole.Learner));

        swarm.RunUntil(() => swarm.Leader is { } other && other != cutOff);
        TestSwarm.Answers answers = swarm.Leader!.Submit([.. Enumerable.Range(0, 60).Select(number => Created($"p{number}"))]);
        swarm.RunUntil(() => answers.All is not null && swarm.Leader.Status().FirstIndex.Value > 10);
        swarm.Heal();
        swarm.RunUntil(() => cutOff.Events.Any(e => e is SwarmEvent.SnapshotInstalled));

        Assert.IsType<MembershipChangeUnknown>(outcome.Value);
        Assert.Null(cutOff.MembersKnown().Members.FirstOrDefault(member => member.Id == Four));
    }

    [Fact]
    public void Without_a_leader_nobody_changes_the_members()
    {
        var swarm = new TestSwarm();

        TestSwarm.Captured<MembershipOutcome> outcome = swarm[new NodeId(1)].Change(Add(Four));
        swarm.Settle();

        Assert.Equal(MembershipRefusal.NoLeader, Assert.IsType<MembershipNotChanged>(outcome.Value).Reason);
    }

    [Fact]
    public void The_members_are_the_same_after_all_nodes_have_started_anew()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        Change(swarm, leader, Add(Four), Add(Five));
        swarm.RunUntil(() => swarm.Alive.All(node => Voters(node).Count() == 5));
        Change(swarm, swarm.Leader!, MembershipStep.Remove(swarm.Members.First(id => id != leader.Id)));
        swarm.RunUntil(() => swarm.Alive.Count(node => Voters(node).Count() == 4) >= 4 && swarm.Alive.Count(node => node.Events.Any(e => e is SwarmEvent.Removed)) == 1);
        ulong[] before = [.. Voters(leader)];

        foreach (TestSwarm.Node node in swarm.Alive.ToArray())
        {
            node.Crash();
            node.Start();
        }

        swarm.RunUntil(() => swarm.Alive.Count(node => Vote(node, before)) >= 4 && swarm.Leader is not null);
        TestSwarm.Answers answer = swarm.Leader!.Submit(Created("after"));
        swarm.RunUntil(() => answer.All is not null);
        Assert.IsType<FactAccepted>(answer.Single);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_leader_that_dies_while_the_members_change_leaves_one_configuration_and_every_acknowledged_fact(int seed)
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader, seed);
        var load = new Load(swarm);
        TestSwarm.Captured<MembershipOutcome> outcome = leader.Change(Add(Four), Add(Five));
        for (int steps = 40 * seed; steps > 0 && swarm.Step(); steps--)
        {
        }

        leader.Crash();
        load.RunUntil(() => swarm.Leader is not null);
        leader.Start();
        NodeId[] missing = [.. new[] { Four, Five }.Where(id => swarm.Leader!.MembersKnown().Members.All(member => member.Id != id))];
        if (missing.Length > 0)
        {
            // Its entry was lost with the leader, and whoever asked knows that it may be.
            Assert.True(!outcome.HasValue || outcome.Value is not MembershipChanged);
            TestSwarm.Captured<MembershipOutcome>? again = null;
            load.RunUntil(() =>
            {
                if (again is null or { HasValue: true, Value: MembershipNotChanged { Reason: MembershipRefusal.Busy or MembershipRefusal.NoLeader } })
                {
                    again = swarm.Leader?.Change([.. missing.Select(id => Add(id))]);
                }

                return again is { HasValue: true, Value: MembershipChanged };
            });
        }

        load.RunUntil(() => swarm.Alive.All(node => Voters(node).Count() == 5));
        load.FinishOn(swarm.Leader!);
        swarm.AssertAgreement();
    }

    [Fact]
    public void The_leadership_cannot_be_handed_to_somebody_who_was_removed()
    {
        TestSwarm swarm = WithNewNodes(out TestSwarm.Node leader);
        NodeId other = swarm.Members.First(id => id != leader.Id);
        Change(swarm, leader, MembershipStep.Remove(other));

        var reply = new TestSwarm.Captured<LeadershipTransfer>();
        leader.Post(new NodeMessage.TransferLeadership(other, reply));
        swarm.Settle();

        Assert.Equal(TransferRefusal.UnknownMember, Assert.IsType<LeadershipTransferRefused>(reply.Value).Reason);
    }

    private static TestSwarm WithNewNodes(out TestSwarm.Node leader, int seed = 1)
    {
        var swarm = new TestSwarm(seed: seed);
        swarm.AddNode(Four);
        swarm.AddNode(Five);
        swarm.RunUntil(() => swarm.Leader is { } found && swarm.Members.All(id => swarm[id].Status().Leader == found.Id));
        leader = swarm.Leader!;
        TestSwarm.Answers answer = leader.Submit(Created("first"));
        swarm.RunUntil(() => answer.All is not null);
        return swarm;
    }

    /// <summary>One of these is elected and commits.</summary>
    private static void AssertServes(TestSwarm swarm, params NodeId[] members)
    {
        swarm.RunUntil(() => swarm.Leader is { } leader && members.Contains(leader.Id));
        TestSwarm.Answers answer = swarm.Leader!.Submit(Created("afterwards"));
        swarm.RunUntil(() => answer.All is not null);
        Assert.IsType<FactAccepted>(answer.Single);
    }

    private static void Change(TestSwarm swarm, TestSwarm.Node node, params MembershipStep[] steps)
    {
        TestSwarm.Captured<MembershipOutcome> outcome = node.Change(steps);
        swarm.RunUntil(() => outcome.HasValue);
        Assert.IsType<MembershipChanged>(outcome.Value);
    }

    private static MembershipRefusal Refused(TestSwarm swarm, TestSwarm.Node node, params MembershipStep[] steps)
    {
        TestSwarm.Captured<MembershipOutcome> outcome = node.Change(steps);
        swarm.RunUntil(() => outcome.HasValue);
        return Assert.IsType<MembershipNotChanged>(outcome.Value).Reason;
    }

    private static MembershipStep Add(NodeId id, MemberRole role = MemberRole.Voter) => MembershipStep.Add(id, role, $"test:{id}");

    private static FactSubmission Created(string id) => new(new ProposalCreated(id, "ann"));

    private static IEnumerable<ulong> Voters(TestSwarm.Node node) =>
        node.MembersKnown() is { Changing: false } known ? known.Members.Where(member => member.Role == MemberRole.Voter).Select(member => member.Id.Value) : [];

    private static bool Vote(TestSwarm.Node node, params ulong[] ids) => Voters(node).SequenceEqual(ids);

    private static IEnumerable<LedgerRecord> Memberships(TestSwarm.Node node) =>
        Enumerable.Range(1, (int)node.Status().Ledger.Sequence).Select(sequence => node.Record((ulong)sequence)).Where(record => record.Kind == RecordKind.Membership);

    /// <summary>A client that has one fact under way, asks again under the same command id until it is acknowledged, and goes on.</summary>
    private sealed class Load(TestSwarm swarm)
    {
        private TestSwarm.Answers? _answer;
        private ulong _number = 1;
        private int _asked;

        public void RunUntil(Func<bool> condition) => swarm.RunUntil(() =>
        {
            Go();
            return condition();
        });

        /// <summary>The last fact is acknowledged, and each is recorded exactly once, in order.</summary>
        public void FinishOn(TestSwarm.Node node)
        {
            ulong last = _number + 3;
            RunUntil(() => _number > last);
            swarm.RunUntil(() => Facts(node).LastOrDefault() >= last);

            Assert.Equal(Enumerable.Range(1, (int)last).Select(number => (ulong)number), Facts(node).Take((int)last));
        }

        private static IEnumerable<ulong> Facts(TestSwarm.Node node) =>
            Enumerable.Range(1, (int)node.Status().Ledger.Sequence).Select(sequence => node.Record((ulong)sequence)).Where(record => record.CommandId is not null).Select(record => record.CommandId!.Number);

        private void Go()
        {
            if (_answer is { All: not null } answered)
            {
                if (answered.Single is FactAccepted)
                {
                    _number++;
                }
                else
                {
                    Assert.True(answered.Single is FactNotCommitted or FactOutcomeUnknown, $"{answered.Single}");
                }

                _answer = null;
            }

            if (_answer is null)
            {
                TestSwarm.Node[] nodes = [.. swarm.Alive];
                _answer = nodes[_asked++ % nodes.Length].Submit(new FactSubmission(new ProposalCreated($"p{_number}", "ann"), CommandId: new CommandId("load", _number)));
            }
        }
    }
}
