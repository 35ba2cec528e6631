using System.Globalization;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Ledger;

/// <summary>
/// Reads the segment files of a ledger without opening it as a log: nothing is repaired, and what follows damage is read too, as far as
/// it can be.
/// </summary>
internal sealed class LedgerFiles(IDisk disk, string folder)
{
    /// <summary>Takes a record with its file and the offset of its group.</summary>
    public delegate void RecordFound(LogRecord record, string file, long offset);

    public void Read(RecordFound found, Action<string> problem, Action<string> remark)
    {
        List<(ulong FirstNumber, string Path)> segments = [];
        foreach (string name in disk.ListFiles(folder))
        {
            if (SegmentHeader.TryParseFileName(name, out ulong firstNumber))
            {
                segments.Add((firstNumber, Path.Combine(folder, name)));
            }
        }

        if (segments.Count == 0)
        {
            problem($"There is no ledger in {folder}.");
            return;
        }

        segments.Sort((a, b) => a.FirstNumber.CompareTo(b.FirstNumber));
        if (segments[0].FirstNumber != 1)
        {
            // The records tell it too, unless a crash left the rest without any.
            problem($"The ledger begins with {segments[0].Path}; its first segment, {SegmentHeader.FileName(1)}, is missing.");
        }

        for (int i = 0; i < segments.Count; i++)
        {
            (ulong firstNumber, string path) = segments[i];
            ulong? nextFirstNumber = i + 1 < segments.Count ? segments[i + 1].FirstNumber : null;
            try
            {
                ReadSegment(path, firstNumber, nextFirstNumber, found, problem, remark);
            }
            catch (LogDamagedException damaged)
            {
                problem(damaged.Message);
            }
            catch (WrongLogException wrong)
            {
                problem(wrong.Message);
            }
        }
    }

    private void ReadSegment(
        string path, ulong firstNumber, ulong? nextFirstNumber, RecordFound found, Action<string> problem, Action<string> remark)
    {
        using IDiskFile file = disk.Open(path, DiskFileMode.Read);
        byte[] sector = new byte[SegmentHeader.Bytes];
        int length = file.Read(0, sector);
        if (length < sector.Length)
        {
            throw new LogDamagedException(path, length, $"the file ends in its header of {SegmentHeader.Bytes} bytes");
        }

        SegmentHeader header = SegmentHeader.Decode(sector, path);
        if (header.FirstNumber != firstNumber)
        {
            throw new LogDamagedException(path, 0, $"the header is that of {SegmentHeader.FileName(header.FirstNumber)}");
        }

        if (!string.Equals(header.Purpose, GovernanceLedger.Purpose, StringComparison.Ordinal))
        {
            throw new WrongLogException(path, $"it is a log for \"{header.Purpose}\", not for \"{GovernanceLedger.Purpose}\"");
        }

        if (file.Length != header.SegmentBytes)
        {
            problem(Sentence($"{path} has {file.Length} bytes instead of {header.SegmentBytes}."));
        }

        using var reader = new SegmentReader(file, path, header);
        ReadGroups(reader, found);

        // Again, for what no group vouches for: the space behind the last one, and the seal.
        SegmentContents contents = SegmentExamination.Examine(reader);
        if (nextFirstNumber is { } next)
        {
            if (!contents.Sealed || contents.NextNumber != next)
            {
                problem(Sentence($"{path} ends before record {contents.NextNumber}, but the next segment begins with record {next}."));
            }
        }
        else if (contents.Sealed)
        {
            problem(Sentence($"{path} is sealed, but the segment that goes on with record {contents.NextNumber} is missing."));
        }

        if (contents.Torn is { } torn)
        {
            remark(Sentence($"A crash left {torn.Bytes} bytes half written in {path} at byte {torn.Offset}; they were never acknowledged."));
        }
    }

    private static void ReadGroups(SegmentReader reader, RecordFound found)
    {
        ulong number = reader.Header.FirstNumber;
        long offset = SegmentHeader.Bytes;
        while (reader.GroupHeaderAt(offset, number) is { IsSeal: false } group)
        {
            byte[] payload;
            try
            {
                payload = reader.Payload(offset, group).ToArray();
            }
            catch (LogDamagedException)
            {
                // A torn last group looks the same; the examination that follows tells which of the two it is.
                return;
            }

            int at = 0;
            for (uint i = 0; i < group.RecordCount; i++)
            {
                int length = SegmentReader.RecordLength(payload, at);
                at += GroupHeader.RecordPrefixBytes;
                found(new LogRecord(number++, payload.AsMemory(at, length)), reader.Path, offset);
                at += length;
            }

            offset += group.TotalBytes;
        }
    }

    private static string Sentence(FormattableString sentence) => sentence.ToString(CultureInfo.InvariantCulture);
}
