using System.Runtime.InteropServices;

namespace Converge.Swarm.Governance;

/// <summary>
/// Proposals by their <see cref="ProposalKey"/>, which is a hash already; those of one key, should there ever be two, in a chain. Not safe for
/// concurrent use, but for any number of readers.
/// </summary>
/// <remarks>
/// Most proposals are created and, until the next snapshot, that is all: such a one is a place in an array that points into the entry of its creation, and
/// becomes an object when something else is recorded about it. Hundreds of thousands of objects would be moved and visited by the garbage
/// collector for nothing.
/// </remarks>
/// <param name="capacity">So many are expected.</param>
internal sealed class ProposalTable(int capacity = 0)
{
    private readonly Dictionary<ulong, int> _firstOfKey = new(capacity);
    private ProposalSlot[] _slots = new ProposalSlot[capacity];

    public int Count { get; private set; }

    /// <summary>All of them in the order in which they came.</summary>
    public ReadOnlySpan<ProposalSlot> Slots => _slots.AsSpan(0, Count);

    /// <summary>
    /// The proposal of an id, or null. Not to be changed: whether it is the one in the table is for <see cref="Keep"/> to say.
    /// </summary>
    public Proposal? Find(ulong key, ReadOnlySpan<byte> id)
    {
        int place = PlaceOf(key, id);
        return place < 0 ? null : _slots[place].ToProposal();
    }

    /// <summary>Makes what <see cref="Find"/> gave the one in the table.</summary>
    public void Keep(ulong key, Proposal proposal) => _slots[PlaceOf(key, proposal.Id)].Keep(proposal);

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
            if (PlaceOf(slot.Key, slot.Id) < 0)
            {
                Add(slot);
            }
        }
    }

    private void Add(in ProposalSlot slot)
    {
        if (Count == _slots.Length)
        {
            Array.Resize(ref _slots, Math.Max(4, 2 * Count));
        }

        ref int first = ref CollectionsMarshal.GetValueRefOrAddDefault(_firstOfKey, slot.Key, out bool exists);
        _slots[Count] = slot;
        _slots[Count].NextOfKey = exists ? first : -1;
        first = Count++;
    }

    private int PlaceOf(ulong key, ReadOnlySpan<byte> id)
    {
        int place = _firstOfKey.TryGetValue(key, out int first) ? first : -1;
        while (place >= 0 && !_slots[place].Id.SequenceEqual(id))
        {
            place = _slots[place].NextOfKey;
        }

        return place;
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

    /// <summary>The place of another one of the same key; negative when there is none.</summary>
    public int NextOfKey { get; set; }

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
