using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Governance;

/// <summary>
/// Proposals by their <see cref="ProposalKey"/>, which is a hash already; those of one key, should there ever be two, are told apart by their ids. Not safe
/// for concurrent use, but for any number of readers.
/// </summary>
/// <remarks>
/// Most proposals are created and, until the next snapshot, that is all: such a one is a place in an array that points into the entry of its creation, and
/// becomes an object when something else is recorded about it. Hundreds of thousands of objects would be moved and visited by the garbage
/// collector for nothing.
/// <para>
/// Found by open addressing and not in a <see cref="Dictionary{TKey, TValue}"/>: who asks for a proposal that is not there, as each creation
/// does, has to wait for one line of memory instead of two or more, and can do so for many at once (<see cref="Touch"/>).
/// </para>
/// </remarks>
internal sealed class ProposalTable
{
    private const int FirstPlaces = 8;
    private const ulong UpperHalf = 0xFFFF_FFFF_0000_0000;

    private ProposalSlot[] _slots;

    // From where the lower half of a proposal's key points to, the first free one: its slot's number plus one, and above that the upper half of its key.
    private ulong[] _places;

    /// <summary>An empty table.</summary>
    /// <param name="capacity">So many are expected.</param>
    public ProposalTable(int capacity = 0)
    {
        _slots = new ProposalSlot[capacity];
        _places = new ulong[PlacesFor(capacity)];
    }

    public int Count { get; private set; }

    /// <summary>All of them in the order in which they came.</summary>
    public ReadOnlySpan<ProposalSlot> Slots => _slots.AsSpan(0, Count);

    /// <summary>
    /// The proposal of an id, or null. Not to be changed: whether it is the one in the table is for <see cref="Keep"/> to say.
    /// </summary>
    public Proposal? Find(ulong key, ReadOnlySpan<byte> id)
    {
        int slot = SlotOf(key, id);
        return slot < 0 ? null : _slots[slot].ToProposal();
    }

    /// <summary>Reads what <see cref="Find"/> will look at for each of some keys. See <see cref="KeysAhead"/>.</summary>
    /// <returns>Nothing of use: it is what makes the compiler read.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public ulong Touch(ReadOnlySpan<ulong> keys)
    {
        ulong read = 0;
        foreach (ulong key in keys)
        {
            read += _places[HomeOf(key)];
        }

        return read;
    }

    /// <summary>Makes what <see cref="Find"/> gave the one in the table.</summary>
    public void Keep(ulong key, Proposal proposal) => _slots[SlotOf(key, proposal.Id)].Keep(proposal);

    /// <summary>Takes in a proposal; one of its id is not there.</summary>
    public void Add(ulong key, Proposal proposal) => Add(new ProposalSlot(key, proposal));

    /// <summary>Takes in one as its creation makes it; one of its id is not there.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="creation">The encoded fact. Kept, not copied: as long as proposals are in memory, the entries in which they were created are, too.</param>
    /// <param name="idLength">How long its id is.</param>
    /// <param name="sequence">The record of its creation.</param>
    public void AddCreated(ulong key, ReadOnlyMemory<byte> creation, int idLength, ulong sequence) =>
        Add(new ProposalSlot(key, creation, idLength, sequence));

    /// <summary>Takes in those of another table that are not here; that one is not to be used any more.</summary>
    public void AddMissing(ProposalTable older)
    {
        foreach (ref readonly ProposalSlot slot in older.Slots)
        {
            if (SlotOf(slot.Key, slot.Id) < 0)
            {
                Add(slot);
            }
        }
    }

    private static int PlacesFor(int count) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(FirstPlaces, count + (count / 3)));

    private void Add(in ProposalSlot slot)
    {
        if (Count == _slots.Length)
        {
            Array.Resize(ref _slots, Math.Max(4, 2 * Count));
        }

        if (PlacesFor(Count + 1) > _places.Length)
        {
            _places = new ulong[2 * _places.Length];
            for (int i = 0; i < Count; i++)
            {
                Place(_slots[i].Key, i);
            }
        }

        _slots[Count] = slot;
        Place(slot.Key, Count++);
    }

    private int HomeOf(ulong key) => (int)key & (_places.Length - 1);

    private void Place(ulong key, int slot)
    {
        int place = HomeOf(key);
        while (_places[place] != 0)
        {
            place = (place + 1) & (_places.Length - 1);
        }

        _places[place] = (key & UpperHalf) | (uint)(slot + 1);
    }

    private int SlotOf(ulong key, ReadOnlySpan<byte> id)
    {
        ulong[] places = _places;
        for (int place = HomeOf(key); places[place] != 0; place = (place + 1) & (places.Length - 1))
        {
            if ((places[place] & UpperHalf) == (key & UpperHalf))
            {
                int slot = (int)(uint)places[place] - 1;
                if (_slots[slot].Key == key && _slots[slot].Id.SequenceEqual(id))
                {
                    return slot;
                }
            }
        }

        return -1;
    }
}

/// <summary>One proposal of a <see cref="ProposalTable"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct ProposalSlot
{
    private readonly ReadOnlyMemory<byte> _creation;
    private readonly ulong _sequence;
    private readonly int _idLength;
    private Proposal? _proposal;

    public ProposalSlot(ulong key, Proposal proposal)
    {
        Key = key;
        _proposal = proposal;
    }

    public ProposalSlot(ulong key, ReadOnlyMemory<byte> creation, int idLength, ulong sequence)
    {
        Key = key;
        (_creation, _idLength, _sequence) = (creation, idLength, sequence);
    }

    public ulong Key { get; }

    public readonly ReadOnlySpan<byte> Id => _proposal is null ? Proposal.IdIn(_creation.Span, _idLength) : _proposal.Id;

    public readonly Proposal ToProposal() => _proposal ?? new Proposal(_creation, _idLength, _sequence);

    public void Keep(Proposal proposal) => _proposal = proposal;

    /// <summary>How many bytes <see cref="WriteRecord"/> writes, and the length that it writes in front.</summary>
    public readonly int RecordBytes(out int length) =>
        _proposal is null ? Proposal.CreatedRecordBytes(_idLength, _sequence, out length) : _proposal.RecordBytes(out length);

    /// <summary>Writes the proposal as it stands in a snapshot.</summary>
    public readonly void WriteRecord(Span<byte> record, int length)
    {
        if (_proposal is null)
        {
            Proposal.WriteCreatedRecord(record, length, Key, Id, _sequence);
        }
        else
        {
            _proposal.WriteRecord(record, length, Key);
        }
    }
}
