using System.Globalization;

namespace Converge.Core;

/// <summary>The identity of one node of a swarm. Zero means "no node" (<see cref="None"/>).</summary>
/// <remarks>An identity belongs to one data folder for ever: a node that lost its disk comes back under a new one.</remarks>
public readonly record struct NodeId(ulong Value) : IComparable<NodeId>
{
    /// <summary>No node: no leader is known, no vote was cast.</summary>
    public static readonly NodeId None;

    /// <summary>True for <see cref="None"/>.</summary>
    public bool IsNone => Value == 0;

    /// <inheritdoc/>
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <summary>The number in decimal digits.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
