using System.Buffers.Binary;
using Converge.Core;

namespace Converge.Swarm.Actors;

/// <summary>A SHA-256 value held in place, so that a ring of them is one array.</summary>
public readonly record struct Digest256(ulong A, ulong B, ulong C, ulong D)
{
    /// <summary>Its length in bytes.</summary>
    public const int Size = 32;

    /// <summary>Reads 32 bytes.</summary>
    public static Digest256 From(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64BigEndian(bytes),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]));

    /// <summary>The 32 bytes.</summary>
    public byte[] ToArray()
    {
        byte[] bytes = new byte[Size];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, A);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), B);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(16), C);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(24), D);
        return bytes;
    }

    /// <summary>Lower-case hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());
}

/// <summary>What a node's state was at one applied index. Two nodes' digests at the same index are equal, or one of them is wrong.</summary>
/// <param name="Index">The applied index.</param>
/// <param name="Digest">The apply digest there.</param>
public readonly record struct DigestMark(LogIndex Index, Digest256 Digest);

/// <summary>Remembers the digests of the last applied entries, to compare them with what peers report.</summary>
internal sealed class DigestHistory(int capacity)
{
    private readonly DigestMark[] _marks = new DigestMark[capacity];

    /// <summary>The latest mark; index zero before the first.</summary>
    public DigestMark Latest { get; private set; }

    /// <summary>Adds the mark of the next applied entry.</summary>
    public void Add(DigestMark mark)
    {
        _marks[mark.Index.Value % (ulong)_marks.Length] = mark;
        Latest = mark;
    }

    /// <summary>True when this node knows its own digest at that index and it is another.</summary>
    public bool Contradicts(DigestMark theirs)
    {
        DigestMark ours = _marks[theirs.Index.Value % (ulong)_marks.Length];
        return theirs.Index != LogIndex.Zero && ours.Index == theirs.Index && ours.Digest != theirs.Digest;
    }
}
