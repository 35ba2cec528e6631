using Converge.Raft;

namespace Converge.Swarm.Governance;

/// <summary>
/// The keys of the proposals that the next entries are about, computed before the first of these is applied. Not safe for concurrent use.
/// </summary>
/// <remarks>
/// A state of millions of proposals has to look at places that are far from the processor and from each other, and what it does with one entry is too much
/// for the processor to go on to the next meanwhile. Once those places are read for many keys in a row, which it does for a dozen of them at
/// a time, they are near. (Its instruction to fetch memory beforehand was of no use where addresses have to be translated first.)
/// </remarks>
internal sealed class KeysAhead
{
    /// <summary>So many entries are looked at together: enough to hide how long memory takes, and few enough that what came stays near.</summary>
    public const int Capacity = 32;

    private readonly ReadOnlyMemory<byte>[] _entries = new ReadOnlyMemory<byte>[Capacity];
    private readonly ulong[] _keys = new ulong[Capacity];
    private int _count;
    private int _next;

    /// <summary>Computes the keys of the next entries from one on, and says them. Those that are not about a proposal have none.</summary>
    public ReadOnlySpan<ulong> Look(IReadOnlyList<Entry> entries, int first)
    {
        (_count, _next) = (0, 0);
        int end = Math.Min(entries.Count, first + Capacity);
        for (int i = first; i < end; i++)
        {
            ReadOnlyMemory<byte> data = entries[i].Data;
            ReadOnlySpan<byte> id = CommandCodec.PeekProposalId(data.Span);
            if (!id.IsEmpty)
            {
                (_entries[_count], _keys[_count]) = (data, ProposalKey.Of(id));
                _count++;
            }
        }

        return _keys.AsSpan(0, _count);
    }

    /// <summary>The key of an entry's proposal, known already or not.</summary>
    /// <param name="entry">The entry's bytes. A key is known for these very bytes in memory, which never change, and for no others.</param>
    /// <param name="proposalId">The id in them.</param>
    public ulong KeyOf(ReadOnlyMemory<byte> entry, ReadOnlySpan<byte> proposalId)
    {
        for (int i = _next; i < _count; i++)
        {
            if (_entries[i].Equals(entry))
            {
                _next = i + 1;
                return _keys[i];
            }
        }

        return ProposalKey.Of(proposalId);
    }
}
