namespace Converge.Swarm.Storage;

/// <summary>
/// Reads a file from one end to the other in large blocks, past the system's memory where that is offered: what is read once need not be kept, and
/// pages that the system takes for it cost more than what is read. For one reader.
/// </summary>
internal sealed class BlockReader
{
    private const int BlockBytes = 1024 * 1024;

    private readonly IDiskFile _file;
    private AlignedBytes _block = new(BlockBytes);
    private long _start;
    private int _length;

    public BlockReader(IDiskFile file)
    {
        _file = file;
        file.BypassMemory();
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
