using System.Numerics;

namespace Converge.Swarm.Ledger;

/// <summary>Gives the hash of the leaf at a place, counted from 0. For the governance ledger: of the record with the sequence number one higher.</summary>
public delegate Hash256 LeafHashSource(ulong leaf);

/// <summary>
/// Gives the root of a complete subtree: of the 2^<paramref name="level"/> leaves that begin at <paramref name="position"/> times as
/// many. Level 0 gives leaf hashes.
/// </summary>
public delegate Hash256 SubtreeHashSource(int level, ulong position);

/// <summary>Takes the root of a subtree that has just become complete; those of one level come in order.</summary>
internal delegate void SubtreeCompleted(int level, Hash256 root);

/// <summary>
/// The Merkle tree of RFC 6962, section 2.1: roots, and short proofs that a leaf is in a tree (inclusion) or that one tree is the
/// beginning of another (consistency). Pure functions.
/// </summary>
public static class MerkleTree
{
    private const byte NodePrefix = 0x01;

    /// <summary>The root of a tree without leaves: the SHA-256 of nothing.</summary>
    public static readonly Hash256 EmptyRoot = Hash256.Of([]);

    /// <summary>The hash of a leaf with this content.</summary>
    public static Hash256 LeafHash(ReadOnlySpan<byte> content)
    {
        byte[] prefixed = new byte[1 + content.Length];
        prefixed[0] = EncodedRecord.LeafPrefix;
        content.CopyTo(prefixed.AsSpan(1));
        return Hash256.Of(prefixed);
    }

    /// <summary>The hash of an inner node.</summary>
    public static Hash256 NodeHash(Hash256 left, Hash256 right)
    {
        Span<byte> node = stackalloc byte[1 + (2 * Hash256.Size)];
        node[0] = NodePrefix;
        left.CopyTo(node[1..]);
        right.CopyTo(node[(1 + Hash256.Size)..]);
        return Hash256.Of(node);
    }

    /// <summary>The root over the first <paramref name="size"/> leaves.</summary>
    public static Hash256 Root(LeafHashSource leaves, ulong size) => Root(Subtrees(leaves), size);

    /// <summary>The root over the first <paramref name="size"/> leaves, from as many subtrees as the size has bits that are set.</summary>
    public static Hash256 Root(SubtreeHashSource subtrees, ulong size) => size == 0 ? EmptyRoot : Range(subtrees, 0, size);

    /// <summary>The audit path of a leaf: what it takes to get from its hash to the root (section 2.1.1).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The leaf is not among the first <paramref name="size"/>.</exception>
    public static IReadOnlyList<Hash256> InclusionProof(LeafHashSource leaves, ulong leaf, ulong size) =>
        InclusionProof(Subtrees(leaves), leaf, size);

    /// <summary>As above, from complete subtrees: at most two for each level of the tree.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The leaf is not among the first <paramref name="size"/>.</exception>
    public static IReadOnlyList<Hash256> InclusionProof(SubtreeHashSource subtrees, ulong leaf, ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(leaf, size);
        var path = new List<Hash256>();
        ulong start = 0;
        while (size > 1)
        {
            ulong left = LeftSize(size);
            if (leaf - start < left)
            {
                path.Add(Range(subtrees, start + left, size - left));
                size = left;
            }
            else
            {
                path.Add(Range(subtrees, start, left));
                start += left;
                size -= left;
            }
        }

        path.Reverse();
        return path;
    }

