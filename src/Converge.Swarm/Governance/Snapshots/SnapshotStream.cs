using Converge.Swarm.Storage;

namespace Converge.Swarm.Governance;

/// <summary>
/// Writes a file from its first byte to its last through one buffer. What was written goes to the disk again and again, in pieces that it
/// takes in moments: the flushes of the log, for which commits wait, come between them.
/// </summary>
internal sealed class SnapshotStream(IDiskFile file)
{
    private const int BufferBytes = 256 * 1024;
    private const int PieceBytes = 1024 * 1024;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _used;
    private long _written;
    private long _sent;
    private long _sectionOffset;
    private uint _sectionState = Crc32C.Start;

    private long Position => _written + _used;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _sectionState = Crc32C.Add(_sectionState, bytes);
        while (!bytes.IsEmpty)
        {
            if (_used == _buffer.Length)
            {
                WriteBuffer();
            }

            int count = Math.Min(bytes.Length, _buffer.Length - _used);
            bytes[..count].CopyTo(_buffer.AsSpan(_used));
            _used += count;
            bytes = bytes[count..];
        }
    }

    /// <summary>Ends a section, which began where the one before ended.</summary>
    public SectionPlace EndSection()
    {
        var place = new SectionPlace(_sectionOffset, Position - _sectionOffset, Crc32C.Finish(_sectionState));
        _sectionOffset = Position;
        _sectionState = Crc32C.Start;
        return place;
    }

    /// <summary>Makes everything durable.</summary>
    public void Finish()
    {
        WriteBuffer();
        file.Flush();
    }

    private void WriteBuffer()
    {
        file.Write(_written, _buffer.AsSpan(0, _used));
        _written += _used;
        _used = 0;
        if (_written - _sent >= PieceBytes)
        {
            file.WriteBack(_sent, _written - _sent);
            _sent = _written;
        }
    }
}
