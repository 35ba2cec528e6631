namespace Converge.Swarm.Storage;

/// <summary>Where some groups of a segment begin: one in every stretch of bytes, so never more than <see cref="MaxPoints"/>.</summary>
internal sealed class SparseIndex(SegmentHeader header)
{
    /// <summary>A segment's index takes 16 KiB at most.</summary>
    public const int MaxPoints = 1024;

    private readonly long _stretchBytes = Math.Max(1, (header.SegmentBytes + MaxPoints - 1) / MaxPoints);
    private readonly List<(ulong Number, long Offset)> _points = [];

    public int Count => _points.Count;

    /// <summary>Tells of a group; in order.</summary>
    public void Add(ulong firstNumber, long offset)
    {
        if (_points.Count == 0 || offset - _points[^1].Offset >= _stretchBytes)
        {
            _points.Add((firstNumber, offset));
        }
    }

    /// <summary>A group that begins at or before a record, near it.</summary>
    public (ulong Number, long Offset) Find(ulong number)
    {
        int low = 0, high = _points.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_points[middle].Number <= number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low == 0 ? (header.FirstNumber, SegmentHeader.Bytes) : _points[low - 1];
    }
}
