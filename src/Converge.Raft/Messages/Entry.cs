using System.Numerics;
using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft;

/// <summary>What an entry of the log carries. The values are part of stored formats and never change.</summary>
public enum EntryKind : byte
{
    /// <summary>Opaque bytes of the application; empty for the entry that opens a leader's term.</summary>
    Normal = 0,

    /// <summary>One change of one member, without joint consensus (<see cref="ConfigurationChange"/>).</summary>
    ConfigurationChange = 1,

    /// <summary>Any number of changes of members (<see cref="ConfigurationChange"/>); empty data leaves a joint configuration.</summary>
    ConfigurationChangeV2 = 2,
}

/// <summary>One place of the replicated log. Immutable, its data included: nobody may write to the bytes once an entry holds them.</summary>
/// <param name="term">The term of the leader that appended it.</param>
/// <param name="index">Its place.</param>
/// <param name="kind">What <paramref name="data"/> is.</param>
/// <param name="data">The bytes, opaque to the protocol unless <paramref name="kind"/> says otherwise.</param>
[StructLayout(LayoutKind.Auto)]
public readonly struct Entry(Term term, LogIndex index, EntryKind kind, ReadOnlyMemory<byte> data) : IEquatable<Entry>
{
    /// <summary>The term of the leader that appended it; kept when a later leader replicates it.</summary>
    public Term Term { get; } = term;

    /// <summary>Its place in the log.</summary>
    public LogIndex Index { get; } = index;

    /// <summary>What <see cref="Data"/> is.</summary>
    public EntryKind Kind { get; } = kind;

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Data { get; } = data;

    /// <summary>True for the kinds that change the members.</summary>
    public bool ChangesConfiguration => Kind != EntryKind.Normal;

    /// <summary>
    /// What the entry weighs against limits in bytes: its data and its head in the compact form
    /// (kind, term, index and length as tagged variable-length integers). An estimate of the wire, the same on every node.
    /// </summary>
    public long SizeBytes
    {
        get
        {
            int head = 2 + 1 + VarintBytes(Term.Value) + 1 + VarintBytes(Index.Value);
            return Data.IsEmpty ? head : head + 1 + VarintBytes((ulong)Data.Length) + Data.Length;
        }
    }

    /// <summary>The sum of <see cref="SizeBytes"/>.</summary>
    public static long TotalSizeBytes(ReadOnlySpan<Entry> entries)
    {
        long total = 0;
        foreach (ref readonly Entry entry in entries)
        {
            total += entry.SizeBytes;
        }

        return total;
    }

    /// <summary>The sum of the lengths of the data alone.</summary>
    public static long TotalDataBytes(ReadOnlySpan<Entry> entries)
    {
        long total = 0;
        foreach (ref readonly Entry entry in entries)
        {
            total += entry.Data.Length;
        }

        return total;
    }

    /// <summary>Same place, term, kind and bytes.</summary>
    public bool Equals(Entry other) =>
        Term == other.Term && Index == other.Index && Kind == other.Kind && Data.Span.SequenceEqual(other.Data.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Entry other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Term, Index, Kind, Data.Length);

    /// <summary>Same place, term, kind and bytes.</summary>
    public static bool operator ==(Entry left, Entry right) => left.Equals(right);

    /// <summary>Different place, term, kind or bytes.</summary>
    public static bool operator !=(Entry left, Entry right) => !left.Equals(right);

    /// <summary>As <c>term/index</c>.</summary>
    public override string ToString() => $"{Term}/{Index}";

    private static int VarintBytes(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;
}
