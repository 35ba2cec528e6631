using System.Numerics;
using System.Runtime.CompilerServices;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Governance;

/// <summary>The proposals of a table as they stand in a snapshot, encoded and in their order. Immutable.</summary>
/// <remarks>
/// They are encoded in the order in which they came into the table, which is that of memory, and put in order afterwards: who follows the
/// order of their keys through the proposals themselves waits for memory at each.
/// </remarks>
internal sealed class SortedProposals
{
    /// <summary>So many are fetched from memory together.</summary>
    public const int Together = 32;

    private const int ChunkBytes = 1024 * 1024;

    /// <summary>How many lie where their keys put them, before they are sorted.</summary>
    private const int TargetShare = 8;

    /// <summary>About what a record has; it may begin in one line of memory and end in the next.</summary>
    private const int UsualBytes = 40;

    private readonly ulong[] _keys;

    // Of each the chunk and the place in it.
    private readonly long[] _places;
    private readonly List<byte[]> _chunks = [];
    private int _used;

    public SortedProposals(ProposalTable table)
    {
        var keys = new ulong[table.Count];
        long[] places = new long[table.Count];
        ReadOnlySpan<ProposalSlot> slots = table.Slots;
        for (int i = 0; i < slots.Length; i++)
        {
            if (i % Together == 0)
            {
                _ = Touch(slots.Slice(i, Math.Min(Together, slots.Length - i)));
            }

            (keys[i], places[i]) = (slots[i].Key, Encode(slots[i]));
        }

        (_keys, _places) = DealOut(keys, places);
        SortEqualKeys();
    }

    public int Count => _keys.Length;

    public ulong KeyOf(int place) => _keys[place];

    /// <summary>
    /// Reads a little of the next <see cref="Together"/> records from one on, which lie anywhere: they are near when they are asked for one by one. What it
    /// is good for: <see cref="KeysAhead"/>.
    /// </summary>
    /// <returns>Nothing of use: it is what makes the compiler read.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public int Touch(int first)
    {
        int read = 0;
        int end = Math.Min(Count, first + Together);
        for (int place = first; place < end; place++)
        {
            ReadOnlySpan<byte> record = From(place);
            read += record[0] + record[Math.Min(UsualBytes, record.Length) - 1];
        }

        return read;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Touch(ReadOnlySpan<ProposalSlot> slots)
    {
        int read = 0;
        foreach (ref readonly ProposalSlot slot in slots)
        {
            read += slot.Id is [byte first, ..] ? first : 0;
        }

        return read;
    }

    /// <summary>Length, key and encoding.</summary>
    public ReadOnlySpan<byte> RecordOf(int place)
    {
        var reader = new FieldReader(From(place));
        int length = (int)reader.Number("a proposal's length");
        return From(place)[..(reader.Position + length)];
    }

    public ReadOnlySpan<byte> IdOf(int place)
    {
        var reader = new PageReader(RecordOf(place), StateSnapshotHeader.FormatVersion);
        reader.MoveNext();
        return reader.Id;
    }

    /// <summary>
    /// Sorts by the keys. They are hashes, so that their upper bits deal them out evenly: each is put where its share of all keys lies, and what is
    /// sorted then is a handful.
    /// </summary>
    private static (ulong[] Keys, long[] Places) DealOut(ulong[] keys, long[] places)
    {
        int bits = Math.Max(1, BitOperations.Log2((uint)(keys.Length / TargetShare) | 1));
        int shift = 64 - bits;
        int[] ends = new int[(1 << bits) + 1];
        foreach (ulong key in keys)
        {
            ends[(int)(key >> shift) + 1]++;
        }

        for (int share = 1; share < ends.Length; share++)
        {
            ends[share] += ends[share - 1];
        }

        // Each share's end is its beginning at first, and moves as it is filled.
        var sortedKeys = new ulong[keys.Length];
        long[] sortedPlaces = new long[places.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            int place = ends[(int)(keys[i] >> shift)]++;
            (sortedKeys[place], sortedPlaces[place]) = (keys[i], places[i]);
        }

        int start = 0;
        foreach (int end in ends.AsSpan(0, 1 << bits))
        {
            Array.Sort(sortedKeys, sortedPlaces, start, end - start);
            start = end;
        }

        return (sortedKeys, sortedPlaces);
    }

    private long Encode(in ProposalSlot slot)
    {
        int record = slot.RecordBytes(out int length);
        if (_chunks.Count == 0 || _chunks[^1].Length - _used < record)
        {
            _chunks.Add(GC.AllocateUninitializedArray<byte>(Math.Max(ChunkBytes, record)));
            _used = 0;
        }

        long place = ((long)(_chunks.Count - 1) << 32) | (uint)_used;
        slot.WriteRecord(_chunks[^1].AsSpan(_used, record), length);
        _used += record;
        return place;
    }

    private ReadOnlySpan<byte> From(int place) => _chunks[(int)(_places[place] >> 32)].AsSpan((int)_places[place]);

    private void SortEqualKeys()
    {
        for (int start = 0; start < _keys.Length;)
        {
            int end = start + 1;
            while (end < _keys.Length && _keys[end] == _keys[start])
            {
                end++;
            }

            if (end - start > 1)
            {
                int[] order = [.. Enumerable.Range(start, end - start)];
                Array.Sort(order, (a, b) => IdOf(a).SequenceCompareTo(IdOf(b)));
                long[] places = [.. order.Select(place => _places[place])];
                places.CopyTo(_places, start);
            }

            start = end;
        }
    }
}
