using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Converge.Swarm.Storage;

/// <summary>The first sector of a segment file. Written once, before the file gets its name; see docs/formats/segmented-log.md.</summary>
/// <param name="FirstNumber">The number of the first record that goes into the segment; also in the file's name.</param>
/// <param name="PreviousFirstNumber">The same of the segment before; 0 when the log begins here.</param>
/// <param name="SegmentBytes">The size of the file, for ever.</param>
/// <param name="MaxGroupBytes">No group in the segment is larger.</param>
/// <param name="Purpose">What the log is for.</param>
internal sealed record SegmentHeader(ulong FirstNumber, ulong PreviousFirstNumber, long SegmentBytes, int MaxGroupBytes, string Purpose)
{
    public const int Bytes = 512;
    public const int SectorBytes = 512;
    public const int MaxPurposeLength = 32;
    public const uint FormatVersion = 1;

    private const string Extension = ".segment";
    private const int ChecksumOffset = Bytes - sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "CVSEGLOG"u8;

    public static string FileName(ulong firstNumber) => firstNumber.ToString("x16", CultureInfo.InvariantCulture) + Extension;

    /// <summary>True for the name of a segment file. A name that ends like one and is not is nobody's: it is left alone.</summary>
    public static bool TryParseFileName(string name, out ulong firstNumber)
    {
        firstNumber = 0;
        return name.Length == 16 + Extension.Length
            && ulong.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out firstNumber)
            && string.Equals(name, FileName(firstNumber), StringComparison.Ordinal);
    }

    public void Encode(Span<byte> sector)
    {
        sector[..Bytes].Clear();
        Magic.CopyTo(sector);
        BinaryPrimitives.WriteUInt32LittleEndian(sector[8..], FormatVersion);
        BinaryPrimitives.WriteInt32LittleEndian(sector[12..], MaxGroupBytes);
        BinaryPrimitives.WriteInt64LittleEndian(sector[16..], SegmentBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[24..], FirstNumber);
        BinaryPrimitives.WriteUInt64LittleEndian(sector[32..], PreviousFirstNumber);
        Encoding.ASCII.GetBytes(Purpose, sector.Slice(40, MaxPurposeLength));
        BinaryPrimitives.WriteUInt32LittleEndian(sector[ChecksumOffset..], Crc32C.Compute(sector[..ChecksumOffset]));
    }

    /// <summary>Reads a header that was written by <see cref="Encode"/>.</summary>
    /// <exception cref="LogDamagedException">It is not a header as any version wrote it.</exception>
    /// <exception cref="WrongLogException">It was written by a version that this one does not know.</exception>
    public static SegmentHeader Decode(ReadOnlySpan<byte> sector, string file)
    {
        if (!sector.StartsWith(Magic))
        {
            throw new LogDamagedException(file, 0, "no segment header");
        }

        var checksum = Crc32C.Compute(sector[..ChecksumOffset]);
        if (checksum != BinaryPrimitives.ReadUInt32LittleEndian(sector[ChecksumOffset..]))
        {
            throw new LogDamagedException(file, 0, "the segment header does not match its checksum");
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(sector[8..]);
        if (version != FormatVersion)
        {
            throw new WrongLogException(file, $"it has format version {version}, known is {FormatVersion}");
        }

        return new SegmentHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(sector[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(sector[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(sector[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(sector[12..]),
            Encoding.ASCII.GetString(sector.Slice(40, MaxPurposeLength)).TrimEnd('\0'));
    }
}
