using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using static Converge.Swarm.Simulation.Tests.Invariants.HandMadeRun;

namespace Converge.Swarm.Simulation.Tests.Invariants;

public class ReadInvariantTests
{
    [Fact]
    public void A_read_confirmed_by_a_round_that_was_sent_after_the_request_is_legal()
    {
        var run = new HandMadeRun(new ReadsAreConfirmedAfterTheRequest());
        StateMachineMessage.Query query = Query();
        run.Node(1, node => node.Leads(2));
        run.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Linearizable));
        SendRound(run, 7);
        Answer(run, 2, 7);
        run.Node(1, step => step.HandedToStateMachineList.Add(query));
    }

    [Fact]
    public void A_read_confirmed_by_a_round_that_was_sent_before_the_request_is_caught()
    {
        var run = new HandMadeRun(new ReadsAreConfirmedAfterTheRequest());
        StateMachineMessage.Query query = Query();
        run.Node(1, node => node.Leads(2));
        SendRound(run, 7);
        run.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Linearizable));
        Answer(run, 2, 7);
        run.Violates(() => run.Node(1, step => step.HandedToStateMachineList.Add(query)), "node 1", "step 3", "step 2");
    }

    [Fact]
    public void A_round_that_only_a_learner_or_nobody_answered_confirms_nothing()
    {
        foreach (int answering in (int[])[0, 4])
        {
            var run = new HandMadeRun(new ReadsAreConfirmedAfterTheRequest(), nodes: 4);
            StateMachineMessage.Query query = Query();
            run.Node(1, node => node.Leads(2));
            run.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Linearizable));
            SendRound(run, 7);
            if (answering > 0)
            {
                Answer(run, answering, 7);
            }

            run.Violates(() => run.Node(1, step => step.HandedToStateMachineList.Add(query)), "node 1", "step 0");
        }
    }

    [Fact]
    public void An_answer_of_an_earlier_term_confirms_nothing()
    {
        var run = new HandMadeRun(new ReadsAreConfirmedAfterTheRequest());
        StateMachineMessage.Query query = Query();
        run.Node(1, node => node.Leads(2));
        run.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Linearizable));
        SendRound(run, 7);
        run.Node(1, node => node.Leads(3));
        Answer(run, 2, 7);
        run.Violates(() => run.Node(1, step => step.HandedToStateMachineList.Add(query)), "node 1");
    }

    [Fact]
    public void A_read_answered_before_what_was_committed_is_applied_is_caught()
    {
        var run = new HandMadeRun(new ReadsAreConfirmedAfterTheRequest());
        StateMachineMessage.Query query = Query();
        run[2].Holds(2, 2);
        run.Node(2, node => node.Committed = new LogIndex(3));
        run.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Linearizable));
        run.Violates(
            () => run.Node(1, step => step.HandedToStateMachineList.AddRange([new StateMachineMessage.Apply([HandMadeNode.EntryOf(2, 2)], []), query])),
            "node 1", "from entry 2", "3 was committed");
    }

    [Fact]
    public void A_stale_read_needs_neither()
    {
        var run = new HandMadeRun(new ReadsAreConfirmedAfterTheRequest());
        StateMachineMessage.Query query = Query();
        run[2].Holds(2, 2);
        run.Node(2, node => node.Committed = new LogIndex(3));
        run.Node(1, step => step.HandedToStateMachineList.Add(query), new NodeMessage.Read(query, ReadConsistency.Stale));
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(600, false)]
    public void A_leased_read_is_served_inside_the_lease_only(int afterMilliseconds, bool legal)
    {
        // Ten ticks of 50 ms are an election timeout.
        var run = new HandMadeRun(new LeasedReadsStayInsideTheLease());
        StateMachineMessage.Query query = Query();
        run.Node(1, node => node.Leads(2));
        run.NowMicroseconds = 5_000_000;
        SendRound(run, 7);

        // The answer comes late, and the lease is counted from the sending all the same.
        run.NowMicroseconds = 5_000_000 + (afterMilliseconds * 1_000);
        Answer(run, 2, 7);
        run.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Leased));
        void Serve() => run.Node(1, step => step.HandedToStateMachineList.Add(query));
        if (legal)
        {
            Serve();
        }
        else
        {
            run.Violates(Serve, "node 1", "600000 µs", "500000 µs");
        }
    }

    [Fact]
    public void A_leased_read_outside_a_lease_with_a_round_of_its_own_is_legal_and_without_any_is_caught()
    {
        var own = new HandMadeRun(new LeasedReadsStayInsideTheLease());
        StateMachineMessage.Query query = Query();
        own.Node(1, node => node.Leads(2));
        own.NowMicroseconds = 5_000_000;
        own.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Leased));
        SendRound(own, 7);
        Answer(own, 2, 7);
        own.Node(1, step => step.HandedToStateMachineList.Add(query));

        var none = new HandMadeRun(new LeasedReadsStayInsideTheLease());
        none.Node(1, node => node.Leads(2));
        none.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Leased));
        none.Violates(() => none.Node(1, step => step.HandedToStateMachineList.Add(query)), "node 1");
    }

    [Fact]
    public void A_leased_read_that_hides_what_was_committed_is_caught()
    {
        var run = new HandMadeRun(new LeasedReadsStayInsideTheLease());
        StateMachineMessage.Query query = Query();
        run[2].Holds(2, 2);
        run.Node(2, node => node.Committed = new LogIndex(3));
        run.Node(1, received: new NodeMessage.Read(query, ReadConsistency.Leased));
        run.Violates(() => run.Node(1, step => step.HandedToStateMachineList.Add(query)), "node 1", "from entry 1", "3 was committed");
    }

    private static void SendRound(HandMadeRun run, ulong round) => run.Node(1, step =>
    {
        foreach (int to in (int[])[2, 3])
        {
            Sends(step, to, new Message { Kind = MessageKind.Heartbeat, From = new NodeId(1), To = new NodeId((ulong)to), Term = new Term(2), Context = round });
        }
    });

    private static void Answer(HandMadeRun run, int from, ulong round) => run.Node(
        1, received: Received(new Message { Kind = MessageKind.HeartbeatResp, From = new NodeId((ulong)from), To = new NodeId(1), Term = new Term(2), Context = round }));

    private static StateMachineMessage.GetHead Query() => new(new NoReply());

    private sealed class NoReply : Reply<QueryAnswer<LedgerHead>>
    {
        public override void Send(QueryAnswer<LedgerHead> answer)
        {
        }
    }
}
