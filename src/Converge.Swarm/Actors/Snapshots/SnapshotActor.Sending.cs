using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Actors;

/// <content>
/// Sending, on a leader: an offer, then what the follower says it lacks, a bounded number of parts ahead of its receipts. First the
/// file, then the ledger's records.
/// </content>
public sealed partial class SnapshotActor
{
    private readonly SortedDictionary<NodeId, OutgoingSnapshot> _outgoing = [];
    private ulong _transferNumber;

    private void BeginSending(SnapshotMessage.Send send)
    {
        if (_leader == _options.Self)
        {
            var outgoing = new OutgoingSnapshot(++_transferNumber, send.To, send.AtLeast);
            _outgoing[send.To] = outgoing;
            OfferOrTake(outgoing);
        }
    }

    private void SendNewest(NodeId to)
    {
        if (_outgoing.TryGetValue(to, out OutgoingSnapshot? outgoing) && outgoing.Snapshot is not null && outgoing.Snapshot != _newest)
        {
            BeginSending(new SnapshotMessage.Send(to, _newest!.Mark.Index));
        }
    }

    private void OfferOrTake(OutgoingSnapshot outgoing)
    {
        if (_newest is { } newest && newest.Mark.Index >= outgoing.AtLeast)
        {
            outgoing.Begin(newest, _tick);
            _port.ToNode(new NodeMessage.SnapshotOffered(outgoing.To, newest.Mark.Index));
            Offer(outgoing);
        }
        else
        {
            // The swarm began with the empty state, of which there is no file; and a file is all that can be sent.
            _isWanted = true;
        }
    }

    /// <summary>A snapshot is there: those who wait for one get it.</summary>
    private void ServeWaiting()
    {
        _isWanted = false;
        foreach (OutgoingSnapshot outgoing in _outgoing.Values.Where(outgoing => outgoing.Snapshot is null).ToArray())
        {
            OfferOrTake(outgoing);
        }
    }

    private void Offer(OutgoingSnapshot outgoing)
    {
        StateSnapshotHeader header = outgoing.Snapshot!.Header;
        _port.ToPeer(outgoing.To, new SnapshotOffer(
            outgoing.Transfer, _term, outgoing.Snapshot.Mark, outgoing.Snapshot.Length, header.Ledger.Sequence, header.LedgerEnd.Hash));
    }

    private void TickSending()
    {
        foreach (OutgoingSnapshot outgoing in _outgoing.Values.ToArray())
        {
            if (outgoing.Snapshot is null)
            {
                continue;
            }

            if (_tick - outgoing.HeardTick > _options.SilenceTicks)
            {
                EndSending(outgoing, delivered: false);
            }
            else if (!outgoing.IsAnswered && _tick - outgoing.OfferedTick >= _options.OfferTicks)
            {
                outgoing.OfferedTick = _tick;
                Offer(outgoing);
            }
        }
    }

    private void ReceiveReceipt(NodeId from, SnapshotReceipt receipt)
    {
        if (!_outgoing.TryGetValue(from, out OutgoingSnapshot? outgoing) || outgoing.Transfer != receipt.Transfer || outgoing.Snapshot is null)
        {
            return;
        }

        if (receipt.Stage is SnapshotStage.Arrived or SnapshotStage.NotWanted)
        {
            EndSending(outgoing, delivered: true);
            return;
        }

        outgoing.Acknowledge(receipt, _tick);
        ReadNext(outgoing);
    }

    private void ReadNext(OutgoingSnapshot outgoing)
    {
        if (!outgoing.HasRoom)
        {
            return;
        }

        if (outgoing.HasRecordsLeft)
        {
            outgoing.IsReading = true;
            _port.Do(new SnapshotWork.ReadRecords(
                outgoing.Transfer, outgoing.Attempt, outgoing.NextSequence, outgoing.Snapshot!.Header.Ledger.Sequence));
        }
        else if (outgoing.HasBytesLeft)
        {
            outgoing.IsReading = true;
            _port.Do(new SnapshotWork.ReadBytes(outgoing.Transfer, outgoing.Attempt, outgoing.Snapshot!.Mark, outgoing.NextOffset));
        }
    }

    private void SendRecords(SnapshotMessage.RecordsRead read)
    {
        if (Find(read.Transfer) is { } outgoing)
        {
            outgoing.IsReading = false;
            if (outgoing.Attempt == read.Attempt)
            {
                outgoing.NoteSent(read.FirstSequence + (ulong)read.Records.Count, outgoing.NextOffset);
                _port.ToPeer(outgoing.To, new SnapshotRecords(outgoing.Transfer, read.FirstSequence, read.Records));
            }

            ReadNext(outgoing);
        }
    }

    private void SendBytes(SnapshotMessage.BytesRead read)
    {
        if (Find(read.Transfer) is { } outgoing)
        {
            outgoing.IsReading = false;
            if (outgoing.Attempt == read.Attempt)
            {
                outgoing.NoteSent(outgoing.NextSequence, read.Offset + read.Bytes.Length);
                _port.ToPeer(outgoing.To, new SnapshotBytes(outgoing.Transfer, read.Offset, read.Bytes));
            }

            ReadNext(outgoing);
        }
    }

    private OutgoingSnapshot? Find(ulong transfer)
    {
        foreach (OutgoingSnapshot outgoing in _outgoing.Values)
        {
            if (outgoing.Transfer == transfer)
            {
                return outgoing;
            }
        }

        return null;
    }

    private void EndSending(OutgoingSnapshot outgoing, bool delivered)
    {
        _outgoing.Remove(outgoing.To);
        LogIndex index = outgoing.Snapshot!.Mark.Index;
        _port.ToNode(new NodeMessage.SnapshotSent(_term, outgoing.To, index, delivered));
        _port.Publish(new SwarmEvent.SnapshotSent(outgoing.To, index, delivered));
        RemoveSuperfluous();
    }
}
