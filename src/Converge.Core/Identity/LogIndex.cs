using System.Globalization;

namespace Converge.Core;

/// <summary>A place in the one agreed order. The first entry has index 1; zero means "before the first".</summary>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    /// <summary>The place before the first entry.</summary>
    public static readonly LogIndex Zero;

    /// <summary>The index after this one.</summary>
    public LogIndex Next => new(Value + 1);

    /// <summary>The index before this one; of <see cref="Zero"/>, <see cref="Zero"/>.</summary>
    public LogIndex Previous => new(Value == 0 ? 0 : Value - 1);

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <summary>The later of two.</summary>
    public static LogIndex Max(LogIndex a, LogIndex b) => a.Value >= b.Value ? a : b;

    /// <summary>The earlier of two.</summary>
    public static LogIndex Min(LogIndex a, LogIndex b) => a.Value <= b.Value ? a : b;

    /// <summary>Order by place.</summary>
    public static bool operator <(LogIndex a, LogIndex b) => a.Value < b.Value;

    /// <summary>Order by place.</summary>
    public static bool operator >(LogIndex a, LogIndex b) => a.Value > b.Value;

    /// <summary>Order by place.</summary>
    public static bool operator <=(LogIndex a, LogIndex b) => a.Value <= b.Value;

    /// <summary>Order by place.</summary>
    public static bool operator >=(LogIndex a, LogIndex b) => a.Value >= b.Value;

    /// <summary>The index <paramref name="count"/> places on.</summary>
    public static LogIndex operator +(LogIndex a, ulong count) => new(checked(a.Value + count));

    /// <summary>The index <paramref name="count"/> places back.</summary>
    public static LogIndex operator -(LogIndex a, ulong count) => new(checked(a.Value - count));

    /// <summary>The number in decimal digits.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
