using System.Numerics;

namespace Converge.Swarm.Ledger;

/// <summary>
/// Records in a row, the oldest in front, each found by its place without a walk. Their bytes are copied into memory that is used again and again:
/// what waits for a flush would otherwise be half of all that a garbage collection finds alive. Not safe for concurrent use.
/// </summary>
internal sealed class RecordBuffer
{
    private const int FirstRecords = 256;
    private const int FirstBytes = 64 * 1024;

    private Held[] _records = new Held[FirstRecords];
    private int _first;

    // A record's bytes lie together; one for which there is no room up to the end lies at the beginning. Where the next one goes is never where the
    // oldest begins, unless there is none.
    private byte[] _bytes = new byte[FirstBytes];
    private int _end;

    public int Count { get; private set; }

    public void Add(in RecordView record)
    {
        if (Count == _records.Length)
        {
            var larger = new Held[2 * _records.Length];
            _records.AsSpan(_first).CopyTo(larger);
            _records.AsSpan(0, _first).CopyTo(larger.AsSpan(_records.Length - _first));
            (_records, _first) = (larger, 0);
        }

        int length = record.Bytes.Length;
        int offset = PlaceFor(length);
        record.Bytes.CopyTo(_bytes.AsSpan(offset));
        _end = offset + length;
        _records[Slot(Count++)] = new Held(offset, length, record.Envelope, record.Hash);
    }

    /// <summary>
    /// The bytes of the first records, not copied: good until those are removed. So many records at most, and fewer when they have more than so many
    /// bytes together; one at least.
    /// </summary>
    public ReadOnlyMemory<byte>[] First(int maxRecords, int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxRecords, Count);
        int count = 0;
        for (int bytes = 0; count < maxRecords; count++)
        {
            bytes += _records[Slot(count)].Length;
            if (bytes > maxBytes && count > 0)
            {
                break;
            }
        }

        var first = new ReadOnlyMemory<byte>[count];
        for (int i = 0; i < count; i++)
        {
            ref readonly Held held = ref _records[Slot(i)];
            first[i] = _bytes.AsMemory(held.Offset, held.Length);
        }

        return first;
    }

    /// <summary>Copies of so many records from a place on; the front is place 0.</summary>
    public EncodedRecord[] Slice(int place, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count - place);
        var records = new EncodedRecord[count];
        for (int i = 0; i < count; i++)
        {
            ref readonly Held held = ref _records[Slot(place + i)];
            records[i] = EncodedRecord.CopyOf(new RecordView(_bytes.AsSpan(held.Offset, held.Length), held.Envelope, held.Hash));
        }

        return records;
    }

    public void RemoveFirst(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
        _first = Slot(count);
        Count -= count;
    }

    private int Slot(int place) => (_first + place) & (_records.Length - 1);

    private int PlaceFor(int length)
    {
        if (Count == 0)
        {
            if (_bytes.Length < length)
            {
                _bytes = new byte[BitOperations.RoundUpToPowerOf2((uint)length)];
            }

            return 0;
        }

        int start = _records[_first].Offset;
        if (_end > start)
        {
            if (_bytes.Length - _end >= length)
            {
                return _end;
            }

            if (start > length)
            {
                return 0;
            }
        }
        else if (start - _end > length)
        {
            return _end;
        }

        Grow(length);
        return _end;
    }

    /// <summary>Moves everything to more room. Whoever has been given bytes keeps the old ones.</summary>
    private void Grow(int length)
    {
        var larger = new byte[BitOperations.RoundUpToPowerOf2((uint)(_bytes.Length + length))];
        int used = 0;
        for (int i = 0; i < Count; i++)
        {
            ref Held held = ref _records[Slot(i)];
            _bytes.AsSpan(held.Offset, held.Length).CopyTo(larger.AsSpan(used));
            held = held with { Offset = used };
            used += held.Length;
        }

        (_bytes, _end) = (larger, used);
    }

    private readonly record struct Held(int Offset, int Length, RecordEnvelope Envelope, Hash256 Hash);
}
