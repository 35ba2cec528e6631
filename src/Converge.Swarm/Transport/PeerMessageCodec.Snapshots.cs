using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Google.Protobuf;

namespace Converge.Swarm.Transport;

/// <content>What nodes say to each other about a snapshot that is on its way.</content>
public static partial class PeerMessageCodec
{
    /// <summary>The greatest body of such a frame; looked at before anything is taken out of it.</summary>
    internal const int MaxSnapshotBodyBytes = 64 * 1024;

    private static Wire.SnapshotOffer ToWire(SnapshotOffer offer) => new()
    {
        Transfer = offer.Transfer,
        Term = offer.Term.Value,
        Index = offer.Mark.Index.Value,
        IndexTerm = offer.Mark.Term.Value,
        FileBytes = (ulong)offer.FileBytes,
        LastSequence = offer.LastSequence,
        LastHash = ToBytes(offer.LastHash),
    };

    private static SnapshotOffer FromWire(Wire.SnapshotOffer wire)
    {
        if (wire.Term == 0 || wire.Index == 0 || wire.IndexTerm == 0 || wire.IndexTerm > wire.Term
            || wire.FileBytes is 0 or > long.MaxValue || wire.LastSequence == ulong.MaxValue || wire.LastHash.Length != Hash256.Size)
        {
            throw new FrameException("An offered snapshot that cannot be one.");
        }

        return new SnapshotOffer(
            wire.Transfer,
            new Term(wire.Term),
            new SnapshotMark(new LogIndex(wire.Index), new Term(wire.IndexTerm)),
            (long)wire.FileBytes,
            wire.LastSequence,
            new Hash256(wire.LastHash.Span));
    }

    private static Wire.SnapshotReceipt ToWire(SnapshotReceipt receipt) => new()
    {
        Transfer = receipt.Transfer,
        Stage = (uint)receipt.Stage,
        NextSequence = receipt.NextSequence,
        NextOffset = (ulong)receipt.NextOffset,
        Resend = receipt.Resend,
    };

    private static SnapshotReceipt FromWire(Wire.SnapshotReceipt wire) =>
        Enum.IsDefined((SnapshotStage)wire.Stage) && wire.NextSequence > 0 && wire.NextOffset <= long.MaxValue
            ? new SnapshotReceipt(wire.Transfer, (SnapshotStage)wire.Stage, wire.NextSequence, (long)wire.NextOffset, wire.Resend)
            : throw new FrameException("A receipt for a snapshot that is none.");

    private static Wire.SnapshotRecords ToWire(SnapshotRecords part)
    {
        var wire = new Wire.SnapshotRecords { Transfer = part.Transfer, FirstSequence = part.FirstSequence };
        foreach (ReadOnlyMemory<byte> record in part.Records)
        {
            wire.Records.Add(UnsafeByteOperations.UnsafeWrap(record));
        }

        return wire;
    }

    private static SnapshotRecords FromWire(Wire.SnapshotRecords wire) =>
        wire.Records.Count is > 0 and <= SnapshotTransferMessage.MaxPartRecords
        && wire.FirstSequence is > 0 and < ulong.MaxValue - SnapshotTransferMessage.MaxPartRecords
            ? new SnapshotRecords(wire.Transfer, wire.FirstSequence, [.. wire.Records.Select(record => record.Memory)])
            : throw new FrameException("A part of a snapshot with records that is none.");

    private static Wire.SnapshotBytes ToWire(SnapshotBytes part) => new()
    {
        Transfer = part.Transfer,
        Offset = (ulong)part.Offset,
        Bytes = UnsafeByteOperations.UnsafeWrap(part.Bytes),
    };

    private static SnapshotBytes FromWire(Wire.SnapshotBytes wire) =>
        wire.Offset <= long.MaxValue - MaxSnapshotBodyBytes && wire.Bytes.Length > 0
            ? new SnapshotBytes(wire.Transfer, (long)wire.Offset, wire.Bytes.Memory)
            : throw new FrameException("A piece of a snapshot's file that is none.");
}
