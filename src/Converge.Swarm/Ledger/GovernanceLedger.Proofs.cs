using System.Globalization;
using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Ledger;

/// <summary>
/// Proofs about the records. A proof takes at most two subtrees of each level of the tree; the upper ones are in memory, the lower ones
/// are derived from the few blocks of records that they stand over, so that the cost does not grow with the ledger.
/// </summary>
public sealed partial class GovernanceLedger
{
    private readonly SubtreeRoots _subtrees;
    private readonly LeafBlocks _blocks;

    /// <summary>Proves that a record is among the first so many. For any thread.</summary>
    /// <param name="sequence">The record.</param>
    /// <param name="size">How many records the tree has; null for all that there are.</param>
    /// <exception cref="LedgerRangeException">There is no such record in such a tree.</exception>
    /// <exception cref="LedgerDamagedException">A record is not the one that was there when the ledger was opened.</exception>
    /// <exception cref="LogDamagedException">A record is not as it was written.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public InclusionProof ProveInclusion(ulong sequence, ulong? size = null)
    {
        ulong records = CheckRange(sequence, size);
        return new InclusionProof(
            sequence,
            records,
            Subtree(0, sequence - 1).ToString(),
            Texts(MerkleTree.InclusionProof(Subtree, sequence - 1, records)),
            MerkleTree.Root(Subtree, records).ToString());
    }

    /// <summary>Proves that the first so many records are the beginning of a later ledger. For any thread.</summary>
    /// <param name="from">How many records there were.</param>
    /// <param name="to">How many there were later; null for all that there are.</param>
    /// <exception cref="LedgerRangeException">The ledger was never that long, or the first is greater than the second.</exception>
    /// <exception cref="LedgerDamagedException">A record is not the one that was there when the ledger was opened.</exception>
    /// <exception cref="LogDamagedException">A record is not as it was written.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public ConsistencyProof ProveConsistency(ulong from, ulong? to = null)
    {
        ulong records = CheckSize("to", to);
        if (from > records)
        {
            throw to is null ? LedgerRangeException.Beyond("from", from, records) : LedgerRangeException.Outside("from", from, 0, records);
        }

        return new ConsistencyProof(
            from,
            records,
            MerkleTree.Root(Subtree, from).ToString(),
            MerkleTree.Root(Subtree, records).ToString(),
            Texts(MerkleTree.ConsistencyProof(Subtree, from, records)));
    }

    /// <summary>The receipt of a record: the record, the head of a ledger that holds it, and the path between them. For any thread.</summary>
    /// <param name="sequence">The record.</param>
    /// <param name="size">How many records the head stands for; null for all that there are.</param>
    /// <exception cref="LedgerRangeException">There is no such record in such a ledger.</exception>
    /// <exception cref="LedgerDamagedException">A record is not the one that was there when the ledger was opened.</exception>
    /// <exception cref="LogDamagedException">A record is not as it was written.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public LedgerReceipt Receipt(ulong sequence, ulong? size = null)
    {
        ulong records = CheckRange(sequence, size);
        return new LedgerReceipt(
            LedgerRecordCodec.Decode(Read(sequence, 1)[0]),
            HeadAt(records),
            Texts(MerkleTree.InclusionProof(Subtree, sequence - 1, records)));
    }

    private static IReadOnlyList<string> Texts(IReadOnlyList<Hash256> hashes) => [.. hashes.Select(hash => hash.ToString())];

    /// <summary>The head that the ledger had when it ended with this record.</summary>
    private LedgerHead HeadAt(ulong size)
    {
        EncodedRecord last = Read(size, 1)[0];
        return new LedgerHead(
            size, last.Hash.ToString(), MerkleTree.Root(Subtree, size).ToString(), last.Envelope.Index, last.Envelope.Term);
    }

    private ulong CheckRange(ulong sequence, ulong? size)
    {
        ulong records = CheckSize("size", size);
        return sequence == 0 ? throw LedgerRangeException.Outside("sequence", sequence, 1, Math.Max(1, records))
            : sequence <= records ? records
            : size is null ? throw LedgerRangeException.Beyond("sequence", sequence, records)
            : throw LedgerRangeException.Outside("size", size.Value, sequence, Math.Max(sequence, LastSequence));
    }

    private ulong CheckSize(string parameter, ulong? size)
    {
        ulong last = LastSequence;
        return size is not { } asked ? last
            : asked <= last ? asked
            : throw LedgerRangeException.Beyond(parameter, asked, last);
    }

    private Hash256 Subtree(int level, ulong position) =>
        level >= SubtreeRoots.BlockLevel ? _subtrees[level, position] : _blocks.Subtree(level, position);

    /// <summary>The hashes of records in a row, all of one block. They are read again, perhaps long after the ledger was opened.</summary>
    private IReadOnlyList<Hash256> ReadLeaves(ulong firstLeaf, int limit)
    {
        IReadOnlyList<EncodedRecord> records = Read(firstLeaf + 1, limit);
        if (records.Count == 0)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"Record {firstLeaf + 1} was asked for, but the ledger ends with record {LastSequence}."));
        }

        for (int i = 1; i < records.Count; i++)
        {
            if (records[i].Envelope.PreviousHash != records[i - 1].Hash)
            {
                throw Damaged(_log, records[i].Sequence, "It does not name the hash of the record before.", inner: null);
            }
        }

        return [.. records.Select(record => record.Hash)];
    }

    private void CheckBlock(ulong number, Hash256 root)
    {
        Hash256 before = _subtrees[SubtreeRoots.BlockLevel, number];
        if (root != before)
        {
            ulong first = (number << SubtreeRoots.BlockLevel) + 1;
            throw Damaged(_log, first, string.Create(
                CultureInfo.InvariantCulture,
                $"It and the {SubtreeRoots.BlockSize - 1} records behind it have the root {root} instead of {before}: one of them was changed since it was written."), inner: null);
        }
    }
}
