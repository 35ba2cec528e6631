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
            // Adding one changes which is the next one of its key.
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

    /// <summary>All of them with their keys, about in the order in which they came.</summary>
    public IEnumerable<(ulong Key, Proposal Proposal)> All()
    {
        foreach ((ulong key, Proposal first) in _byKey)
        {
            for (Proposal? proposal = first; proposal is not null; proposal = proposal.NextOfKey)
            {
                yield return (key, proposal);
            }
        }
    }
}
