using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using static Converge.Swarm.Simulation.Tests.Invariants.HandMadeNode;
using static Converge.Swarm.Simulation.Tests.Invariants.HandMadeRun;

namespace Converge.Swarm.Simulation.Tests.Invariants;

public class LogInvariantTests
{
    [Fact]
    public void A_leader_that_appends_and_a_follower_that_rewrites_are_legal()
    {
        var run = new HandMadeRun(new LeadersOnlyAppend());
        Extend(run, 1, 2, leads: true, 2);
        Extend(run, 1, 2, leads: true, 2, 2);
        Extend(run, 1, 3, leads: false, 2, 3);
        Extend(run, 1, 4, leads: true, 2, 3, 4);
        run.Node(1, step => Hands(step, EntryOf(4, 4)), new NodeMessage.LogStarted(2, run[1].Disk.Outline));
    }

    [Fact]
    public void A_leader_that_shortens_or_rewrites_its_log_is_caught()
    {
        var shorter = new HandMadeRun(new LeadersOnlyAppend());
        Extend(shorter, 1, 2, leads: true, 2, 2);
        shorter.Violates(() => shorter.Node(1, node => node.Holds(2)), "node 1", "from 3 to 2");

        var rewritten = new HandMadeRun(new LeadersOnlyAppend());
        Extend(rewritten, 1, 2, leads: true, 2, 2);
        rewritten.Violates(() => rewritten.Node(1, step => Hands(step, EntryOf(3, 2))), "rewrites entry 3", "up to 3");
    }

    [Fact]
    public void The_same_entries_in_two_logs_are_legal()
    {
        var run = new HandMadeRun(new LogsMatch());
        Take(run, 1, 2, 2, 3);
        Take(run, 2, 2, 2);
        Take(run, 3, 2, 4);
    }

    [Fact]
    public void An_entry_that_differs_or_stands_behind_another_is_caught()
    {
        var content = new HandMadeRun(new LogsMatch());
        Take(content, 1, 2);
        content[2].Holds(2);
        content.Violates(() => content.Node(2, step => Hands(step, EntryOf(2, 2, content: 9))), "node 2", "entry 2 of term 2");

        var behind = new HandMadeRun(new LogsMatch());
        Take(behind, 1, 2, 3);
        behind.Violates(() => Take(behind, 2, 1, 3), "node 2", "entry 3 of term 3", "term 1", "term 2");
    }

    [Fact]
    public void A_new_leader_with_everything_committed_is_legal()
    {
        var run = new HandMadeRun(new LeadersHoldWhatIsCommitted());
        run[1].Holds(2, 2);
        run.Node(1, node => node.Committed = new LogIndex(3));
        run[2].Holds(2, 2, 3);
        run.Node(2, node => node.Leads(3));
    }

    [Fact]
    public void A_leader_without_something_committed_is_caught()
    {
        var run = new HandMadeRun(new LeadersHoldWhatIsCommitted());
        run[1].Holds(2, 2);
        run.Node(1, node => node.Committed = new LogIndex(3));
        run[2].Holds(2);
        run.Violates(() => run.Node(2, node => node.Leads(3)), "node 2", "term 3", "entry 3", "term 2");
    }

    [Fact]
    public void A_commit_of_an_earlier_term_that_a_later_leader_lacks_is_caught_when_it_happens()
    {
        var run = new HandMadeRun(new LeadersHoldWhatIsCommitted());
        run.Node(2, node => node.Leads(3));
        run[1].Holds(2);
        run.Violates(() => run.Node(1, node => node.Committed = new LogIndex(2)), "node 2", "term 3", "entry 2");
    }

    [Fact]
    public void A_leader_that_commits_earlier_entries_with_one_of_its_own_is_legal_and_without_is_caught()
    {
        var run = new HandMadeRun(new CommitsByCountingAreOfTheOwnTerm());
        run[1].Holds(2, 3);
        run.Node(1, node => node.Leads(3));
        run.Node(1, node => node.Committed = new LogIndex(3));

        var old = new HandMadeRun(new CommitsByCountingAreOfTheOwnTerm());
        old[1].Holds(2, 3);
        old.Node(1, node => node.Leads(3));
        old.Violates(() => old.Node(1, node => node.Committed = new LogIndex(2)), "node 1", "term 3", "from 1 to 2", "of term 2");
    }

