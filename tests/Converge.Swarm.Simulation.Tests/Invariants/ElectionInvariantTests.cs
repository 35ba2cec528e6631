using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;
using static Converge.Swarm.Simulation.Tests.Invariants.HandMadeRun;

namespace Converge.Swarm.Simulation.Tests.Invariants;

public class ElectionInvariantTests
{
    [Fact]
    public void One_leader_after_the_other_in_later_terms_is_legal()
    {
        var run = new HandMadeRun(new OneLeaderPerTerm());
        run.Node(1, node => node.Leads(2));
        run.Node(1, step => Sends(step, 2, Heartbeat(1, 2)));
        run.Node(2, node => node.Leads(3));
        run.Node(1, node => node.Leads(2));
        run.Node(1, node => node.Plays = RaftRole.Follower);
        run.Node(1, node => node.Leads(4));
    }

    [Fact]
    public void Two_leaders_of_one_term_are_caught()
    {
        var run = new HandMadeRun(new OneLeaderPerTerm());
        run.Node(1, node => node.Leads(2));
        run.Node(2, node => node.Leads(3));
        run.Violates(() => run.Node(3, node => node.Leads(2)), "node 3", "term 2", "node 1");
    }

    [Fact]
    public void Who_sends_what_a_leader_sends_counts_as_one()
    {
        var run = new HandMadeRun(new OneLeaderPerTerm());
        run.Node(1, node => node.Leads(2));
        run.Violates(() => run.Node(2, step => Sends(step, 3, Heartbeat(2, 2))), "node 2", "node 1");
    }

    [Fact]
    public void A_leader_that_comes_back_in_its_term_is_caught()
    {
        var run = new HandMadeRun(new OneLeaderPerTerm());
        run.Node(1, node => node.Leads(2));
        run.Restart(1);
        run.Violates(() => run.Node(1, node => node.Leads(2)), "life 2", "life 1");
    }

    [Fact]
    public void A_vote_kept_through_a_crash_and_a_term_that_grows_are_legal()
    {
        var run = new HandMadeRun(new TermsAndVotesAreKept());
        run.Node(1, node => node.InTerm = new Term(2));
        run.Node(1, step => HandsVote(step, 2, 3));
        run.Take(StepKind.Disk, 1, null, step => Flushes(step, run[1], new LogBatch { State = new DurableState(new Term(2), new NodeId(3), new LogIndex(1)) }));
        run.Take(StepKind.LogActor, 1, null, step => Sends(step, 3, Vote(1, 3, 2)));
        run.Restart(1);
        run.Take(StepKind.LogActor, 1, null, step => Sends(step, 3, Vote(1, 3, 2)));
        run.Node(1, node => node.InTerm = new Term(3));
    }

    [Fact]
    public void A_second_vote_in_a_term_is_caught_also_after_a_crash()
    {
        var run = new HandMadeRun(new TermsAndVotesAreKept());
        run.Node(1, node => node.InTerm = new Term(2));
        run.Node(1, step => HandsVote(step, 2, 3));
        run.Violates(() => run.Node(1, step => HandsVote(step, 2, 2)), "node 1", "node 2", "term 2", "node 3");

        var crashed = new HandMadeRun(new TermsAndVotesAreKept());
        crashed.Node(1, node => node.InTerm = new Term(2));
        crashed.Take(StepKind.Disk, 1, null, step => Flushes(step, crashed[1], new LogBatch { State = new DurableState(new Term(2), new NodeId(3), new LogIndex(1)) }));
        crashed.Restart(1);
        crashed.Violates(
            () => crashed.Take(StepKind.Disk, 1, null, step => step.MadeDurableList.Add(new LogBatch { State = new DurableState(new Term(2), new NodeId(2), new LogIndex(1)) })),
            "node 1", "node 2", "term 2", "node 3");
    }

