namespace Converge.Swarm.Storage;

/// <summary>Gathers records from groups until there are enough.</summary>
internal sealed class RecordBatch(ulong from, int maxRecords, int maxBytes)
{
    private readonly List<LogRecord> _records = [];
    private long _room = maxBytes;

    public IReadOnlyList<LogRecord> Records => _records;

    /// <summary>The record to be taken next.</summary>
    public ulong NextNumber { get; private set; } = from;

    public bool IsFull { get; private set; }

    /// <summary>Takes what is wanted of a group that is whole. The records taken share one copy of the bytes.</summary>
    public void Take(in GroupHeader group, ReadOnlySpan<byte> payload)
    {
        var at = 0;
        var number = group.FirstNumber;
        for (; number < NextNumber; number++)
        {
            at += GroupHeader.RecordPrefixBytes + SegmentReader.RecordLength(payload, at);
        }

        var start = at;
        var end = group.FirstNumber + group.RecordCount;
        var lengths = new List<int>();
        while (number < end && _records.Count + lengths.Count < maxRecords)
        {
            var length = SegmentReader.RecordLength(payload, at);
            if (length > _room && _records.Count + lengths.Count > 0)
            {
                break;
            }

            lengths.Add(length);
            _room -= length;
            at += GroupHeader.RecordPrefixBytes + length;
            number++;
        }

        ReadOnlyMemory<byte> copy = payload[start..at].ToArray();
        foreach (var length in lengths)
        {
            copy = copy[GroupHeader.RecordPrefixBytes..];
            _records.Add(new LogRecord(NextNumber++, copy[..length]));
            copy = copy[length..];
        }

        IsFull = NextNumber < end || _records.Count == maxRecords || _room <= 0;
    }
}
