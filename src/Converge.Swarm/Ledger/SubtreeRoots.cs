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
