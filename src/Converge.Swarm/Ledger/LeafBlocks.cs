namespace Converge.Swarm.Ledger;

/// <summary>Gives the leaf hashes from a leaf on, at least one and at most so many.</summary>
internal delegate IReadOnlyList<Hash256> LeafRunSource(ulong firstLeaf, int limit);

/// <summary>Takes the root of a block that was read to its end, and throws when it is not the one that the block had.</summary>
internal delegate void BlockCheck(ulong number, Hash256 root);

/// <summary>
/// The lower part of a growing Merkle tree, in blocks of <see cref="SubtreeRoots.BlockSize"/> leaves: read when somebody asks for them,
/// and the last ones asked for kept, at most <see cref="MaxBlocks"/> of 64 KiB each. Safe for concurrent use.
/// </summary>
internal sealed class LeafBlocks(LeafRunSource read, BlockCheck check)
{
    /// <summary>How many blocks are kept.</summary>
    public const int MaxBlocks = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LinkedListNode<LeafBlock>> _byNumber = [];
    private readonly LinkedList<LeafBlock> _lastUsedFirst = [];

    /// <summary>How many blocks are in memory.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _lastUsedFirst.Count;
            }
        }
    }

    /// <summary>The root of a complete subtree of at most a block; all its leaves must be there to be read.</summary>
    public Hash256 Subtree(int level, ulong position)
    {
        int blocks = SubtreeRoots.BlockLevel - level;
        return Block(position >> blocks).Subtree(level, (int)(position & ((1UL << blocks) - 1)), read, check);
    }

    private LeafBlock Block(ulong number)
    {
        lock (_gate)
        {
            if (_byNumber.TryGetValue(number, out LinkedListNode<LeafBlock>? node))
            {
                _lastUsedFirst.Remove(node);
            }
            else
            {
                node = new LinkedListNode<LeafBlock>(new LeafBlock(number));
                _byNumber.Add(number, node);
                if (_byNumber.Count > MaxBlocks)
                {
                    _byNumber.Remove(_lastUsedFirst.Last!.Value.Number);
                    _lastUsedFirst.RemoveLast();
                }
            }

            _lastUsedFirst.AddFirst(node);
            return node.Value;
        }
    }

    /// <summary>One block's tree, as far as it was read. A leaf never changes, so that the block at the ledger's end only goes on.</summary>
    private sealed class LeafBlock(ulong number)
    {
        private readonly Lock _gate = new();
        private readonly Hash256[][] _levels =
            [.. Enumerable.Range(0, SubtreeRoots.BlockLevel + 1).Select(level => new Hash256[SubtreeRoots.BlockSize >> level])];

        private int _leaves;

        public ulong Number { get; } = number;

        public Hash256 Subtree(int level, int position, LeafRunSource read, BlockCheck check)
        {
            lock (_gate)
            {
                // As much of the block as there is: a proof goes on with the other subtrees of it.
                for (int wanted = (position + 1) << level; _leaves < wanted;)
                {
                    Add(read((Number << SubtreeRoots.BlockLevel) + (ulong)_leaves, SubtreeRoots.BlockSize - _leaves), check);
                }

                return _levels[level][position];
            }
        }

        private void Add(IReadOnlyList<Hash256> leaves, BlockCheck check)
        {
            foreach (Hash256 leaf in leaves)
            {
                Add(leaf);
            }

            if (_leaves != SubtreeRoots.BlockSize)
            {
                return;
            }

            try
            {
                check(Number, _levels[SubtreeRoots.BlockLevel][0]);
            }
            catch
            {
                // What was read is not what was written, and nobody knows which part of it: the next one who asks must find out too.
                _leaves = 0;
                throw;
            }
        }

        private void Add(Hash256 leaf)
        {
            _levels[0][_leaves++] = leaf;
            for (int level = 1; level <= SubtreeRoots.BlockLevel && _leaves % (1 << level) == 0; level++)
            {
                int at = (_leaves >> level) - 1;
                _levels[level][at] = MerkleTree.NodeHash(_levels[level - 1][2 * at], _levels[level - 1][(2 * at) + 1]);
            }
        }
    }
}