    [Fact]
    public void A_vote_that_a_crash_took_back_before_anybody_heard_of_it_is_legal()
    {
        var run = new HandMadeRun(new TermsAndVotesAreKept());
        run.Node(1, node => node.InTerm = new Term(2));
        run.Node(1, step => HandsVote(step, 2, 1));
        run.Restart(1, node => node.InTerm = new Term(1));
        run.Node(1, node => node.InTerm = new Term(2));
        run.Node(1, step => HandsVote(step, 2, 3));
    }

    [Fact]
    public void A_vote_given_before_it_is_durable_is_caught()
    {
        var run = new HandMadeRun(new TermsAndVotesAreKept());
        run.Node(1, node => node.InTerm = new Term(2));
        run.Violates(() => run.Node(1, step => Sends(step, 3, Vote(1, 3, 2))), "node 1", "node 3", "term 2", "term 1");
    }

    [Fact]
    public void A_term_that_goes_back_is_caught()
    {
        var run = new HandMadeRun(new TermsAndVotesAreKept());
        run.Node(1, node => node.InTerm = new Term(5));
        run.Violates(() => run.Node(1, node => node.InTerm = new Term(4)), "node 1", "5", "4");
    }

    [Fact]
    public void A_durable_term_that_is_forgotten_in_a_crash_is_caught()
    {
        var run = new HandMadeRun(new TermsAndVotesAreKept());
        run.Node(1, node => node.InTerm = new Term(5));
        run.Take(StepKind.Disk, 1, null, step => Flushes(step, run[1], new LogBatch { State = new DurableState(new Term(5), NodeId.None, new LogIndex(1)) }));
        run.Violates(() => run.Restart(1, node => node.InTerm = new Term(4)), "term 4", "term 5");
    }

    [Fact]
    public void An_acknowledgement_of_what_is_not_durable_or_of_another_entry_is_caught()
    {
        var run = new HandMadeRun(new TermsAndVotesAreKept());
        run.Node(2, node => node.Leads(2));
        run[2].Holds(2, 2);
        run[1].Stores(2, 0, 2);
        run.Take(StepKind.LogActor, 1, null, step => Sends(step, 2, Acknowledge(1, 2, 2, 2)));
        run.Violates(() => run.Take(StepKind.LogActor, 1, null, step => Sends(step, 2, Acknowledge(1, 2, 2, 3))), "entry 3", "ends at 2");

        var other = new HandMadeRun(new TermsAndVotesAreKept());
        other.Node(2, node => node.Leads(2));
        other[2].Holds(2);
        other[1].Stores(2, 0, 1);
        other.Violates(() => other.Take(StepKind.LogActor, 1, null, step => Sends(step, 2, Acknowledge(1, 2, 2, 2))), "entry 2", "term 2", "term 1");
    }

    [Fact]
    public void Applying_what_is_not_durable_on_the_node_is_caught()
    {
        var run = new HandMadeRun(new TermsAndVotesAreKept());
        run[1].Stores(2, 0, 2);
        run.Take(StepKind.StateMachineActor, 1, null, step => step.AppliedList.Add(new AppliedEntry(new LogIndex(2), new Term(2), default, default)));
        run.Violates(
            () => run.Take(StepKind.StateMachineActor, 1, null, step => step.AppliedList.Add(new AppliedEntry(new LogIndex(3), new Term(2), default, default))),
            "entry 3", "ends at 2");
    }

    [Fact]
    public void A_majority_of_voters_elects()
    {
        var run = new HandMadeRun(new OnlyVotersElect());
        run[1].Stores(2, 1);
        run.Take(StepKind.LogActor, 2, null, step => Sends(step, 1, Vote(2, 1, 2)));
        run.Node(1, node => node.Leads(2));
    }

    [Fact]
    public void A_leader_that_counted_a_learner_is_caught()
    {
        var run = new HandMadeRun(new OnlyVotersElect(), nodes: 4);
        run[1].Stores(2, 1);
        run.Take(StepKind.LogActor, 4, null, step => Sends(step, 1, Vote(4, 1, 2)));
        run.Violates(() => run.Node(1, node => node.Leads(2)), "node 1", "term 2", "1 votes");
    }

