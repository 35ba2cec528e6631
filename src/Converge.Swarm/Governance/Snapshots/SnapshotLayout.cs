using System.Buffers.Binary;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <summary>The sections of a snapshot, in the order in which they stand in the file.</summary>
internal enum SnapshotSection
{
    Sessions = 0,
    Answers = 1,
    LedgerBlocks = 2,
    Proposals = 3,
    Pages = 4,
    Prints = 5,
}

/// <summary>Where a section lies, and the checksum of its bytes.</summary>
internal readonly record struct SectionPlace(long Offset, long Length, uint Checksum);

/// <summary>The end of a snapshot file: where everything lies. Specified in <c>docs/formats/snapshot.md</c>.</summary>
/// <param name="HeaderChecksum">The one in the file's first bytes, so that a header and a trailer of two files are not taken for one.</param>
/// <param name="Sections">By <see cref="SnapshotSection"/>.</param>
internal sealed record SnapshotTrailer(uint HeaderChecksum, SectionPlace[] Sections)
{
    public const int SectionCount = 6;

    /// <summary>Magic, header checksum, file length, a length and a checksum for each section, checksum.</summary>
    public const int Bytes = 8 + sizeof(uint) + sizeof(ulong) + (SectionCount * (sizeof(ulong) + sizeof(uint))) + sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "CVSNPEND"u8;

    public SectionPlace this[SnapshotSection section] => Sections[(int)section];

    public static byte[] Encode(uint headerChecksum, IReadOnlyList<SectionPlace> sections)
    {
        byte[] bytes = new byte[Bytes];
        Span<byte> rest = bytes;
        Magic.CopyTo(rest);
        BinaryPrimitives.WriteUInt32LittleEndian(rest[8..], headerChecksum);
        BinaryPrimitives.WriteInt64LittleEndian(rest[12..], sections[^1].Offset + sections[^1].Length + Bytes);
        rest = rest[20..];
        foreach (SectionPlace section in sections)
        {
            BinaryPrimitives.WriteInt64LittleEndian(rest, section.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(rest[8..], section.Checksum);
            rest = rest[12..];
        }

        BinaryPrimitives.WriteUInt32LittleEndian(rest, Crc32C.Compute(bytes.AsSpan(0, Bytes - sizeof(uint))));
        return bytes;
    }

    /// <summary>Reads the end of a file.</summary>
    /// <param name="bytes">The file's last <see cref="Bytes"/> bytes.</param>
    /// <param name="file">For messages.</param>
    /// <param name="length">The length of the file.</param>
    /// <param name="firstSection">Where the first section begins.</param>
    /// <param name="headerChecksum">The one in the file's first bytes.</param>
    /// <exception cref="SnapshotDamagedException">The file does not end as it was written.</exception>
    public static SnapshotTrailer Decode(ReadOnlySpan<byte> bytes, string file, long length, long firstSection, uint headerChecksum)
    {
        long offset = length - Bytes;
        if (!bytes.StartsWith(Magic) || Crc32C.Compute(bytes[..^sizeof(uint)]) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[^sizeof(uint)..]))
        {
            throw new SnapshotDamagedException(file, offset, "it does not end with a whole trailer");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != headerChecksum)
        {
            throw new SnapshotDamagedException(file, offset, "the trailer is that of another snapshot");
        }

        ReadOnlySpan<byte> rest = bytes[20..];
        var sections = new SectionPlace[SectionCount];
        long at = firstSection;
        for (int i = 0; i < SectionCount; i++)
        {
            long sectionLength = BinaryPrimitives.ReadInt64LittleEndian(rest);
            if (sectionLength < 0 || sectionLength > offset - at)
            {
                throw new SnapshotDamagedException(file, offset, $"section {i} claims {sectionLength} bytes from byte {at} on");
            }

            sections[i] = new SectionPlace(at, sectionLength, BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]));
            at += sectionLength;
            rest = rest[12..];
        }

        long claimed = BinaryPrimitives.ReadInt64LittleEndian(bytes[12..]);
        return at == offset && claimed == length
            ? new SnapshotTrailer(headerChecksum, sections)
            : throw new SnapshotDamagedException(file, Math.Min(at, offset), $"the file has {length} bytes, the trailer says {claimed}, and the sections end at byte {at}");
    }
}
