using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Converge.Swarm.Ledger;

/// <summary>A SHA-256 value, held in place rather than as an array.</summary>
public readonly record struct Hash256
{
    /// <summary>Its length in bytes.</summary>
    public const int Size = 32;

    /// <summary>32 zero bytes: what stands before the first record.</summary>
    public static readonly Hash256 Zero;

    // A digest that is used again and again costs a quarter less than a new one for each hash; those of a ledger are small and many.
    [ThreadStatic]
    private static SHA256? _digest;

    private readonly ulong _a;
    private readonly ulong _b;
    private readonly ulong _c;
    private readonly ulong _d;

    /// <summary>The value that stands in 32 bytes.</summary>
    /// <exception cref="ArgumentException">There are not exactly 32 bytes.</exception>
    public Hash256(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
        {
            throw new ArgumentException($"A SHA-256 value has {Size} bytes, not {bytes.Length}.", nameof(bytes));
        }

        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>The SHA-256 of some bytes.</summary>
    public static Hash256 Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Size];
        if (bytes.Length <= OpenSslSha256.MaxInputBytes && OpenSslSha256.IsAvailable && OpenSslSha256.TryCompute(bytes, hash))
        {
            return new Hash256(hash);
        }

        _digest ??= SHA256.Create();
        if (!_digest.TryComputeHash(bytes, hash, out _))
        {
            throw new CryptographicException($"A SHA-256 value did not fit into {Size} bytes.");
        }

        return new Hash256(hash);
    }

    /// <summary>Its first 64 bits, as a big-endian number.</summary>
    internal ulong First64Bits => _a;

    /// <summary>Reads 64 hexadecimal digits; false when it is something else.</summary>
    public static bool TryParse(string? text, out Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (text is null
            || text.Length != 2 * Size
            || Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
        {
            hash = Zero;
            return false;
        }

        hash = new Hash256(bytes);
        return true;
    }

    /// <summary>Writes the 32 bytes to the front of <paramref name="destination"/>.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _a);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _d);
    }

    /// <summary>64 lower-case hexadecimal digits.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
