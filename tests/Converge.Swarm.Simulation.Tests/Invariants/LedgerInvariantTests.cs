using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using static Converge.Swarm.Simulation.Tests.Invariants.HandMadeRun;

namespace Converge.Swarm.Simulation.Tests.Invariants;

public class LedgerInvariantTests
{
    [Fact]
    public void The_same_entries_with_the_same_digests_are_legal_and_others_are_caught()
    {
        var run = new HandMadeRun(new AppliedStatesAgree());
        Apply(run, 1, 2, 2, 1);
        Apply(run, 1, 3, 2, 2);
        Apply(run, 2, 2, 2, 1);
        run.Violates(() => Apply(run, 2, 3, 2, 9), "node 2", "entry 3");
        run.Violates(() => Apply(run, 3, 2, 3, 1), "node 3", "term 3", "term 2");
        run.Violates(() => Apply(run, 3, 5, 2, 1), "node 3", "entry 5");
    }

    [Fact]
    public void A_record_says_what_its_entry_says_byte_for_byte()
    {
        var run = new HandMadeRun(new AppliedStatesAgree());
        AgreedEntry agreed = HandMadeRun.Recorded(2, 1, 1, RecordKind.Fact, new ProposalCreated("p", "ann"));
        var record = new RecordMark(1, LedgerRecordCodec.Encode(agreed.Record!).Hash);
        var answer = new AnswerData(record, agreed.Entry.Index, agreed.Entry.Term, CommandStamp.None, revision: 1);

        Agree(run, agreed with { Applied = agreed.Applied with { Outcome = ApplyOutcome.Recorded(answer) } });
        run.Violates(() => Agree(run, agreed), "node 1", "record 1", "entry 2");
    }

    [Fact]
    public void Commands_that_are_decided_upon_once_are_legal_also_again_after_their_session_was_forgotten()
    {
        var run = new HandMadeRun(new CommandsTakeEffectOnce());
        Agree(run, Recorded(2, 1, 1, RecordKind.Fact, new ProposalCreated("p", "a"), new CommandId("s", 1)));
        Agree(run, Recorded(3, 1, 2, RecordKind.Fact, new ValidationPassed("p", "v"), new CommandId("s", 2)));
        Agree(run, Recorded(4, 1, 3, RecordKind.Fact, new ValidationPassed("p", "v"), new CommandId("t", 1), evicted: "s"));
        Agree(run, Recorded(5, 1, 4, RecordKind.Fact, new ValidationPassed("p", "v"), new CommandId("s", 2)));
    }

    [Fact]
    public void A_command_that_is_decided_upon_twice_is_caught()
    {
        var run = new HandMadeRun(new CommandsTakeEffectOnce());
        Agree(run, Recorded(2, 1, 1, RecordKind.Fact, new ValidationPassed("p", "v"), new CommandId("s", 1)));
        run.Violates(() => Agree(run, Recorded(3, 1, 2, RecordKind.Fact, new ValidationPassed("p", "v"), new CommandId("s", 1))), "s", "entry 2", "entry 3");
    }

    [Fact]
    public void Facts_behind_the_authority_of_their_term_are_legal()
    {
        var run = new HandMadeRun(new EffectsFollowTheirFacts());
        Agree(run, Recorded(2, 2, 1, RecordKind.Authority));
        Agree(run, Recorded(3, 2, 2, RecordKind.Fact, new ProposalCreated("p", "a")));
        Agree(run, Recorded(4, 5, 3, RecordKind.Authority));
        Agree(run, Recorded(5, 5, 4, RecordKind.Fact, new ProposalCreated("q", "a")));
    }

    [Fact]
    public void A_fact_of_an_older_term_behind_a_fence_a_second_authority_and_an_outcome_are_caught()
    {
        var run = new HandMadeRun(new EffectsFollowTheirFacts());
        Agree(run, Recorded(2, 2, 1, RecordKind.Authority));
        Agree(run, Recorded(3, 5, 2, RecordKind.Authority));
        run.Violates(() => Agree(run, Recorded(4, 2, 3, RecordKind.Fact, new ProposalCreated("p", "a"))), "record 3", "term 2", "term 5");
        run.Violates(() => Agree(run, Recorded(4, 7, 3, RecordKind.Fact, new ProposalCreated("p", "a"))), "record 3", "term 7", "term 5");
        run.Violates(() => Agree(run, Recorded(4, 5, 3, RecordKind.Authority)), "record 3", "term 5");
        run.Violates(() => Agree(run, Recorded(4, 5, 3, RecordKind.Outcome)), "record 3", "outcome");
    }

