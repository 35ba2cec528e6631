using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Simulation.Tests.Invariants;

public class HealingInvariantTests
{
    private const long Begin = 5_000_000;
    private const long Last = 7_000_000;

    [Fact]
    public void A_swarm_that_heals_and_serves_a_new_write_in_time_is_legal()
    {
        HandMadeRun run = Healing();
        run.Node(1, node => node.Leads(2));
        AllHave(run, 1);
        ClientOperation write = Begins(run);
        run.Node(1, node => node.Holds(2, 2));
        run.NowMicroseconds = Last;
        Ends(run, write, Accepted);
        AllHave(run, 2);

        // What comes later is not its concern.
        run.NowMicroseconds = Last + 1;
        run.Node(1, node => node.Plays = RaftRole.Follower);
        run.End();
    }

    [Fact]
    public void A_run_that_says_of_no_phase_that_it_heals_is_not_judged()
    {
        var run = new HandMadeRun(new HealedSwarmsMakeProgress()) { NowMicroseconds = 2 * Last };
        run.Node(2, node => node.Runs = false);
        run.End();
    }

    [Fact]
    public void No_leader_at_the_bound_is_caught()
    {
        HandMadeRun run = Healing();
        AllHave(run, 1);
        run.NowMicroseconds = Last;
        run.Node(1, node => node.Plays = RaftRole.Candidate);
        run.NowMicroseconds = Last + 1;
        run.Violates(() => Idle(run), "2 s after", "not all was well", "node 1 Candidate term 2", "node 3 Follower");
    }

    [Theory]
    [MemberData(nameof(Unwell))]
    public void A_node_that_does_not_stand_like_the_others_at_the_bound_is_caught(string how)
    {
        HandMadeRun run = Healing();
        run[1].Leads(2);
        AllHave(run, 1, but: node => UnwellNodes[how](node));
        run.NowMicroseconds = Last + 1;
        run.Violates(() => Idle(run), "not all was well", "node 3");
    }

    [Fact]
    public void A_change_of_members_half_way_and_a_leader_that_is_none_of_them_are_caught()
    {
        foreach (ConfigurationState members in new[] { Joint, ConfigurationState.OfVoters(new NodeId(2), new NodeId(3)) })
        {
            HandMadeRun run = Healing();
            run[1].Leads(2);
            foreach (HandMadeNode node in run.All)
            {
                node.Members = members;
            }

            AllHave(run, 1);
            run.NowMicroseconds = Last + 1;
            run.Violates(() => Idle(run), "not all was well", members.ToString());
        }
    }

    [Fact]
    public void A_node_that_is_no_member_any_more_need_not_catch_up()
    {
        HandMadeRun run = Healing(nodes: 4);
        run[1].Leads(2);
        run[4].Runs = false;
        AllHave(run, 1);
        Ends(run, Begins(run), Accepted);
        run.End();
    }

    [Fact]
    public void No_new_write_is_caught()
    {
        HandMadeRun run = Healing();
        ClientOperation before = Begins(run);
        run.NowMicroseconds++;
        run[1].Leads(2);
        AllHave(run, 1);
        Ends(run, before, Accepted);
        run.Violates(run.End, "no new write was decided upon; ");

        Ends(run, Begins(run), new FactNotCommitted(NotCommittedReason.Busy, "Full."));
        run.NowMicroseconds = Last + 1;
        run.Violates(() => Idle(run), "no new write was decided upon, the last came to", "Busy");
    }

    [Fact]
    public void A_write_that_does_not_get_to_all_is_caught()
    {
        HandMadeRun run = Healing();
        run[1].Leads(2);
        AllHave(run, 1);
        ClientOperation write = Begins(run);
        run.Node(1, node => node.Holds(2, 2));
        Ends(run, write, Accepted);
        run.NowMicroseconds = Last;
        AllHave(run, 2, but: node => node.AppliedIndex = new LogIndex(2));
        run.NowMicroseconds = Last + 1;
        run.Violates(() => Idle(run), "a new write had not got to all", "node 3 Follower term 2 leader 1 last 3 commit 3 applied 2");
    }

    [Fact]
    public void A_run_whose_faults_leave_no_time_to_heal_fails()
    {
        SimulationRunResult result = SimulationRun.Run(new SimulationRunOptions { Seed = 3, SafetySeconds = 5, Seconds = 6, HealingSeconds = 0 });
        Assert.Equal(new HealedSwarmsMakeProgress().Name, result.Failure?.Checker);
    }

    public static TheoryData<string> Unwell => [.. UnwellNodes.Keys];

    private static readonly Dictionary<string, Action<HandMadeNode>> UnwellNodes = new()
    {
        ["down"] = node => node.Runs = false,
        ["follows nobody"] = node => node.Follows = NodeId.None,
        ["follows another"] = node => node.Follows = new NodeId(2),
        ["in another term"] = node => node.InTerm = new Term(3),
        ["knows less to be committed"] = node => node.Committed = new LogIndex(1),
        ["applied less"] = node => node.AppliedIndex = new LogIndex(1),
        ["has other members"] = node => node.Members = ConfigurationState.OfVoters(new NodeId(1), new NodeId(3)),
    };

    private static readonly ConfigurationState Joint =
        ConfigurationState.Create([new NodeId(1), new NodeId(2), new NodeId(3)], [new NodeId(1), new NodeId(2)], [], [], autoLeave: true);

    private static readonly FactAccepted Accepted = new(1, new LogIndex(3), new Term(2), 0, default, new string('0', 64), 1);

    private static HandMadeRun Healing(int nodes = 3) =>
        new(new HealedSwarmsMakeProgress(), nodes) { NowMicroseconds = Begin, Healing = new HealingPhase(Begin, TimeSpan.FromSeconds(2)) };

    /// <summary>All members follow node 1 in term 2, and have applied so many entries of it behind the founding one; the last of them <paramref name="but"/>.</summary>
    private static void AllHave(HandMadeRun run, int entries, Action<HandMadeNode>? but = null)
    {
        foreach (HandMadeNode node in run.All[..3])
        {
            node.InTerm = new Term(2);
            node.Follows = new NodeId(1);
            node.Holds([.. Enumerable.Repeat(2UL, entries)]);
            node.Committed = node.LastIndex;
            node.AppliedIndex = node.LastIndex;
        }

        but?.Invoke(run[3]);
        Idle(run);
    }

    private static void Idle(HandMadeRun run) => run.Take(StepKind.NodeActor, 1, null, null);

    private static ClientOperation Begins(HandMadeRun run) =>
        run.History.Begin(1, new ClientRequest.Propose(new FactSubmission(new ProposalCreated("p", "a"))), run.NowMicroseconds);

    private static void Ends(HandMadeRun run, ClientOperation write, CommitAnswer answer)
    {
        write.EndedAtMicroseconds = run.NowMicroseconds;
        write.Outcome = new ClientOutcome.Fact(answer);
        run.Take(StepKind.Outside, 0, null, step => step.EndedList.Add(write));
    }
}