    [Fact]
    public void A_follower_may_learn_of_a_commit_of_any_term()
    {
        var run = new HandMadeRun(new CommitsByCountingAreOfTheOwnTerm());
        run[1].Holds(2, 3);
        run.Node(1, node => node.InTerm = new Term(4));
        run.Node(1, node => node.Committed = new LogIndex(2));
    }

    [Fact]
    public void A_commit_that_is_durable_on_two_of_three_is_legal_and_on_one_is_caught()
    {
        var run = new HandMadeRun(new CommittedIsDurableOnAQuorum());
        run[1].Holds(2);
        run[1].Stores(2, 1, 2);
        run[2].Stores(2, 1, 2);
        run.Node(1, node => node.Leads(2));
        run.Node(1, node => node.Committed = new LogIndex(2));
        run.Node(3, node => node.Committed = new LogIndex(2));

        var alone = new HandMadeRun(new CommittedIsDurableOnAQuorum());
        alone[1].Holds(2);
        alone[1].Stores(2, 1, 2);
        alone.Node(1, node => node.Leads(2));
        alone.Violates(() => alone.Node(1, node => node.Committed = new LogIndex(2)), "node 1", "entry 2", "durable on 1");
    }

    [Fact]
    public void A_commit_that_another_entry_or_a_learner_backs_is_caught()
    {
        var other = new HandMadeRun(new CommittedIsDurableOnAQuorum());
        other[1].Holds(2);
        other[1].Stores(2, 1, 2);
        other[2].Stores(2, 1, 1);
        other.Node(1, node => node.Leads(2));
        other.Violates(() => other.Node(1, node => node.Committed = new LogIndex(2)), "durable on 1");

        var learner = new HandMadeRun(new CommittedIsDurableOnAQuorum(), nodes: 4);
        learner[1].Holds(2);
        learner[1].Stores(2, 1, 2);
        learner[4].Stores(2, 1, 2);
        learner.Node(1, node => node.Leads(2));
        learner.Violates(() => learner.Node(1, node => node.Committed = new LogIndex(2)), "durable on 1");
    }

    [Fact]
    public void A_commit_that_one_half_of_a_joint_configuration_lacks_and_one_that_no_leader_made_are_caught()
    {
        var joint = new HandMadeRun(new CommittedIsDurableOnAQuorum(), nodes: 5);
        joint[1].Members = ConfigurationState.Create([new NodeId(1), new NodeId(4), new NodeId(5)], [new NodeId(1), new NodeId(2), new NodeId(3)], [], [], autoLeave: true);
        joint[1].Holds(2);
        foreach (int id in (int[])[1, 2, 3])
        {
            joint[id].Stores(2, 1, 2);
        }

        joint.Node(1, node => node.Leads(2));
        joint.Violates(() => joint.Node(1, node => node.Committed = new LogIndex(2)), "1, 4, 5");

        var nobody = new HandMadeRun(new CommittedIsDurableOnAQuorum());
        nobody[2].Holds(2);
        nobody.Violates(() => nobody.Node(2, node => node.Committed = new LogIndex(2)), "node 2", "no leader has committed more than 1");
    }

    [Fact]
    public void The_same_commits_on_all_nodes_also_after_a_restart_are_legal()
    {
        var run = new HandMadeRun(new CommittedEntriesNeverChange());
        run[1].Holds(2, 2);
        run.Node(1, node => node.Committed = new LogIndex(3));
        run[2].Holds(2, 3);
        run.Node(2, node => node.Committed = new LogIndex(2));
        run.Node(2, step => Hands(step, EntryOf(3, 2)));
        run.Restart(1);
    }

