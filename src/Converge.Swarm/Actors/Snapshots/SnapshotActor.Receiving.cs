using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <content>
/// Receiving, on a follower: it takes what follows what it has and drops the rest, says with a receipt what it has, and asks again when nothing
/// comes. First the file, which says what the ledger's records must be; then those that are lacking, which stay in the ledger whatever becomes of the transfer.
/// </content>
public sealed partial class SnapshotActor
{
    /// <summary>A sender keeps to its window; what one gives away that does not is bounded by this.</summary>
    private const int MaxGivenBytes = 16 * SnapshotTransferMessage.MaxPartBytes;

    private const ulong MaxGivenRecords = 16 * SnapshotTransferMessage.MaxPartRecords;

    private IncomingSnapshot? _incoming;
    private ulong _arrivalNumber;
    private ulong _announced;

    private void ReceiveFromPeer(SnapshotMessage.FromPeer from)
    {
        switch (from.Message)
        {
            case SnapshotReceipt receipt:
                ReceiveReceipt(from.Peer, receipt);
                break;
            case SnapshotOffer offer:
                ReceiveOffer(from.Peer, offer);
                break;
            case SnapshotBytes bytes when IsFromSender(from.Peer, bytes):
                ReceiveBytes(bytes);
                break;
            case SnapshotRecords records when IsFromSender(from.Peer, records):
                ReceiveRecords(records);
                break;
        }
    }

    private bool IsFromSender(NodeId peer, SnapshotTransferMessage message) =>
        _incoming is { } incoming && incoming.From == peer && incoming.Offer.Transfer == message.Transfer;

    private void ReceiveOffer(NodeId from, SnapshotOffer offer)
    {
        if (offer.Term != _term || from != _leader)
        {
            // The leader of an earlier term, or one of which nothing else was heard yet; the latter repeats it.
            return;
        }

        if (offer.Mark.Index <= _applied)
        {
            _port.ToPeer(from, new SnapshotReceipt(offer.Transfer, SnapshotStage.NotWanted, 1, 0, Resend: false));
            return;
        }

        if (_incoming is { } known && known.IsSame(offer))
        {
            bool isRepeated = known.From == from && known.Offer.Transfer == offer.Transfer;
            (known.From, known.Offer) = (from, offer);
            SendReceipt(known, resend: !isRepeated);
            return;
        }

        if (_incoming is { Stage: ArrivalStage.Completing or ArrivalStage.Arrived })
        {
            // That one first; the newer is offered again.
            return;
        }

        _incoming = new IncomingSnapshot(++_arrivalNumber, from, offer) { ProgressTick = _tick };
        SendReceipt(_incoming, resend: false);
    }

    private void ReceiveBytes(SnapshotBytes part)
    {
        IncomingSnapshot incoming = _incoming!;
        long end = part.Offset + part.Bytes.Length;
        if (incoming.Stage != ArrivalStage.File || part.Offset > incoming.GivenOffset || end <= incoming.GivenOffset
            || end > incoming.Offer.FileBytes || incoming.GivenOffset - incoming.NextOffset > MaxGivenBytes)
        {
            return;
        }

        ReadOnlyMemory<byte> next = part.Bytes[(int)(incoming.GivenOffset - part.Offset)..];
        _port.Do(new SnapshotWork.KeepBytes(incoming.Arrival, incoming.Offer.Mark, incoming.GivenOffset, next));
        incoming.GivenOffset = end;
        incoming.ProgressTick = _tick;
    }

    private void NoteKept(SnapshotMessage.BytesKept kept)
    {
        if (Current(kept.Arrival, ArrivalStage.File) is not { } incoming || incoming.NextOffset != kept.Offset)
        {
            return;
        }

        incoming.NextOffset = kept.NextOffset;
        incoming.ProgressTick = _tick;
        if (incoming.NextOffset == incoming.Offer.FileBytes)
        {
            incoming.Stage = ArrivalStage.Checking;
            _port.Do(new SnapshotWork.Check(incoming.Arrival, incoming.Offer.Mark));
        }

        SendReceipt(incoming, resend: false);
    }

    /// <summary>No room for a piece: what came behind it has no place either. It is asked for again after a while.</summary>
    private void NoteNotKept(ulong arrival)
    {
        if (Current(arrival, ArrivalStage.File) is { } incoming)
        {
            incoming.GivenOffset = incoming.NextOffset;
            incoming.ProgressTick = _tick;
            _port.Publish(new SwarmEvent.SnapshotPostponed());
        }
    }

    private void NoteChecked(SnapshotMessage.Checked file)
    {
        if (Current(file.Arrival, ArrivalStage.Checking) is not { } incoming)
        {
            return;
        }

        incoming.ProgressTick = _tick;
        if (file.Fault is { } fault)
        {
            _port.Publish(new SwarmEvent.SnapshotRefused(incoming.From, incoming.Offer.Mark.Index, fault.Message));
            (incoming.Stage, incoming.NextOffset, incoming.GivenOffset) = (ArrivalStage.File, 0, 0);
            SendReceipt(incoming, resend: true);
            return;
        }

        incoming.Stage = ArrivalStage.Records;
        incoming.NextSequence = incoming.GivenSequence = file.NextSequence;
        CompleteOrGoOn(incoming, resend: false);
    }

