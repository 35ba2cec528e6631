namespace Converge.Swarm.Ledger;

/// <summary>Records in a row, the oldest in front, each found by its place without a walk. Not safe for concurrent use.</summary>
internal sealed class RecordBuffer
{
    private const int FirstSize = 256;

    private EncodedRecord?[] _ring = new EncodedRecord?[FirstSize];
    private int _first;

    public int Count { get; private set; }

    public void Add(EncodedRecord record)
    {
        if (Count == _ring.Length)
        {
            var larger = new EncodedRecord?[2 * _ring.Length];
            _ring.AsSpan(_first).CopyTo(larger);
            _ring.AsSpan(0, _first).CopyTo(larger.AsSpan(_ring.Length - _first));
            (_ring, _first) = (larger, 0);
        }

        _ring[(_first + Count++) & (_ring.Length - 1)] = record;
    }

    /// <summary>So many records from a place on; the front is place 0.</summary>
    public EncodedRecord[] Slice(int place, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count - place);
        var records = new EncodedRecord[count];
        for (int i = 0; i < count; i++)
        {
            records[i] = _ring[(_first + place + i) & (_ring.Length - 1)]!;
        }

        return records;
    }

    public void RemoveFirst(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
        for (int i = 0; i < count; i++)
        {
            _ring[_first] = null;
            _first = (_first + 1) & (_ring.Length - 1);
        }

        Count -= count;
    }
}
