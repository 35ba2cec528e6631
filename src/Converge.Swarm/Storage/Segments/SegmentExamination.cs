namespace Converge.Swarm.Storage;

/// <summary>What a full reading of one segment found.</summary>
/// <param name="EndOffset">Where the next group goes.</param>
/// <param name="NextNumber">The number after the last record.</param>
/// <param name="LastGroupOffset">Where the last group begins; 0 when there is none.</param>
/// <param name="Sealed">True when the seal stands at <paramref name="EndOffset"/>.</param>
/// <param name="Torn">What a crash left half written from <paramref name="EndOffset"/> on, or null.</param>
/// <param name="Index">Where groups begin.</param>
internal sealed record SegmentContents(long EndOffset, ulong NextNumber, long LastGroupOffset, bool Sealed, TornTail? Torn, SparseIndex Index);

/// <summary>
/// Reads a segment from end to end and decides what it is: whole, torn at its end by a crash, or damaged. Changes nothing.
/// The argument for each decision is in docs/formats/segmented-log.md.
/// </summary>
internal static class SegmentExamination
{
    /// <summary>Reads the segment of a reader.</summary>
    /// <exception cref="LogDamagedException">Something is neither whole nor explained by a crash.</exception>
    public static SegmentContents Examine(SegmentReader reader)
    {
        var header = reader.Header;
        var index = new SparseIndex(header);
        var offset = (long)SegmentHeader.Bytes;
        var number = header.FirstNumber;
        var last = 0L;
        while (true)
        {
            if (reader.GroupHeaderAt(offset, number) is not { } group)
            {
                return new SegmentContents(offset, number, last, Sealed: false, TornWithoutHeader(reader, offset, number), index);
            }

            if (group.IsSeal)
            {
                return reader.LastNonZero(offset + group.TotalBytes, header.SegmentBytes) is >= 0 and var behind
                    ? throw new LogDamagedException(reader.Path, behind, "something is written behind the seal")
                    : new SegmentContents(offset, number, last, Sealed: true, Torn: null, index);
            }

            if (IsTorn(reader, offset, group) && reader.LastNonZero(offset + group.TotalBytes, header.SegmentBytes) < 0)
            {
                return new SegmentContents(offset, number, last, Sealed: false, new TornTail(reader.Path, offset, group.TotalBytes), index);
            }

            _ = reader.Payload(offset, group);
            index.Add(number, offset);
            last = offset;
            number += group.RecordCount;
            offset += group.TotalBytes;
        }
    }

    /// <summary>
    /// A whole header vouches for its sector. The group is torn when more of its other sectors are empty than its writer counted; when
    /// as many are empty as should be, every sector was written, and a wrong checksum is damage.
    /// </summary>
    private static bool IsTorn(SegmentReader reader, long offset, in GroupHeader group)
    {
        var bytes = reader.Bytes(offset, (int)group.TotalBytes);
        return Crc32C.Compute(bytes[GroupHeader.Bytes..]) != group.PayloadChecksum
            && GroupHeader.CountZeroSectors(offset, bytes) > group.ZeroSectors;
    }

    /// <summary>
    /// Where a header is due there are zeros. Either nothing was ever written from here on, or the sector with the header was not
    /// written and others of the same group were: no more than one group, and nothing of it in this sector.
    /// </summary>
    private static TornTail? TornWithoutHeader(SegmentReader reader, long offset, ulong number)
    {
        var end = reader.Header.SegmentBytes;
        var lastByte = reader.LastNonZero(offset, end);
        if (lastByte < 0)
        {
            return null;
        }

        var nextSector = (offset / SegmentHeader.SectorBytes + 1) * SegmentHeader.SectorBytes;
        if (reader.LastNonZero(offset, Math.Min(nextSector, end)) >= 0)
        {
            throw new LogDamagedException(reader.Path, offset, $"no group header where record {number} is due, and more in the same sector");
        }

        if (lastByte - offset >= reader.Header.MaxGroupBytes)
        {
            throw new LogDamagedException(reader.Path, offset, $"no group header where record {number} is due, and something at byte {lastByte}, further behind than a group reaches");
        }

        for (var at = nextSector; at + GroupHeader.Bytes <= end && at <= lastByte; at += GroupHeader.Bytes)
        {
            if (GroupHeader.TryDecode(reader.Bytes(at, GroupHeader.Bytes), reader.Header.FirstNumber, at, out var later))
            {
                throw new LogDamagedException(reader.Path, offset, $"no group header where record {number} is due, and record {later.FirstNumber} behind it at byte {at}");
            }
        }

        return new TornTail(reader.Path, offset, lastByte + 1 - offset);
    }
}