    [Fact]
    public void Another_entry_in_a_committed_place_is_caught_in_a_log_in_a_write_and_after_a_restart()
    {
        var learned = new HandMadeRun(new CommittedEntriesNeverChange());
        learned[1].Holds(2);
        learned.Node(1, node => node.Committed = new LogIndex(2));
        learned[2].Holds(3);
        learned.Violates(() => learned.Node(2, node => node.Committed = new LogIndex(2)), "node 2", "term 3", "at 2", "term 2");

        var written = new HandMadeRun(new CommittedEntriesNeverChange());
        written[1].Holds(2);
        written.Node(1, node => node.Committed = new LogIndex(2));
        written.Violates(() => written.Node(1, step => Hands(step, EntryOf(2, 2, content: 7))), "node 1", "at 2");

        var recovered = new HandMadeRun(new CommittedEntriesNeverChange());
        recovered[1].Holds(2);
        recovered.Node(1, node => node.Committed = new LogIndex(2));
        recovered.Violates(() => recovered.Restart(1, node => node.Holds(4)), "node 1", "term 4");
    }

    [Fact]
    public void Indexes_in_their_order_are_legal()
    {
        var run = new HandMadeRun(new IndexesKeepTheirOrder());
        run[1].Holds(2, 2, 2);
        run.Node(1, node => (node.Committed, node.AppliedIndex) = (new LogIndex(3), new LogIndex(2)));
        run.Restart(1, node => (node.Committed, node.AppliedIndex) = (new LogIndex(2), new LogIndex(1)));
    }

    [Fact]
    public void Indexes_out_of_their_order_or_going_back_are_caught()
    {
        foreach ((Action<HandMadeNode> change, string word) in new (Action<HandMadeNode>, string)[]
        {
            (node => node.Committed = new LogIndex(9), "9 committed, and its log ends at 4"),
            (node => node.AppliedIndex = new LogIndex(4), "applied 4, and 3 is committed"),
            (node => node.Committed = new LogIndex(2), "commit index went back from 3 to 2"),
            (node => node.AppliedIndex = new LogIndex(1), "applied index went back from 2 to 1"),
            (node => node.Purged = new LogIndex(4), "purged its log through 4"),
        })
        {
            var run = new HandMadeRun(new IndexesKeepTheirOrder());
            run[1].Holds(2, 2, 2);
            run.Node(1, node => (node.Committed, node.AppliedIndex) = (new LogIndex(3), new LogIndex(2)));
            if (word.Contains("commit index", StringComparison.Ordinal))
            {
                run[1].AppliedIndex = new LogIndex(2);
            }

            run.Violates(() => run.Node(1, change), "node 1", word);
        }
    }