    [Fact]
    public void A_leader_whose_own_vote_is_not_durable_is_caught()
    {
        var run = new HandMadeRun(new OnlyVotersElect());
        run.Take(StepKind.LogActor, 2, null, step => Sends(step, 1, Vote(2, 1, 2)));
        run.Violates(() => run.Node(1, node => node.Leads(2)), "1 votes");
    }

    [Fact]
    public void In_a_joint_configuration_both_halves_must_elect()
    {
        ConfigurationState joint = ConfigurationState.Create([new NodeId(1), new NodeId(4), new NodeId(5)], [new NodeId(1), new NodeId(2), new NodeId(3)], [], [], autoLeave: true);
        var run = new HandMadeRun(new OnlyVotersElect(), nodes: 5);
        run[1].Stores(2, 1);
        run[1].Members = joint;
        run.Take(StepKind.LogActor, 4, null, step => Sends(step, 1, Vote(4, 1, 2)));
        run.Violates(() => run.Node(1, node => node.Leads(2)), "1 votes", "1, 2, 3");
        run.Take(StepKind.LogActor, 2, null, step => Sends(step, 1, Vote(2, 1, 3)));
        run.Take(StepKind.LogActor, 4, null, step => Sends(step, 1, Vote(4, 1, 3)));
        run[1].Stores(3, 1);
        run.Node(1, node => node.Leads(3));
    }

    [Fact]
    public void A_pre_vote_that_leaves_everything_as_it_was_is_legal()
    {
        var run = new HandMadeRun(new PreVotesChangeNothing());
        run.Node(1, node => node.Waited = 3);
        run.Node(1, received: Received(PreVote(2, 1, 9)));
        run.Node(1, node => node.Plays = RaftRole.PreCandidate);
    }

    [Fact]
    public void A_pre_vote_that_moves_the_term_or_the_clock_or_the_vote_is_caught()
    {
        foreach ((Action<HandMadeNode> change, string word) in new (Action<HandMadeNode>, string)[]
        {
            (node => node.InTerm = new Term(9), "Term = 9"),
            (node => node.Waited = 0, "Waited = 0"),
            (node => node.VotedFor = new NodeId(2), "Vote = 2"),
            (node => node.Follows = new NodeId(2), "Leader = 2"),
        })
        {
            var run = new HandMadeRun(new PreVotesChangeNothing());
            run.Node(1, node => node.Waited = 3);
            run.Violates(() => run.Node(1, _ => change(run[1]), Received(PreVote(2, 1, 9))), "node 1", "node 2", word);
        }
    }

    [Fact]
    public void Who_asks_for_pre_votes_in_a_new_term_is_caught()
    {
        var run = new HandMadeRun(new PreVotesChangeNothing());
        run.Node(1, node => node.Waited = 3);
        run.Violates(() => run.Node(1, node => (node.Plays, node.InTerm) = (RaftRole.PreCandidate, new Term(2))), "node 1", "term 2", "term 1");
    }

    private static Message Heartbeat(int from, ulong term) => new() { Kind = MessageKind.Heartbeat, From = new NodeId((ulong)from), Term = new Term(term), Context = 1 };

    private static Message Vote(int from, int to, ulong term) =>
        new() { Kind = MessageKind.VoteResp, From = new NodeId((ulong)from), To = new NodeId((ulong)to), Term = new Term(term) };

    private static Message PreVote(int from, int to, ulong term) =>
        new() { Kind = MessageKind.PreVote, From = new NodeId((ulong)from), To = new NodeId((ulong)to), Term = new Term(term) };

    private static Message Acknowledge(int from, int to, ulong term, ulong index) =>
        new() { Kind = MessageKind.AppendResp, From = new NodeId((ulong)from), To = new NodeId((ulong)to), Term = new Term(term), Index = new LogIndex(index) };

    private static void HandsVote(SimulationStep step, ulong term, ulong vote) =>
        step.HandedToLogList.Add(new LogMessage.Append(1, new HardState(new Term(term), new NodeId(vote), default), [], []));
}
