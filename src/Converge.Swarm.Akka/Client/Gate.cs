namespace Converge.Swarm.Akka;

/// <summary>Counts what is under way in one direction, and lets no more in than may be. For any thread.</summary>
internal sealed class Gate(int capacity)
{
    private int _inside;
    private volatile bool _closed;

    /// <summary>False when there is no room, or nobody is inside to serve.</summary>
    public bool TryEnter()
    {
        if (_closed)
        {
            return false;
        }

        if (Interlocked.Increment(ref _inside) <= capacity)
        {
            return true;
        }

        Interlocked.Decrement(ref _inside);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _inside);

    /// <summary>True when nobody is let in any more.</summary>
    public bool IsClosed => _closed;

    /// <summary>Lets nobody in any more.</summary>
    public void Close() => _closed = true;
}
