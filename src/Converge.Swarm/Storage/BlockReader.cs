namespace Converge.Swarm.Storage;

/// <summary>
/// Reads a file from one end to the other in blocks. Past the system's memory where that is offered and wanted: what is read once need not be kept, and
/// pages that the system takes for it cost more than what is read. For one reader.
/// </summary>
internal sealed class BlockReader
{
    /// <summary>A flush of the log, for which commits wait, may come behind a block of each node on the disk.</summary>
    private const int BlockBytes = 256 * 1024;

    private readonly IDiskFile _file;
    private AlignedBytes _block = new(BlockBytes);
    private long _start;
    private int _length;

    /// <summary>A reader of a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="bypassesMemory">False when the system shall have in memory afterwards what was read, and nobody has asked for the other on this handle.</param>
    public BlockReader(IDiskFile file, bool bypassesMemory = true)
    {
        _file = file;
        if (bypassesMemory)
        {
            file.BypassMemory();
        }
        else
        {
            file.NoReadAhead();
        }
    }

    /// <summary>What stands at a place of the file: so many bytes or more, fewer only at its end. Good until the next call.</summary>
    public ReadOnlySpan<byte> At(long offset, int bytes)
    {
        if (offset < _start || offset + bytes > _start + _length)
        {
            _start = offset & -AlignedBytes.PageBytes;
            int needed = checked((int)(offset + bytes - _start));
            if (needed > _block.Length)
            {
                _block = new AlignedBytes(checked(needed + AlignedBytes.PageBytes - 1) & -AlignedBytes.PageBytes);
            }

            _length = _file.Read(_start, _block.Span);
        }

        return offset >= _start + _length ? default : _block.Span[(int)(offset - _start).._length];
    }
}
