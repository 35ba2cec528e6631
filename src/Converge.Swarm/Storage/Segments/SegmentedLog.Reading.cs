namespace Converge.Swarm.Storage;

public sealed partial class SegmentedLog
{
    /// <summary>
    /// Reads durable records, in order and without gaps, from <paramref name="from"/> up to the end: at most
    /// <paramref name="maxRecords"/>, and no more than <paramref name="maxBytes"/> of them, but at least one if there is one.
    /// </summary>
    /// <exception cref="RecordRemovedException">Records from there on were removed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no record before <paramref name="from"/> yet, or nothing is asked for.</exception>
    /// <exception cref="LogDamagedException">A record is not as it was written.</exception>
    /// <exception cref="LogFailedException">A write or flush failed before.</exception>
    /// <exception cref="IOException">The disk failed. It is never taken for the end of the log.</exception>
    public IReadOnlyList<LogRecord> Read(ulong from, int maxRecords, int maxBytes)
    {
        ThrowIfUnusable();
        ArgumentOutOfRangeException.ThrowIfZero(from);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxRecords);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        var end = DurableNextNumber;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from, end);
        var batch = new RecordBatch(from, maxRecords, maxBytes);
        while (!batch.IsFull && batch.NextNumber < end)
        {
            using var lease = Acquire(batch.NextNumber);
            using var reader = lease.NewReader();
            var (number, offset) = Near(batch.NextNumber, lease, reader);
            while (!batch.IsFull && number < lease.EndNumber)
            {
                var group = RequireGroup(reader, offset, number);
                if (batch.NextNumber < number + group.RecordCount)
                {
                    batch.Take(group, reader.Payload(offset, group));
                }

                number += group.RecordCount;
                offset += group.TotalBytes;
            }
        }

        return batch.Records;
    }

    /// <summary>Reads every byte of every record, and all else of the sealed segments.</summary>
    /// <returns>How many records were found whole.</returns>
    /// <exception cref="LogDamagedException">The first damage found.</exception>
    /// <exception cref="LogFailedException">A write or flush failed before.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public ulong Verify()
    {
        var first = FirstNumber;
        var number = first;
        while (true)
        {
            using var lease = Acquire(number);
            using var reader = lease.NewReader();
            if (SegmentHeader.Decode(reader.Bytes(0, SegmentHeader.Bytes), reader.Path) != reader.Header)
            {
                throw new LogDamagedException(reader.Path, 0, "the segment header changed");
            }

            if (lease.InUse)
            {
                return VerifyRecords(reader, lease.EndNumber) - first;
            }

            number = VerifySealed(reader, lease.EndNumber);
        }
    }

    /// <summary>Where a record's group begins, or would begin if it is the next one; for messages.</summary>
    internal (string File, long Offset) Locate(ulong wanted)
    {
        if (wanted == _nextNumber)
        {
            return (Active.Path, _position);
        }

        using var lease = Acquire(wanted);
        using var reader = lease.NewReader();
        var (number, offset) = Near(wanted, lease, reader);
        while (true)
        {
            var group = RequireGroup(reader, offset, number);
            number += group.RecordCount;
            if (wanted < number)
            {
                return (reader.Path, offset);
            }

            offset += group.TotalBytes;
        }
    }

    private static ulong VerifyRecords(SegmentReader reader, ulong end)
    {
        var number = reader.Header.FirstNumber;
        var offset = (long)SegmentHeader.Bytes;
        while (number < end)
        {
            var group = RequireGroup(reader, offset, number);
            _ = reader.Payload(offset, group);
            number += group.RecordCount;
            offset += group.TotalBytes;
        }

        return number;
    }

    private static ulong VerifySealed(SegmentReader reader, ulong end)
    {
        var contents = SegmentExamination.Examine(reader);
        return contents.Sealed && contents.NextNumber == end
            ? end
            : throw new LogDamagedException(reader.Path, contents.EndOffset, $"the segment ends before record {contents.NextNumber} and without a seal; {end} is due next");
    }

    /// <summary>The group that is known to be there.</summary>
    private static GroupHeader RequireGroup(SegmentReader reader, long offset, ulong number) =>
        reader.GroupHeaderAt(offset, number) is { IsSeal: false } group
            ? group
            : throw new LogDamagedException(reader.Path, offset, $"no group where record {number} is due");

    /// <summary>A group at or before a record, found by the index, which is made now if the segment has none yet.</summary>
    private (ulong Number, long Offset) Near(ulong wanted, Lease lease, SegmentReader reader)
    {
        lock (_gate)
        {
            if (lease.Segment.Index is { } known)
            {
                return known.Find(wanted);
            }
        }

        var index = new SparseIndex(reader.Header);
        var number = reader.Header.FirstNumber;
        var offset = (long)SegmentHeader.Bytes;
        while (number < lease.EndNumber)
        {
            index.Add(number, offset);
            var group = RequireGroup(reader, offset, number);
            number += group.RecordCount;
            offset += group.TotalBytes;
        }

        lock (_gate)
        {
            lease.Segment.Index ??= index;
        }

        return index.Find(wanted);
    }

    /// <summary>The segment that holds a record, kept open and on the disk's handle until the lease ends.</summary>
    private Lease Acquire(ulong number)
    {
        lock (_gate)
        {
            ThrowIfUnusable();
            if (number < _segments[0].FirstNumber)
            {
                throw new RecordRemovedException(number, _segments[0].FirstNumber);
            }

            var at = _segments.FindLastIndex(segment => segment.FirstNumber <= number);
            var segment = _segments[at];
            segment.File ??= _disk.Open(segment.Path, DiskFileMode.Read);
            segment.Readers++;
            segment.LastUse = ++_uses;
            return new Lease(this, segment, segment.File, segment.EndNumber, at == _segments.Count - 1);
        }
    }

    private void Release(Segment segment)
    {
        lock (_gate)
        {
            segment.Readers--;
            if (segment is { Removed: true, Readers: 0 })
            {
                segment.Close();
            }

            CloseIdleSegments();
        }
    }

    /// <summary>Closes the segments that were not read for longest, but for a few.</summary>
    private void CloseIdleSegments()
    {
        while (_segments.Count(IsIdle) > MaxIdleSegments)
        {
            _segments.Where(IsIdle).MinBy(segment => segment.LastUse)!.Close();
        }

        bool IsIdle(Segment segment) => segment is { Readers: 0, File: not null } && segment != Active;
    }

    private sealed class Lease(SegmentedLog log, Segment segment, IDiskFile file, ulong endNumber, bool inUse) : IDisposable
    {
        public Segment Segment { get; } = segment;

        /// <summary>The number after the last record that may be read.</summary>
        public ulong EndNumber { get; } = endNumber;

        /// <summary>True for the segment that is being written.</summary>
        public bool InUse { get; } = inUse;

        public SegmentReader NewReader() => new(file, Segment.Path, Segment.Header);

        public void Dispose() => log.Release(Segment);
    }
}
