using System.Buffers;
using System.Buffers.Binary;

namespace Converge.Swarm.Storage;

/// <summary>
/// Reads one segment file through a window, and knows what a header and a group must look like. For one thread, for one pass.
/// </summary>
internal sealed class SegmentReader(IDiskFile file, string path, SegmentHeader header) : IDisposable
{
    private const int WindowBytes = 64 * 1024;

    private byte[] _window = ArrayPool<byte>.Shared.Rent(WindowBytes);
    private long _windowOffset;
    private int _windowLength;

    public string Path { get; } = path;

    public SegmentHeader Header { get; } = header;

    /// <summary>The bytes at an offset; valid until the next call.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        if (offset < _windowOffset || offset + count > _windowOffset + _windowLength)
        {
            Fill(offset, count);
        }

        return _window.AsSpan((int)(offset - _windowOffset), count);
    }

    /// <summary>The group header at an offset, or null when all its bytes are zero.</summary>
    /// <exception cref="LogDamagedException">It is neither, or says what cannot be.</exception>
    public GroupHeader? GroupHeaderAt(long offset, ulong expectedNumber)
    {
        var bytes = Bytes(offset, GroupHeader.Bytes);
        if (!GroupHeader.TryDecode(bytes, Header.FirstNumber, offset, out var group))
        {
            return bytes.ContainsAnyExcept((byte)0)
                ? throw new LogDamagedException(Path, offset, "a group header does not match its checksum")
                : null;
        }

        if (group.FirstNumber != expectedNumber)
        {
            throw new LogDamagedException(Path, offset, $"a group begins with record {group.FirstNumber} where {expectedNumber} is due");
        }

        var room = Header.SegmentBytes - offset - (group.IsSeal ? 0 : GroupHeader.Bytes);
        if (group.TotalBytes > room || group.TotalBytes > Header.MaxGroupBytes || (group.IsSeal && group.PayloadBytes != 0))
        {
            throw new LogDamagedException(Path, offset, $"a group of {group.RecordCount} records claims {group.PayloadBytes} bytes");
        }

        return group;
    }

    /// <summary>The payload of a group that must be whole, with its padding; valid until the next call.</summary>
    /// <exception cref="LogDamagedException">It does not match its checksum, or does not hold the records that it should.</exception>
    public ReadOnlySpan<byte> Payload(long offset, in GroupHeader group)
    {
        var payload = Bytes(offset + GroupHeader.Bytes, (int)group.PaddedPayloadBytes);
        if (Crc32C.Compute(payload) != group.PayloadChecksum)
        {
            throw new LogDamagedException(Path, offset, $"the records from {group.FirstNumber} on do not match their checksum");
        }

        CheckStructure(offset, group, payload);
        return payload;
    }

    /// <summary>The length of the record that begins at a place in a payload.</summary>
    public static int RecordLength(ReadOnlySpan<byte> payload, int at) => BinaryPrimitives.ReadInt32LittleEndian(payload[at..]);

    /// <summary>The last byte that is not zero in a range, or -1.</summary>
    public long LastNonZero(long from, long to)
    {
        var last = -1L;
        for (var at = from; at < to;)
        {
            var count = (int)Math.Min(WindowBytes, to - at);
            var found = Bytes(at, count).LastIndexOfAnyExcept((byte)0);
            if (found >= 0)
            {
                last = at + found;
            }

            at += count;
        }

        return last;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_window);
        _window = [];
        _windowLength = 0;
    }

    private void CheckStructure(long offset, in GroupHeader group, ReadOnlySpan<byte> payload)
    {
        var at = 0L;
        for (var i = 0u; i < group.RecordCount; i++)
        {
            var room = group.PayloadBytes - at - GroupHeader.RecordPrefixBytes;
            if (room < 0 || RecordLength(payload, (int)at) is var length && (length < 0 || length > room))
            {
                throw new LogDamagedException(Path, offset, $"record {group.FirstNumber + i} does not fit in its group");
            }

            at += GroupHeader.RecordPrefixBytes + RecordLength(payload, (int)at);
        }

        if (at != group.PayloadBytes)
        {
            throw new LogDamagedException(Path, offset, $"the group holds {group.PayloadBytes - at} bytes after its last record");
        }
    }

    private void Fill(long offset, int count)
    {
        if (count > _window.Length)
        {
            ArrayPool<byte>.Shared.Return(_window);
            _window = [];
            _window = ArrayPool<byte>.Shared.Rent(count);
        }

        var want = (int)Math.Min(Math.Max(count, Math.Min(_window.Length, WindowBytes)), Header.SegmentBytes - offset);
        _windowLength = 0;
        var got = want < count ? 0 : file.Read(offset, _window.AsSpan(0, want));
        if (got < count)
        {
            throw new LogDamagedException(Path, offset + got, $"the file ends where {count} bytes are due");
        }

        _windowOffset = offset;
        _windowLength = got;
    }
}