    /// <summary>True when the path leads from the leaf's hash to the root of a tree with <paramref name="size"/> leaves.</summary>
    public static bool VerifyInclusion(Hash256 leafHash, ulong leaf, ulong size, IReadOnlyList<Hash256> proof, Hash256 root)
    {
        if (leaf >= size)
        {
            return false;
        }

        // Walks up from the leaf: node is its place on the level, last the place of the level's last node.
        ulong node = leaf;
        ulong last = size - 1;
        Hash256 hash = leafHash;
        foreach (Hash256 sibling in proof)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) != 0 || node == last)
            {
                hash = NodeHash(sibling, hash);
                while ((node & 1) == 0 && node != 0)
                {
                    // The last node without a sibling moves up unchanged.
                    node >>= 1;
                    last >>= 1;
                }
            }
            else
            {
                hash = NodeHash(hash, sibling);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && hash == root;
    }

    /// <summary>What it takes to see that the first <paramref name="oldSize"/> leaves are unchanged among <paramref name="newSize"/> (section 2.1.2).</summary>
    /// <returns>Empty when the sizes are equal or the old tree is empty.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The old tree is larger than the new one.</exception>
    public static IReadOnlyList<Hash256> ConsistencyProof(LeafHashSource leaves, ulong oldSize, ulong newSize) =>
        ConsistencyProof(Subtrees(leaves), oldSize, newSize);

    /// <summary>As above, from complete subtrees: at most two for each level of the tree.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The old tree is larger than the new one.</exception>
    public static IReadOnlyList<Hash256> ConsistencyProof(SubtreeHashSource subtrees, ulong oldSize, ulong newSize)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, newSize);
        var proof = new List<Hash256>();
        if (oldSize == 0 || oldSize == newSize)
        {
            return proof;
        }

        ulong start = 0;
        ulong size = newSize;
        ulong rest = oldSize;
        bool wholeOldTree = true;
        while (rest != size)
        {
            ulong left = LeftSize(size);
            if (rest <= left)
            {
                proof.Add(Range(subtrees, start + left, size - left));
                size = left;
            }
            else
            {
                proof.Add(Range(subtrees, start, left));
                start += left;
                size -= left;
                rest -= left;
                wholeOldTree = false;
            }
        }

        if (!wholeOldTree)
        {
            proof.Add(Range(subtrees, start, size));
        }

        proof.Reverse();
        return proof;
    }

    /// <summary>True when the proof shows the old tree to be the beginning of the new one.</summary>
    public static bool VerifyConsistency(ulong oldSize, Hash256 oldRoot, ulong newSize, Hash256 newRoot, IReadOnlyList<Hash256> proof)
    {
        if (oldSize > newSize)
        {
            return false;
        }

        if (oldSize == 0 || oldSize == newSize)
        {
            return proof.Count == 0 && (oldSize != 0 || oldRoot == EmptyRoot) && (oldSize != newSize || oldRoot == newRoot);
        }

        // The old tree's last complete subtree: the old root itself when the old size is a power of two.
        ulong node = oldSize - 1;
        ulong last = newSize - 1;
        int risen = BitOperations.TrailingZeroCount(oldSize);
        node >>= risen;
        last >>= risen;
        int next = 0;
        if (node != 0 && proof.Count == 0)
        {
            return false;
        }

        Hash256 oldHash = node == 0 ? oldRoot : proof[next++];
        Hash256 newHash = oldHash;
        for (; next < proof.Count; next++)
        {
            if (last == 0)
            {
                return false;
            }

            Hash256 sibling = proof[next];
            if ((node & 1) != 0 || node == last)
            {
                oldHash = NodeHash(sibling, oldHash);
                newHash = NodeHash(sibling, newHash);
                while ((node & 1) == 0 && node != 0)
                {
                    node >>= 1;
                    last >>= 1;
                }
            }
            else
            {
                newHash = NodeHash(newHash, sibling);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && oldHash == oldRoot && newHash == newRoot;
    }

    /// <summary>The greatest power of two below a size of at least 2: the leaves of the left subtree.</summary>
    private static ulong LeftSize(ulong size) => 1UL << BitOperations.Log2(size - 1);

    private static SubtreeHashSource Subtrees(LeafHashSource leaves) => (level, position) =>
    {
        var frontier = new MerkleFrontier();
        for (ulong leaf = position << level; leaf < (position + 1) << level; leaf++)
        {
            frontier.Append(leaves(leaf));
        }

        return frontier.Root;
    };

    /// <summary>The root over a range as the trees of the proofs have it: its start is a multiple of the size, rounded up to a power of two.</summary>
    private static Hash256 Range(SubtreeHashSource subtrees, ulong start, ulong size)
    {
        Hash256? root = null;
        ulong end = start + size;
        for (int level = BitOperations.TrailingZeroCount(size); level <= BitOperations.Log2(size); level++)
        {
            if ((size >> level & 1) != 0)
            {
                end -= 1UL << level;
                Hash256 left = subtrees(level, end >> level);
                root = root is { } right ? NodeHash(left, right) : left;
            }
        }

        return root!.Value;
    }
}

/// <summary>
/// The right edge of a growing tree: the roots of the complete subtrees that its leaves form, at most 64 hashes. Appending costs two
/// hashes on average at most, the root as many as there are subtrees.
/// </summary>
public sealed class MerkleFrontier
{
    // The root of the complete subtree with 2^level leaves, for every bit that is set in Count.
    private readonly List<Hash256> _subtrees = [];

    /// <summary>An empty tree.</summary>
    public MerkleFrontier()
    {
    }

    private MerkleFrontier(MerkleFrontier other)
    {
        _subtrees.AddRange(other._subtrees);
        Count = other.Count;
    }

    /// <summary>How many leaves there are.</summary>
    public ulong Count { get; private set; }

    /// <summary>The root over all leaves.</summary>
    public Hash256 Root
    {
        get
        {
            Hash256? root = null;
            for (int level = 0; level < _subtrees.Count; level++)
            {
                if ((Count >> level & 1) != 0)
                {
                    root = root is { } right ? MerkleTree.NodeHash(_subtrees[level], right) : _subtrees[level];
                }
            }

            return root ?? MerkleTree.EmptyRoot;
        }
    }

    /// <summary>The edge of a tree with so many leaves.</summary>
    /// <param name="count">How many.</param>
    /// <param name="subtree">The root of its last complete subtree of a level; asked for from the lowest level up.</param>
    internal static MerkleFrontier Of(ulong count, Func<int, Hash256> subtree)
    {
        var frontier = new MerkleFrontier();
        for (int level = 0; count >> level != 0; level++)
        {
            frontier._subtrees.Add((count >> level & 1) != 0 ? subtree(level) : Hash256.Zero);
        }

        frontier.Count = count;
        return frontier;
    }

    /// <summary>Appends a leaf by its hash.</summary>
    public void Append(Hash256 leafHash) => Append(leafHash, completed: null);

    /// <summary>The tree as it is now, independent of what is appended later.</summary>
    public MerkleFrontier Copy() => new(this);

    /// <summary>As above, and says which subtrees have become complete, the lowest first: those above the leaf itself.</summary>
    internal void Append(Hash256 leafHash, SubtreeCompleted? completed)
    {
        Hash256 subtree = leafHash;
        int level = 0;
        for (; (Count >> level & 1) != 0; level++)
        {
            subtree = MerkleTree.NodeHash(_subtrees[level], subtree);
            completed?.Invoke(level + 1, subtree);
        }

        if (level == _subtrees.Count)
        {
            _subtrees.Add(subtree);
        }
        else
        {
            _subtrees[level] = subtree;
        }

        Count++;
    }
}
