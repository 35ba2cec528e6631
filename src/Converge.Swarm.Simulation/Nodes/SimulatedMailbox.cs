namespace Converge.Swarm.Simulation;

/// <summary>An actor's mailbox: what waits for it, and whether it was promised a turn after that.</summary>
internal sealed class SimulatedMailbox<T>(T? turn)
    where T : class
{
    private readonly Queue<T> _queue = new();

    /// <summary>True when an event is due that will serve it.</summary>
    public bool IsScheduled { get; set; }

    public bool TurnWanted { get; set; }

    public bool HasWork => _queue.Count > 0 || TurnWanted;

    public int Count => _queue.Count;

    public void Clear()
    {
        _queue.Clear();
        (IsScheduled, TurnWanted) = (false, false);
    }

    public void Add(T message) => _queue.Enqueue(message);

    /// <summary>The next message; the turn when everything queued before it has been received.</summary>
    public T Take()
    {
        if (_queue.TryDequeue(out T? message))
        {
            return message;
        }

        TurnWanted = false;
        return turn ?? throw new InvalidOperationException("This mailbox gives no turns.");
    }
}
