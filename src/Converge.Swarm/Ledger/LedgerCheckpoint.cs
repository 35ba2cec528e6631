using System.Numerics;
using Converge.Core;

namespace Converge.Swarm.Ledger;

/// <summary>What the last record of a ledger says that the next one depends on, with the hashes there.</summary>
internal readonly record struct LedgerCheckpointEnd(
    Hash256 Hash, Hash256 Root, LogIndex Index, Term Term, long TimeUnixMilliseconds, LamportTimestamp Lamport);

/// <summary>
/// All that a ledger needs to go on from a record without reading those before it: the record's hash and place, and the complete subtrees of
/// the Merkle tree from 1,024 records on, 32 bytes for each of the smallest. Goes with a snapshot of the state. Immutable.
/// </summary>
public sealed class LedgerCheckpoint
{
    /// <summary>The beginning of every ledger.</summary>
    public static readonly LedgerCheckpoint Empty = new(0, new LedgerCheckpointEnd(default, MerkleTree.EmptyRoot, default, default, 0, default), [], []);

    private LedgerCheckpoint(ulong sequence, in LedgerCheckpointEnd end, Hash256[] edge, Hash256[] blocks)
    {
        Sequence = sequence;
        End = end;
        Edge = edge;
        Blocks = blocks;
    }

    /// <summary>The last record; how many there are.</summary>
    public ulong Sequence { get; }

    /// <summary>The end of the ledger there.</summary>
    public LedgerHead Head => new(Sequence, End.Hash.ToString(), End.Root.ToString(), End.Index, End.Term);

    internal LedgerCheckpointEnd End { get; }

    /// <summary>The roots of the complete subtrees of less than a block at the end, the smallest first.</summary>
    internal ReadOnlyMemory<Hash256> Edge { get; }

    /// <summary>The roots of all complete subtrees of <see cref="SubtreeRoots.BlockSize"/> records.</summary>
    internal ReadOnlyMemory<Hash256> Blocks { get; }

    /// <summary>How many hashes <see cref="Edge"/> has after so many records.</summary>
    internal static int EdgeCount(ulong sequence) => BitOperations.PopCount(sequence & (SubtreeRoots.BlockSize - 1));

    /// <summary>How many hashes <see cref="Blocks"/> has after so many records.</summary>
    internal static ulong BlockCount(ulong sequence) => sequence >> SubtreeRoots.BlockLevel;

    /// <summary>A checkpoint of its parts, of which the root must be that of the rest.</summary>
    /// <exception cref="MalformedEncodingException">They do not fit together.</exception>
    internal static LedgerCheckpoint Create(ulong sequence, in LedgerCheckpointEnd end, Hash256[] edge, Hash256[] blocks)
    {
        if (edge.Length != EdgeCount(sequence) || (ulong)blocks.Length != BlockCount(sequence))
        {
            throw new MalformedEncodingException($"A ledger of {sequence} records has not {blocks.Length} blocks and {edge.Length} subtrees behind them.");
        }

        var checkpoint = new LedgerCheckpoint(sequence, end, edge, blocks);
        Hash256 root = checkpoint.Frontier(checkpoint.NewSubtrees()).Root;
        return root == end.Root
            ? checkpoint
            : throw new MalformedEncodingException($"The subtrees of {sequence} records have the root {root} instead of {end.Root}.");
    }

    /// <summary>The upper part of the tree, to be grown.</summary>
    internal SubtreeRoots NewSubtrees() => SubtreeRoots.OfBlocks(Blocks.Span);

    /// <summary>The right edge of the tree, to be grown.</summary>
    internal MerkleFrontier Frontier(SubtreeRoots subtrees)
    {
        int next = 0;
        return MerkleFrontier.Of(Sequence, level => level < SubtreeRoots.BlockLevel ? Edge.Span[next++] : subtrees[level, (Sequence >> level) - 1]);
    }
}
