using System.Runtime.InteropServices;

namespace Converge.Swarm.Ledger;

/// <summary>
/// The upper part of a growing Merkle tree: the roots of all complete subtrees of at least <see cref="BlockSize"/> leaves, for ever in
/// memory. That is 64 bytes for every 1,024 records: a ledger of a thousand million records needs 64 MB. What lies below is derived
/// from the records when somebody asks for it (<see cref="LeafBlocks"/>). Safe for concurrent use.
/// </summary>
internal sealed class SubtreeRoots
{
    /// <summary>The lowest level that is kept.</summary>
    public const int BlockLevel = 10;

    /// <summary>How many leaves a subtree of the lowest level has.</summary>
    public const int BlockSize = 1 << BlockLevel;

    private readonly Lock _gate = new();
    private readonly List<List<Hash256>> _levels = [];

    /// <summary>The same for a tree whose complete subtrees of the lowest level have these roots.</summary>
    public static SubtreeRoots OfBlocks(ReadOnlySpan<Hash256> blocks)
    {
        var subtrees = new SubtreeRoots();
        for (int i = 0; i < blocks.Length; i++)
        {
            Hash256 root = blocks[i];
            int level = BlockLevel;
            subtrees.Add(level, root);
            for (int complete = i + 1; (complete & 1) == 0; complete >>= 1)
            {
                root = MerkleTree.NodeHash(subtrees[level, (ulong)complete - 2], root);
                subtrees.Add(++level, root);
            }
        }

        return subtrees;
    }

    /// <summary>The roots of the first so many complete subtrees of the lowest level.</summary>
    public Hash256[] Blocks(int count)
    {
        lock (_gate)
        {
            return count == 0 ? [] : [.. CollectionsMarshal.AsSpan(_levels[0])[..count]];
        }
    }

    /// <summary>Takes the next complete subtree of a level; those below <see cref="BlockLevel"/> are not kept.</summary>
    public void Add(int level, Hash256 root)
    {
        if (level < BlockLevel)
        {
            return;
        }

        lock (_gate)
        {
            if (_levels.Count == level - BlockLevel)
            {
                _levels.Add([]);
            }

            _levels[level - BlockLevel].Add(root);
        }
    }

    /// <summary>The root of a complete subtree that was added.</summary>
    public Hash256 this[int level, ulong position]
    {
        get
        {
            lock (_gate)
            {
                return _levels[level - BlockLevel][checked((int)position)];
            }
        }
    }
}