    private void ReceiveRecords(SnapshotRecords part)
    {
        IncomingSnapshot incoming = _incoming!;
        ulong end = part.FirstSequence + (ulong)part.Records.Count;
        if (incoming.Stage != ArrivalStage.Records || part.FirstSequence > incoming.GivenSequence || end <= incoming.GivenSequence
            || end > incoming.Offer.LastSequence + 1 || incoming.GivenSequence - incoming.NextSequence > MaxGivenRecords)
        {
            return;
        }

        IReadOnlyList<ReadOnlyMemory<byte>> next = [.. part.Records.Skip((int)(incoming.GivenSequence - part.FirstSequence))];
        _port.Do(new SnapshotWork.TakeRecords(incoming.Arrival, next));
        incoming.GivenSequence = end;
        incoming.ProgressTick = _tick;
    }

    private void NoteTaken(SnapshotMessage.RecordsTaken taken)
    {
        if (taken.LastAdded > _announced)
        {
            _port.Publish(new SwarmEvent.RecordsAdded(_announced + 1, taken.LastAdded));
            _announced = taken.LastAdded;
        }

        if (Current(taken.Arrival, ArrivalStage.Records) is not { } incoming)
        {
            return;
        }

        incoming.ProgressTick = _tick;
        incoming.NextSequence = taken.NextSequence;
        if (taken.Fault is { } fault)
        {
            _port.Publish(new SwarmEvent.SnapshotRefused(incoming.From, incoming.Offer.Mark.Index, fault.Message));
        }
        else if (!taken.HasRoom)
        {
            _port.Publish(new SwarmEvent.SnapshotPostponed());
        }

        if (taken.Fault is not null || !taken.HasRoom)
        {
            // What came behind it has no place either.
            incoming.GivenSequence = incoming.NextSequence;
        }

        CompleteOrGoOn(incoming, resend: taken.Fault is not null);
    }

    private void CompleteOrGoOn(IncomingSnapshot incoming, bool resend)
    {
        if (incoming.NextSequence > incoming.Offer.LastSequence)
        {
            incoming.Stage = ArrivalStage.Completing;
            _port.Do(new SnapshotWork.Complete(incoming.Arrival, incoming.Offer.Mark));
        }

        SendReceipt(incoming, resend);
    }

    private void NoteCompleted(SnapshotMessage.Completed completed)
    {
        if (Current(completed.Arrival, ArrivalStage.Completing) is not { } incoming)
        {
            return;
        }

        incoming.ProgressTick = _tick;
        if (completed.Snapshot is { } snapshot)
        {
            incoming.Stage = ArrivalStage.Arrived;
            _port.ToNode(new NodeMessage.SnapshotArrived(snapshot));
            SendReceipt(incoming, resend: false);
        }
        else
        {
            incoming.RetryTick = _tick + _options.RetryTicks;
            _port.Publish(new SwarmEvent.SnapshotPostponed());
        }
    }

    private void TickReceiving()
    {
        if (_incoming is not { } incoming)
        {
            return;
        }

        if (incoming.Stage < ArrivalStage.Completing && incoming.Offer.Mark.Index <= _applied)
        {
            // The log brought everything in the meantime.
            SendReceipt(incoming, SnapshotStage.NotWanted, resend: false);
            _incoming = null;
            return;
        }

        if (incoming.Stage == ArrivalStage.Completing && incoming.RetryTick > 0 && _tick >= incoming.RetryTick)
        {
            incoming.RetryTick = 0;
            _port.Do(new SnapshotWork.Complete(incoming.Arrival, incoming.Offer.Mark));
        }

        if (incoming.Stage != ArrivalStage.Arrived && _tick - incoming.ReceiptTick >= _options.ResendTicks)
        {
            // Also while nothing is expected of the sender: it must not take a long check for silence.
            SendReceipt(incoming, resend: incoming.IsWaitingForSender && _tick - incoming.ProgressTick >= _options.ResendTicks);
        }
    }

    private IncomingSnapshot? Current(ulong arrival, ArrivalStage stage) =>
        _incoming is { } incoming && incoming.Arrival == arrival && incoming.Stage == stage ? incoming : null;

    private void SendReceipt(IncomingSnapshot incoming, bool resend) =>
        SendReceipt(
            incoming,
            incoming.Stage switch
            {
                ArrivalStage.File or ArrivalStage.Checking => SnapshotStage.File,
                ArrivalStage.Records or ArrivalStage.Completing => SnapshotStage.Records,
                _ => SnapshotStage.Arrived,
            },
            resend);

    private void SendReceipt(IncomingSnapshot incoming, SnapshotStage stage, bool resend)
    {
        if (!incoming.From.IsNone)
        {
            incoming.ReceiptTick = _tick;
            _port.ToPeer(incoming.From, new SnapshotReceipt(incoming.Offer.Transfer, stage, incoming.NextSequence, incoming.NextOffset, resend));
        }
    }

    /// <summary>Another term: whoever leads in it begins with an offer. What is there is kept until then.</summary>
    private void PauseReceiving()
    {
        if (_incoming is { } incoming)
        {
            incoming.From = NodeId.None;
        }
    }

    private void EndReceiving(SnapshotMark through)
    {
        if (_incoming is { } incoming && incoming.Offer.Mark.Index <= through.Index)
        {
            _incoming = null;
        }
    }
}
