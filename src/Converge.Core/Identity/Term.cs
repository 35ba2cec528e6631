using System.Globalization;

namespace Converge.Core;

/// <summary>The period of authority in which something became fact. At most one leader acts in a term; terms only grow.</summary>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <summary>Before any authority.</summary>
    public static readonly Term Zero;

    /// <summary>The term after this one.</summary>
    public Term Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <summary>Order by time of authority.</summary>
    public static bool operator <(Term a, Term b) => a.Value < b.Value;

    /// <summary>Order by time of authority.</summary>
    public static bool operator >(Term a, Term b) => a.Value > b.Value;

    /// <summary>Order by time of authority.</summary>
    public static bool operator <=(Term a, Term b) => a.Value <= b.Value;

    /// <summary>Order by time of authority.</summary>
    public static bool operator >=(Term a, Term b) => a.Value >= b.Value;

    /// <summary>The number in decimal digits.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
