using System.Globalization;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Ledger;

/// <content>What goes with snapshots of the state: checkpoints to go on from, and records for a node that lacks them.</content>
public sealed partial class GovernanceLedger
{
    /// <summary>
    /// All that a ledger needs to go on from a record without reading those before it. Reads less than a block of records, however long the
    /// ledger is. For any thread.
    /// </summary>
    /// <exception cref="LedgerRangeException">There is no such record.</exception>
    /// <exception cref="LedgerDamagedException">A record is not the one that was there when the ledger was opened.</exception>
    /// <exception cref="LogDamagedException">A record is not as it was written.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public LedgerCheckpoint CheckpointAt(ulong sequence)
    {
        CheckSize(nameof(sequence), sequence);
        if (sequence == 0)
        {
            return LedgerCheckpoint.Empty;
        }

        EncodedRecord last = Read(sequence, 1)[0];
        var edge = new List<Hash256>();
        for (int level = 0; level < SubtreeRoots.BlockLevel; level++)
        {
            if ((sequence >> level & 1) != 0)
            {
                edge.Add(Subtree(level, (sequence >> level) - 1));
            }
        }

        var end = new LedgerCheckpointEnd(
            last.Hash, MerkleTree.Root(Subtree, sequence), last.Envelope.Index, last.Envelope.Term, last.Envelope.TimeUnixMilliseconds, last.Envelope.Lamport);
        return LedgerCheckpoint.Create(sequence, end, [.. edge], _subtrees.Blocks((int)LedgerCheckpoint.BlockCount(sequence)));
    }

    /// <summary>True when a crash cannot take away any record up to this one: a snapshot with this end may be put in force.</summary>
    public bool IsDurable(ulong sequence) => sequence <= DurableSequence;

    /// <summary>
    /// Reads records in order and without gaps as they are encoded, to send them: at most <paramref name="maxRecords"/>, and no more than
    /// <paramref name="maxBytes"/> of them, but at least one; none only past the ledger's end. For any thread.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The sequence is zero, or nothing is asked for.</exception>
    /// <exception cref="LogDamagedException">A record is not as it was written.</exception>
    /// <exception cref="LogFailedException">A write or flush failed before.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> ReadEncoded(ulong fromSequence, int maxRecords, int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(fromSequence);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRecords);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        EncodedRecord[] buffered = Buffered(fromSequence, maxRecords, out ulong durable);
        if (fromSequence <= durable)
        {
            // The rest comes with the next call; a sender asks for more anyway.
            return [.. _log.Read(fromSequence, (int)Math.Min((ulong)maxRecords, durable - fromSequence + 1), maxBytes).Select(record => record.Bytes)];
        }

        List<ReadOnlyMemory<byte>> records = [];
        long room = maxBytes;
        foreach (EncodedRecord record in buffered)
        {
            room -= record.Bytes.Length;
            if (room < 0 && records.Count > 0)
            {
                break;
            }

            records.Add(record.Bytes);
        }

        return records;
    }

    /// <summary>
    /// Begins to take the records that this ledger lacks up to a snapshot's end. They come from another node and are not believed: none is
    /// appended before the Merkle tree shows that it belongs to the snapshot's ledger.
    /// </summary>
    /// <param name="target">The snapshot's end; the snapshot itself is believed, as an entry of the log is.</param>
    /// <exception cref="LedgerRecordsRefusedException">The records that are here already are not the beginning of that ledger.</exception>
    /// <exception cref="LogDamagedException">A record is not as it was written.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public LedgerCatchUp CatchUpTo(LedgerCheckpoint target)
    {
        ArgumentNullException.ThrowIfNull(target);
        RecordChain chain;
        lock (_gate)
        {
            chain = _chain.Copy();
        }

        int blocks = (int)Math.Min(LedgerCheckpoint.BlockCount(chain.LastSequence), LedgerCheckpoint.BlockCount(target.Sequence));
        int same = _subtrees.Blocks(blocks).AsSpan().CommonPrefixLength(target.Blocks.Span[..blocks]);
        if (same < blocks)
        {
            throw new LedgerRecordsRefusedException(
                ((ulong)same << SubtreeRoots.BlockLevel) + 1, $"it or one of the {SubtreeRoots.BlockSize - 1} behind it is not that of the snapshot's ledger.");
        }

        if (chain.LastSequence >= target.Sequence && CheckpointAt(target.Sequence).End != target.End)
        {
            throw new LedgerRecordsRefusedException(target.Sequence, "it, or one before it, is not that of the snapshot's ledger.");
        }

        return new LedgerCatchUp(this, chain, target);
    }

    /// <summary>Begins with a checkpoint instead of the first record.</summary>
    private static RecordChain Resume(SegmentedLog log, LedgerCheckpoint checkpoint, SubtreeRoots subtrees)
    {
        if (log.NextNumber <= checkpoint.Sequence)
        {
            throw new LedgerIncompleteException(log.NextNumber - 1, checkpoint.Sequence);
        }

        Hash256 hash = FromStored(log, log.Read(checkpoint.Sequence, 1, MaxReadBytes)[0]).Hash;
        return hash == checkpoint.End.Hash
            ? new RecordChain(checkpoint, subtrees)
            : throw Damaged(
                log, checkpoint.Sequence, string.Create(CultureInfo.InvariantCulture, $"Its hash is {hash}, and {checkpoint.End.Hash} in the snapshot."), inner: null);
    }
}
