namespace Converge.Swarm.Storage;

/// <summary>What is there when a log is opened. The last segment is open for writing; no segments mean a new log.</summary>
internal sealed record RecoveredLog(List<Segment> Segments, long Position, ulong NextNumber, TornTail? Torn);

/// <summary>
/// Opens the segments of a log. First everything is examined, and damage thrown; only then is anything written: a torn tail is
/// overwritten, and whatever may have been read from memory only is written again and flushed.
/// </summary>
internal static class SegmentedLogRecovery
{
    public static RecoveredLog Run(IDisk disk, string folder, SegmentedLogOptions options)
    {
        var segments = ReadHeaders(disk, folder, options);
        if (segments.Count == 0)
        {
            return !options.MustExist
                ? new RecoveredLog([], SegmentHeader.Bytes, 1, Torn: null)
                : throw new LogDamagedException(Path.Combine(folder, SegmentHeader.FileName(1)), 0, "the log was here before, and no segment of it is left");
        }

        CheckChain(folder, segments, options);
        var last = segments[^1];
        last.File = disk.Open(last.Path, DiskFileMode.ReadWrite);
        try
        {
            var contents = Examine(last.File, last);
            if (contents.Sealed)
            {
                throw new LogDamagedException(
                    Path.Combine(folder, SegmentHeader.FileName(contents.NextNumber)), 0, $"the segment is missing; {last.Path} is sealed and goes on there");
            }

            Repair(last, contents);
            if (contents.NextNumber == last.FirstNumber && segments.Count > 1)
            {
                SealAgain(disk, segments[^2], last.FirstNumber);
            }

            // The name of a segment may have been read from memory only, too.
            disk.FlushFolder(folder);
            last.Index = contents.Index;
            last.EndNumber = contents.NextNumber;
            return new RecoveredLog(segments, contents.EndOffset, contents.NextNumber, contents.Torn);
        }
        catch
        {
            last.Close();
            throw;
        }
    }

    private static List<Segment> ReadHeaders(IDisk disk, string folder, SegmentedLogOptions options)
    {
        var segments = new List<Segment>();
        Span<byte> sector = stackalloc byte[SegmentHeader.Bytes];
        foreach (var name in disk.ListFiles(folder))
        {
            if (!SegmentHeader.TryParseFileName(name, out var firstNumber))
            {
                continue;
            }

            var path = Path.Combine(folder, name);
            using var file = disk.Open(path, DiskFileMode.Read);
            var length = file.Read(0, sector);
            if (length < SegmentHeader.Bytes)
            {
                throw new LogDamagedException(path, length, $"the file ends in its header of {SegmentHeader.Bytes} bytes");
            }

            var header = SegmentHeader.Decode(sector, path);
            if (header.FirstNumber != firstNumber)
            {
                throw new LogDamagedException(path, 0, $"the header is that of {SegmentHeader.FileName(header.FirstNumber)}");
            }

            if (!string.Equals(header.Purpose, options.Purpose, StringComparison.Ordinal))
            {
                throw new WrongLogException(path, $"it is a log for \"{header.Purpose}\", not for \"{options.Purpose}\"");
            }

            if (file.Length != header.SegmentBytes)
            {
                throw new LogDamagedException(path, Math.Min(file.Length, header.SegmentBytes), $"the file has {file.Length} bytes instead of {header.SegmentBytes}");
            }

            segments.Add(new Segment(header, path));
        }

        return segments;
    }

    private static void CheckChain(string folder, List<Segment> segments, SegmentedLogOptions options)
    {
        if (options.Permanent && segments[0].Header.PreviousFirstNumber is not 0 and var before)
        {
            throw new LogDamagedException(
                Path.Combine(folder, SegmentHeader.FileName(before)), 0, $"the segment is missing; {segments[0].Path} follows it, and nothing was ever removed from this log");
        }

        for (var i = 1; i < segments.Count; i++)
        {
            var due = segments[i].Header.PreviousFirstNumber;
            if (due != segments[i - 1].FirstNumber)
            {
                throw new LogDamagedException(
                    Path.Combine(folder, SegmentHeader.FileName(due)), 0, $"the segment is missing; {segments[i].Path} follows it");
            }

            segments[i - 1].EndNumber = segments[i].FirstNumber;
        }
    }

    private static SegmentContents Examine(IDiskFile file, Segment segment)
    {
        using var reader = new SegmentReader(file, segment.Path, segment.Header);
        return SegmentExamination.Examine(reader);
    }

    /// <summary>
    /// What was just read may be in the system's memory only: a process can die between a write and its flush, or because a flush
    /// failed. Everything but the last group was flushed with success before more was written; so the last one is written again, and
    /// what is left of a torn one overwritten, before the log is said to hold anything.
    /// </summary>
    private static void Repair(Segment segment, SegmentContents contents)
    {
        var file = segment.File!;
        using var reader = new SegmentReader(file, segment.Path, segment.Header);
        if (contents.LastGroupOffset != 0)
        {
            var length = (int)(contents.EndOffset - contents.LastGroupOffset);
            file.Write(contents.LastGroupOffset, reader.Bytes(contents.LastGroupOffset, length));
        }

        if (contents.Torn is { } torn)
        {
            file.Write(torn.Offset, new byte[torn.Bytes]);
        }

        file.Flush();
    }

    /// <summary>
    /// The newest segment is empty: a crash may have come before the one before was sealed, or before the seal was durable.
    /// </summary>
    private static void SealAgain(IDisk disk, Segment segment, ulong nextNumber)
    {
        using var file = disk.Open(segment.Path, DiskFileMode.ReadWrite);
        var contents = Examine(file, segment);
        if (contents.Torn is { } torn)
        {
            throw new LogDamagedException(segment.Path, torn.Offset, $"the group with record {contents.NextNumber} is not whole, and there is a segment behind it");
        }

        if (contents.NextNumber != nextNumber)
        {
            throw new LogDamagedException(segment.Path, contents.EndOffset, $"the segment ends before record {contents.NextNumber} instead of {nextNumber}");
        }

        Span<byte> seal = stackalloc byte[GroupHeader.Bytes];
        GroupHeader.Seal(nextNumber).Encode(seal, segment.FirstNumber, contents.EndOffset);
        file.Write(contents.EndOffset, seal);
        file.Flush();
    }
}
