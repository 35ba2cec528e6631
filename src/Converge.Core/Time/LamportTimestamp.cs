using System.Globalization;

namespace Converge.Core;

/// <summary>
/// A logical time (Lamport 1978): a hint of causal order among many writers and a deterministic way to merge them. Never authority.
/// </summary>
/// <param name="Counter">Grows with every event; zero means "no time yet".</param>
/// <param name="Node">Breaks ties, so that any two distinct events have an order.</param>
public readonly record struct LamportTimestamp(ulong Counter, NodeId Node) : IComparable<LamportTimestamp>
{
    /// <summary>By counter, then by node.</summary>
    public int CompareTo(LamportTimestamp other)
    {
        int byCounter = Counter.CompareTo(other.Counter);
        return byCounter != 0 ? byCounter : Node.CompareTo(other.Node);
    }

    /// <summary>Order by counter, then by node.</summary>
    public static bool operator <(LamportTimestamp a, LamportTimestamp b) => a.CompareTo(b) < 0;

    /// <summary>Order by counter, then by node.</summary>
    public static bool operator >(LamportTimestamp a, LamportTimestamp b) => a.CompareTo(b) > 0;

    /// <summary>Order by counter, then by node.</summary>
    public static bool operator <=(LamportTimestamp a, LamportTimestamp b) => a.CompareTo(b) <= 0;

    /// <summary>Order by counter, then by node.</summary>
    public static bool operator >=(LamportTimestamp a, LamportTimestamp b) => a.CompareTo(b) >= 0;

    /// <summary>As <c>counter@node</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Counter}@{Node.Value}");
}
