namespace Converge.Raft.Tests.Exhaustion;

/// <summary>A long list of integers that grows without being copied, in chunks.</summary>
internal sealed class ChunkedInts
{
    private const int ChunkBits = 18;
    private const int ChunkLength = 1 << ChunkBits;

    private readonly List<int[]> _chunks = [];

    public long Count { get; private set; }

    public int this[long at] => _chunks[(int)(at >> ChunkBits)][(int)(at & (ChunkLength - 1))];

    public void Add(int value)
    {
        int offset = (int)(Count & (ChunkLength - 1));
        if (offset == 0 && Count >> ChunkBits == _chunks.Count)
        {
            _chunks.Add(new int[ChunkLength]);
        }

        _chunks[(int)(Count >> ChunkBits)][offset] = value;
        Count++;
    }

    public void Add(ReadOnlySpan<int> values)
    {
        foreach (int value in values)
        {
            Add(value);
        }
    }

    public void CopyTo(long from, Span<int> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = this[from + i];
        }
    }

    /// <summary>Forgets everything and keeps the room.</summary>
    public void Clear() => Count = 0;
}
