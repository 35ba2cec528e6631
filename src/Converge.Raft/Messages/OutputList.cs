namespace Converge.Raft;

/// <summary>
/// A list that is filled while the last content is being read: two arrays that take turns, so that output costs no allocation once they
/// are large enough.
/// </summary>
internal sealed class OutputList<T>
{
    private T[] _filling = [];
    private T[] _taken = [];
    private int _takenCount;

    public int Count { get; private set; }

    public ReadOnlySpan<T> Items => _filling.AsSpan(0, Count);

    public void Add(in T item)
    {
        if (Count == _filling.Length)
        {
            Array.Resize(ref _filling, Math.Max(8, _filling.Length * 2));
        }

        _filling[Count++] = item;
    }

    /// <summary>The content, which stays valid until the next call; the list is empty after it.</summary>
    public ReadOnlyMemory<T> Take()
    {
        // What the last content referred to is not kept alive for longer than promised.
        Array.Clear(_taken, 0, _takenCount);
        (_filling, _taken) = (_taken, _filling);
        _takenCount = Count;
        Count = 0;
        return _taken.AsMemory(0, _takenCount);
    }

    public void Clear()
    {
        Array.Clear(_filling, 0, Count);
        Count = 0;
    }

    public OutputList<T> Clone()
    {
        var copy = new OutputList<T> { _filling = Items.ToArray(), Count = Count };
        return copy;
    }
}
