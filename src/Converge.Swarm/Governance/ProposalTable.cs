using System.Numerics;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Governance;

/// <summary>
/// Proposals by their <see cref="ProposalKey"/>, which is a hash already; those of one key, should there ever be two, in a chain. Not safe for
/// concurrent use, but for any number of readers.
/// </summary>
internal sealed class ProposalTable
{
    private readonly Dictionary<ulong, Proposal> _byKey = [];

    public int Count { get; private set; }

    /// <summary>The proposal of an id, or null.</summary>
    public Proposal? Find(ulong key, ReadOnlySpan<byte> id)
    {
        Proposal? found = _byKey.GetValueOrDefault(key);
        while (found is not null && !found.Id.SequenceEqual(id))
        {
            found = found.NextOfKey;
        }

        return found;
    }

    /// <summary>Takes in a proposal; one of its id is not there.</summary>
    public void Add(ulong key, Proposal proposal)
    {
        ref Proposal? first = ref CollectionsMarshal.GetValueRefOrAddDefault(_byKey, key, out _);
        proposal.NextOfKey = first;
        first = proposal;
        Count++;
    }

    /// <summary>Takes in those of another table that are not here; that one is not to be used any more.</summary>
    public void AddMissing(ProposalTable older)
    {
        foreach ((ulong key, Proposal first) in older._byKey)
        {
            Proposal? next = first;
            while (next is { } proposal)
            {
                next = proposal.NextOfKey;
                if (Find(key, proposal.Id) is null)
                {
                    Add(key, proposal);
                }
            }
        }
    }

    /// <summary>All of them in the order in which they stand in a snapshot, with their keys.</summary>
    /// <remarks>
    /// Keys are hashes, so that their upper bits deal them out evenly: each is put where its share of all keys lies, and what is sorted then is a
    /// handful.
    /// </remarks>
    public (ulong[] Keys, Proposal[] Proposals) Sorted()
    {
        const int TargetShare = 8;
        int bits = Math.Max(1, BitOperations.Log2((uint)(Count / TargetShare) | 1));
        int shift = 64 - bits;
        int[] ends = new int[(1 << bits) + 1];
        foreach ((ulong key, Proposal first) in _byKey)
        {
            for (Proposal? proposal = first; proposal is not null; proposal = proposal.NextOfKey)
            {
                ends[(int)(key >> shift) + 1]++;
            }
        }

        for (int share = 1; share < ends.Length; share++)
        {
            ends[share] += ends[share - 1];
        }

        // Each share's end is its beginning at first, and moves as it is filled.
        var keys = new ulong[Count];
        var proposals = new Proposal[Count];
        foreach ((ulong key, Proposal first) in _byKey)
        {
            for (Proposal? proposal = first; proposal is not null; proposal = proposal.NextOfKey)
            {
                int place = ends[(int)(key >> shift)]++;
                (keys[place], proposals[place]) = (key, proposal);
            }
        }

        int start = 0;
        foreach (int end in ends.AsSpan(0, 1 << bits))
        {
            Array.Sort(keys, proposals, start, end - start);
            start = end;
        }

        SortEqualKeys(keys, proposals);
        return (keys, proposals);
    }

    private static void SortEqualKeys(ulong[] keys, Proposal[] proposals)
    {
        for (int start = 0; start < keys.Length;)
        {
            int end = start + 1;
            while (end < keys.Length && keys[end] == keys[start])
            {
                end++;
            }

            if (end - start > 1)
            {
                proposals.AsSpan(start, end - start).Sort(static (a, b) => a.Id.SequenceCompareTo(b.Id));
            }

            start = end;
        }
    }
}