    [Fact]
    public void One_change_of_members_after_the_other_is_legal()
    {
        var run = new HandMadeRun(new OneChangeOfMembersAtATime());
        run[1].Holds(2, 2, 2);
        run.Node(1, node => node.Leads(2));
        run[1].Committed = new LogIndex(2);
        run.Node(1, step => Hands(step, EntryOf(3, 2, kind: EntryKind.ConfigurationChangeV2)));
        run[1].Committed = new LogIndex(3);
        run.Node(1, node => node.Members = ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3), new NodeId(4)));
        run.Node(1, step => Hands(step, EntryOf(4, 2, kind: EntryKind.ConfigurationChangeV2)));
        run.Node(1, node => node.Members = ConfigurationState.Create([new NodeId(1)], [new NodeId(1), new NodeId(2), new NodeId(3), new NodeId(4)], [], [], autoLeave: true));
        run.Node(1, node => node.Members = ConfigurationState.OfVoters(new NodeId(1)));
    }

    [Fact]
    public void A_change_that_a_new_log_actor_is_sent_again_is_no_second_one()
    {
        var run = new HandMadeRun(new OneChangeOfMembersAtATime());
        run[1].Holds(2, 2, 2);
        run[1].Committed = new LogIndex(2);
        run.Node(1, node => node.Leads(2));
        run.Node(1, step => Hands(step, EntryOf(3, 2, kind: EntryKind.ConfigurationChangeV2)));
        run.Node(1, step => Hands(step, EntryOf(3, 2, kind: EntryKind.ConfigurationChangeV2)));
    }

    [Fact]
    public void A_second_change_before_the_first_is_committed_and_one_before_the_term_has_committed_are_caught()
    {
        var second = new HandMadeRun(new OneChangeOfMembersAtATime());
        second[1].Holds(2, 2, 2);
        second[1].Committed = new LogIndex(2);
        second.Node(1, node => node.Leads(2));
        second.Node(1, step => Hands(step, EntryOf(3, 2, kind: EntryKind.ConfigurationChangeV2)));
        second.Violates(() => second.Node(1, step => Hands(step, EntryOf(4, 2, kind: EntryKind.ConfigurationChangeV2))), "node 1", "change of members 4", "of 3 is not committed");

        var early = new HandMadeRun(new OneChangeOfMembersAtATime());
        early[1].Holds(2, 3);
        early[1].Committed = new LogIndex(2);
        early.Node(1, node => node.Leads(3));
        early.Violates(() => early.Node(1, step => Hands(step, EntryOf(4, 3, kind: EntryKind.ConfigurationChange))), "term 3", "of term 2");
    }

    [Fact]
    public void Configurations_whose_majorities_need_not_meet_are_caught()
    {
        var run = new HandMadeRun(new OneChangeOfMembersAtATime());
        run.Node(1, (HandMadeNode _) => { });
        run.Violates(() => run.Node(1, node => node.Members = ConfigurationState.OfVoters(new NodeId(1), new NodeId(4), new NodeId(5))), "node 1", "need not meet");
    }

    [Fact]
    public void A_snapshot_of_what_is_committed_is_legal()
    {
        var run = new HandMadeRun(new SnapshotsAreCommitted());
        run[1].Holds(2, 2);
        run.Node(1, node => node.Committed = new LogIndex(3));
        run[1].Stores(2, 1, 2, 2);
        run.Take(StepKind.Disk, 1, null, step => Flushes(step, run[1], Mark(3, 2)));
        run.Node(1, step => Sends(step, 2, OfSnapshot(3, 2, Three)));
        run.Node(1, step => Sends(step, 3, OfSnapshot(3, 2, Three)));
    }

    [Fact]
    public void A_snapshot_of_what_is_not_committed_or_of_another_term_or_configuration_is_caught()
    {
        var run = new HandMadeRun(new SnapshotsAreCommitted());
        run[1].Holds(2, 2);
        run.Node(1, node => node.Committed = new LogIndex(2));
        run.Violates(() => run.Node(1, step => Sends(step, 2, OfSnapshot(3, 2, Three))), "snapshot of 3", "2 is committed");
        run.Violates(() => run.Node(1, step => Sends(step, 2, OfSnapshot(2, 9, Three))), "term 9", "term 2");
        run.Node(1, step => Sends(step, 2, OfSnapshot(2, 2, Three)));
        run.Violates(() => run.Node(1, step => Sends(step, 2, OfSnapshot(2, 2, ConfigurationState.OfVoters(new NodeId(1))))), "snapshot of 2");
        run[1].Stores(2, 1, 2, 2);
        run.Violates(() => run.Take(StepKind.Disk, 1, null, step => step.MadeDurableList.Add(Mark(3, 2))), "snapshot of 3");
        run.Violates(
            () => run.Node(1, step => step.SentList.Add(new SentMessage(new NodeId(2), new SnapshotOffer(1, new Term(2), new SnapshotMark(new LogIndex(2), new Term(2)), 10, 5, Hash256.Zero)))),
            "5 records, and there are 0");
    }

    private static LogBatch Mark(ulong index, ulong term) => new()
    {
        State = new DurableState(new Term(term), new NodeId(1), new LogIndex(index)),
        Mark = new SnapshotMark(new LogIndex(index), new Term(term)),
    };

    private static Message OfSnapshot(ulong index, ulong term, ConfigurationState members) => new()
    {
        Kind = MessageKind.Snapshot,
        Term = new Term(term),
        Snapshot = new Snapshot(new LogIndex(index), new Term(term), members, default),
    };

    private static void Take(HandMadeRun run, int id, params ulong[] terms)
    {
        run[id].Holds(terms);
        run.Node(id, step => Hands(step, [.. run[id].Log]));
    }

    private static void Extend(HandMadeRun run, int id, ulong term, bool leads, params ulong[] terms)
    {
        int before = run[id].Log.Count;
        int common = Math.Min(before, terms.Length);
        while (common > 0 && run[id].Log[common - 1].Term != new Term(terms[common - 1]))
        {
            common--;
        }

        run[id].Holds(terms);
        (run[id].InTerm, run[id].Plays) = (new Term(term), leads ? RaftRole.Leader : RaftRole.Follower);
        run.Node(id, step => Hands(step, [.. run[id].Log.Skip(common)]));
    }
}
