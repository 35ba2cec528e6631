using System.Buffers.Binary;

namespace Converge.Swarm.Storage;

/// <summary>
/// The 32 bytes before the records of a group, or, with no records, the seal that ends a segment. See docs/formats/segmented-log.md.
/// </summary>
/// <param name="PayloadBytes">The length of the records with their prefixes, without padding.</param>
/// <param name="FirstNumber">The number of the first record; in a seal, of the next segment's first record.</param>
/// <param name="RecordCount">How many records; 0 in a seal.</param>
/// <param name="PayloadChecksum">CRC-32C of the payload and its padding.</param>
/// <param name="ZeroSectors">How many sectors after the group's first hold nothing but zeros of it when it is whole.</param>
internal readonly record struct GroupHeader(uint PayloadBytes, ulong FirstNumber, uint RecordCount, uint PayloadChecksum, uint ZeroSectors)
{
    /// <summary>The size of the header and the alignment of groups: a header never straddles a sector.</summary>
    public const int Bytes = 32;

    /// <summary>Before each record stands its length.</summary>
    public const int RecordPrefixBytes = sizeof(uint);

    private const uint Magic = 0x5052_4743; // "CGRP"
    private const int ChecksumOffset = Bytes - sizeof(uint);

    public bool IsSeal => RecordCount == 0;

    public long PaddedPayloadBytes => Pad(PayloadBytes);

    public long TotalBytes => Bytes + PaddedPayloadBytes;

    /// <summary>Ends a segment: the records go on in a segment of their own.</summary>
    public static GroupHeader Seal(ulong nextNumber) => new(0, nextNumber, 0, Crc32C.Compute([]), 0);

    /// <summary>The whole size of a group with so many bytes of payload.</summary>
    public static long GroupBytes(long payloadBytes) => Bytes + Pad(payloadBytes);

    /// <summary>
    /// How many sectors after the one in which <paramref name="group"/> begins hold nothing of it but zeros. What a crash left
    /// unwritten raises the count, and nothing else does.
    /// </summary>
    public static uint CountZeroSectors(long offset, ReadOnlySpan<byte> group)
    {
        var count = 0u;
        var at = SegmentHeader.SectorBytes - (int)(offset % SegmentHeader.SectorBytes);
        for (; at < group.Length; at += SegmentHeader.SectorBytes)
        {
            var sector = group[at..Math.Min(at + SegmentHeader.SectorBytes, group.Length)];
            if (!sector.ContainsAnyExcept((byte)0))
            {
                count++;
            }
        }

        return count;
    }

    /// <summary>
    /// The checksum also covers where the header stands: a copy of one elsewhere, in a record or by a misdirected write, is none.
    /// </summary>
    public void Encode(Span<byte> header, ulong segment, long offset)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], PayloadBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], FirstNumber);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], RecordCount);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], PayloadChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(header[24..], ZeroSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(header[ChecksumOffset..], Checksum(header, segment, offset));
    }

    public static bool TryDecode(ReadOnlySpan<byte> header, ulong segment, long offset, out GroupHeader decoded)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(header[ChecksumOffset..]) != Checksum(header, segment, offset))
        {
            decoded = default;
            return false;
        }

        decoded = new GroupHeader(
            BinaryPrimitives.ReadUInt32LittleEndian(header[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(header[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(header[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(header[20..]),
            BinaryPrimitives.ReadUInt32LittleEndian(header[24..]));
        return true;
    }

    private static uint Checksum(ReadOnlySpan<byte> header, ulong segment, long offset)
    {
        var state = Crc32C.Add(Crc32C.Start, segment);
        state = Crc32C.Add(state, (ulong)offset);
        return Crc32C.Finish(Crc32C.Add(state, header[..ChecksumOffset]));
    }

    private static long Pad(long bytes) => (bytes + Bytes - 1) / Bytes * Bytes;
}
