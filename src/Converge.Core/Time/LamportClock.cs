namespace Converge.Core;

/// <summary>A Lamport clock of one node. Not safe for concurrent use: its owner is one actor.</summary>
/// <remarks>
/// Counters are bounded by <see cref="MaxCounter"/> so that no claim of a stranger can bring the clock to an end:
/// a greater claim is not observed.
/// </remarks>
public sealed class LamportClock(NodeId node, ulong counter = 0)
{
    /// <summary>The greatest counter that is taken over from elsewhere: 2^53 - 1, the greatest integer that every JSON reader keeps exact.</summary>
    public const ulong MaxCounter = (1UL << 53) - 1;

    /// <summary>The node whose events this clock stamps.</summary>
    public NodeId Node { get; } = node;

    /// <summary>The counter of the last event stamped or observed.</summary>
    public ulong Counter { get; private set; } = counter;

    /// <summary>Stamps a new event: later than everything this clock stamped or observed.</summary>
    public LamportTimestamp Tick() => new(++Counter, Node);

    /// <summary>Takes note of an event elsewhere, so that the next own one is later.</summary>
    /// <returns>False, and nothing changed, when the claim exceeds <see cref="MaxCounter"/>.</returns>
    public bool Observe(ulong counter)
    {
        if (counter > MaxCounter)
        {
            return false;
        }

        Counter = Math.Max(Counter, counter);
        return true;
    }
}
