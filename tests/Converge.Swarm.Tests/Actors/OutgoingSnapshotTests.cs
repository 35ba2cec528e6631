using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Tests.Actors;

public sealed class OutgoingSnapshotTests
{
    [Fact]
    public void A_part_that_is_asked_for_again_while_it_is_being_read_is_not_read_anew()
    {
        OutgoingSnapshot outgoing = new(transfer: 1, new NodeId(2), new LogIndex(1));
        outgoing.Acknowledge(Receipt(nextOffset: 0, resend: false), tick: 1);
        outgoing.IsReading = true;
        int attempt = outgoing.Attempt;

        outgoing.Acknowledge(Receipt(nextOffset: 0, resend: true), tick: 2);
        outgoing.Acknowledge(Receipt(nextOffset: 0, resend: true), tick: 3);

        Assert.Equal(attempt, outgoing.Attempt);
        Assert.Equal(0, outgoing.NextOffset);
    }

    [Fact]
    public void What_was_sent_and_did_not_arrive_is_sent_again()
    {
        OutgoingSnapshot outgoing = new(transfer: 1, new NodeId(2), new LogIndex(1));
        outgoing.Acknowledge(Receipt(nextOffset: 0, resend: false), tick: 1);
        int attempt = outgoing.Attempt;
        outgoing.NoteSent(outgoing.NextSequence, nextOffset: 1000);

        outgoing.Acknowledge(Receipt(nextOffset: 0, resend: true), tick: 2);

        Assert.True(outgoing.Attempt > attempt);
        Assert.Equal(0, outgoing.NextOffset);
    }

    private static SnapshotReceipt Receipt(long nextOffset, bool resend) =>
        new(Transfer: 1, SnapshotStage.File, NextSequence: 1, nextOffset, resend);
}
