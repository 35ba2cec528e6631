using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <summary>
/// Writes a file from its first byte to its last through one buffer. What was written goes to the disk again and again, in pieces that it
/// takes in moments: the flushes of the log, for which commits wait, come between them.
/// </summary>
internal sealed class SnapshotStream
{
    private const int BufferBytes = 256 * 1024;

    private readonly IDiskFile _file;
    private readonly AlignedBytes _buffer = new(BufferBytes);
    private int _used;
    private long _written;
    private long _sectionOffset;

    // The checksum of the section as far as the buffer's first so many bytes: it is computed over much at once.
    private uint _sectionState = Crc32C.Start;
    private int _summed;

    public SnapshotStream(IDiskFile file)
    {
        _file = file;
        file.BypassMemory();
    }

    private long Position => _written + _used;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_used == _buffer.Length)
            {
                WriteBuffer();
            }

            int count = Math.Min(bytes.Length, _buffer.Length - _used);
            bytes[..count].CopyTo(_buffer.Span[_used..]);
            _used += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>Ends a section, which began where the one before ended.</summary>
    public SectionPlace EndSection()
    {
        Sum();
        var place = new SectionPlace(_sectionOffset, Position - _sectionOffset, Crc32C.Finish(_sectionState));
        _sectionOffset = Position;
        _sectionState = Crc32C.Start;
        return place;
    }

    /// <summary>Makes everything durable.</summary>
    public void Finish()
    {
        WriteBuffer();
        _file.Flush();
    }

    private void Sum()
    {
        _sectionState = Crc32C.Add(_sectionState, _buffer.Span[_summed.._used]);
        _summed = _used;
    }

    private void WriteBuffer()
    {
        Sum();
        _file.Write(_written, _buffer.Span[.._used]);
        _file.WriteBack(_written, _used);
        _written += _used;
        _used = _summed = 0;
    }
}
