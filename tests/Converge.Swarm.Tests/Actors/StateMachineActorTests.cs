using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Governance;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Actors;

/// <summary>What the state-machine actor promises on its own.</summary>
public sealed class StateMachineActorTests
{
    private static readonly NodeId Self = new(1);

    [Fact]
    public void Questions_that_wait_for_the_ledgers_room_are_bounded_and_are_answered_in_their_place_when_there_is_room()
    {
        using var ledger = GovernanceLedger.Open(
            new FaultyDisk(), "data/ledger", new GovernanceLedgerOptions { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes }, null);
        var actor = new StateMachineActor(Founding.State([new MemberAddress(Self, "test:1", null, false)]), snapshot: null, ledger, new Port());
        LogIndex index = Founding.Mark.Index;
        CommandStamp stamp = CommandStamp.None;
        while (!ledger.IsFull)
        {
            index = index.Next;
            actor.Receive(Created(index, ref stamp));
        }

        LogIndex waiting = index.Next;
        actor.Receive(Created(waiting, ref stamp));
        TestSwarm.Captured<QueryAnswer<ProposalView?>>[] asked =
        [
            .. Enumerable.Range(0, StateMachineActor.MaxStashedQueries + 3).Select(_ =>
            {
                var reply = new TestSwarm.Captured<QueryAnswer<ProposalView?>>();
                actor.Receive(new StateMachineMessage.GetProposal($"p{waiting}", reply));
                return reply;
            }),
        ];

        Assert.All(asked[..^3], reply => Assert.False(reply.HasValue));
        Assert.All(asked[^3..], reply => Assert.Equal(NotCommittedReason.Busy, reply.Value!.Reason));

        ledger.Flush();
        actor.Receive(StateMachineMessage.LedgerFlushed.Instance);
        Assert.All(asked[..^3], reply => Assert.Equal($"p{waiting}", reply.Value!.Value!.ProposalId));
    }

    [Fact]
    public void Who_asks_for_what_cannot_be_read_is_told_though_the_node_stops_for_it()
    {
        using var history = new SnapshotLedger();
        var log = new AgreedLog();
        history.Record(log.Commit(new ProposalCreated("p", "ann")), log.State);
        using StateSnapshotFile snapshot = history.WriteAndOpen(log.State.Freeze());
        var actor = new StateMachineActor(new GovernanceState(snapshot), snapshot, history.Ledger, new Port());
        var reply = new TestSwarm.Captured<QueryAnswer<ProposalView?>>();
        history.Disk.FailReads = true;

        Assert.Throws<IOException>(() => actor.Receive(new StateMachineMessage.GetProposal("p", reply)));

        Assert.Equal(NotCommittedReason.Stopping, reply.Value!.Reason);
    }

    private static StateMachineMessage.Apply Created(LogIndex index, ref CommandStamp stamp)
    {
        stamp = Stamper.Next(stamp, 1_700_000_000_000, Self);
        byte[] command = CommandCodec.EncodeFact(new FactSubmission(new ProposalCreated($"p{index}", "ann", new string('x', 1_000))), stamp);
        return new StateMachineMessage.Apply([new Entry(new Term(1), index, EntryKind.Normal, command)], []);
    }

    private sealed class Port : IStateMachinePort
    {
        public void ToNode(NodeMessage message)
        {
        }

        public void ToSnapshots(SnapshotMessage message)
        {
        }

        public void WantLedgerFlush()
        {
        }

        public void Publish(SwarmEvent happened)
        {
        }
    }
}
