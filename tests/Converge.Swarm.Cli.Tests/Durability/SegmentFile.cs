using System.Buffers.Binary;
using System.Globalization;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>A segment file as docs/formats/segmented-log.md describes it, read and damaged without the code that writes it.</summary>
internal sealed class SegmentFile
{
    public const int SectorBytes = 512;

    private const int GroupHeaderBytes = 32;
    private const uint GroupMagic = 0x5052_4743;

    private SegmentFile(string path, IReadOnlyList<Group> groups, bool isSealed)
    {
        Path = path;
        Groups = groups;
        IsSealed = isSealed;
    }

    public string Path { get; }

    public IReadOnlyList<Group> Groups { get; }

    public bool IsSealed { get; }

    /// <summary>Where the next group goes.</summary>
    public long End => Groups.Count == 0 ? SectorBytes : Groups[^1].End;

    /// <summary>A group of records, with its header and padding.</summary>
    public sealed record Group(long Offset, long Bytes, uint Records)
    {
        public long End => Offset + Bytes;

        /// <summary>Where the first sector begins that is this group's alone.</summary>
        public long SecondSector => (Offset / SectorBytes + 1) * SectorBytes;
    }

    /// <summary>The segment files in a folder, in the order of their records.</summary>
    public static IReadOnlyList<SegmentFile> In(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.segment").Order(StringComparer.Ordinal).Select(Read)];

    /// <summary>Reads one file.</summary>
    public static SegmentFile Read(string path)
    {
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        List<Group> groups = [];
        int offset = SectorBytes;
        while (offset + GroupHeaderBytes <= bytes.Length && BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]) == GroupMagic)
        {
            uint records = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(offset + 16)..]);
            if (records == 0)
            {
                return new SegmentFile(path, groups, isSealed: true);
            }

            int payload = BinaryPrimitives.ReadInt32LittleEndian(bytes[(offset + 4)..]);
            Group group = new(offset, GroupHeaderBytes + (payload + GroupHeaderBytes - 1) / GroupHeaderBytes * GroupHeaderBytes, records);
            groups.Add(group);
            offset = (int)group.End;
        }

        return new SegmentFile(path, groups, isSealed: false);
    }

    /// <summary>Overwrites bytes with zeros, as a write leaves them that never reached the disk.</summary>
    public static void Clear(string path, long from, long to)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.None);
        file.Position = from;
        file.Write(new byte[to - from]);
        file.Flush(flushToDisk: true);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Path}: {Groups.Count} groups up to {End}, the last {(Groups.Count == 0 ? null : Groups[^1])}{(IsSealed ? ", sealed" : "")}");
}