    [Fact]
    public void Ledgers_with_the_same_roots_are_legal()
    {
        var run = new HandMadeRun(new LedgersAgree());
        Flush(run, 1, 5, "r5");
        Flush(run, 2, 5, "r5");
        Flush(run, 2, 6, "r6");
        run.Restart(2);
        run.End();
    }

    [Fact]
    public void A_ledger_with_another_root_or_without_what_was_durable_is_caught()
    {
        var run = new HandMadeRun(new LedgersAgree());
        Flush(run, 1, 5, "r5");
        run.Violates(() => Flush(run, 2, 5, "x5"), "node 2", "5 records", "x5", "node 1", "r5");
        run.Violates(() => run.Restart(1, node => node.Head = Head(4, "r4")), "node 1", "4 records", "5 were durable");

        var end = new HandMadeRun(new LedgersAgree());
        Flush(end, 1, 5, "r5");
        end[2].Head = Head(5, "other");
        end.Violates(end.End, "node 2", "other");
    }

    [Fact]
    public void A_read_that_shows_its_index_is_legal_and_one_that_shows_another_is_caught()
    {
        var run = new HandMadeRun(new ReadsShowTheirIndex());
        run[1].Holds(1, 1);
        Agree(run, Recorded(2, 1, 1, RecordKind.Fact, new ProposalCreated("p", "ann")));
        Agree(run, Recorded(3, 1, 2, RecordKind.Fact, new PromotionApproved("p", "bob")));
        Know(run, 2);
        Know(run, 3);

        Read(run, View(1, ProposalStatus.Open, null, 1, asOf: 2));
        Read(run, View(2, ProposalStatus.Approved, "bob", 2, asOf: 3));
        run.Violates(() => Read(run, View(2, ProposalStatus.Approved, "bob", 2, asOf: 2)), "node 1", "as of 2");
        run.Violates(() => Read(run, View(1, ProposalStatus.Open, null, 1, asOf: 3)), "node 1");
        run.Violates(() => Read(run, View(2, ProposalStatus.Approved, "bob", 2, asOf: 4)), "entry 4", "3");
    }

    private static ProposalView View(ulong revision, ProposalStatus status, string? decidedBy, ulong last, ulong asOf) =>
        new("p", status, revision, "ann", null, null, decidedBy, [], 1, last, new LogIndex(asOf));

    private static void Read(HandMadeRun run, ProposalView view)
    {
        ClientOperation operation = run.History.Begin(0, new ClientRequest.ReadProposal("p", ReadConsistency.Stale), 0);
        ClientAttempt attempt = operation.Attempt(new NodeId(1), 0);
        attempt.Outcome = new ClientOutcome.Proposal(view);
        run.Take(StepKind.Outside, 0, null, step => step.AnsweredList.Add(attempt));
    }

    /// <summary>The run's own copy of the agreed log learns that something was applied.</summary>
    private static void Know(HandMadeRun run, ulong index)
    {
        byte[] authority = CommandCodec.EncodeAuthority(new NodeId(1), new CommandStamp(1, new LamportTimestamp(index, new NodeId(1))));
        run[1].Log[(int)index - 2] = new Raft.Entry(new Term(1), new LogIndex(index), Raft.EntryKind.Normal, authority);
        run.Agreed.Add(run[1], new AppliedEntry(new LogIndex(index), new Term(1), default, default));
    }

    private static void Agree(HandMadeRun run, AgreedEntry agreed) => run.Take(StepKind.StateMachineActor, 1, null, step => step.AgreedList.Add(agreed));

    private static void Apply(HandMadeRun run, int id, ulong index, ulong term, byte digest) => run.Take(
        StepKind.StateMachineActor, id, null, step => step.AppliedList.Add(new AppliedEntry(new LogIndex(index), new Term(term), default, Hash256.Of([digest]))));

    private static void Flush(HandMadeRun run, int id, ulong sequence, string root)
    {
        run[id].Head = Head(sequence, root);
        run[id].DurableLedgerSequence = sequence;
        run.Take(StepKind.Disk, id, null, null);
    }

    private static LedgerHead Head(ulong sequence, string root) => new(sequence, $"h{sequence}", root, new LogIndex(sequence), new Term(1));
}
