using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace Converge.Swarm.Ledger;

/// <summary>Bytes that are not what a codec of this version writes: damaged, or of a version that this program does not know.</summary>
/// <param name="message">What is wrong, with the values.</param>
public sealed class MalformedEncodingException(string message) : FormatException(message);

/// <summary>
/// Writes the fields of an encoding one after the other: integers little-endian or as <see cref="Number"/>, strings as UTF-8 behind a 16-bit length.
/// </summary>
internal ref struct FieldWriter(Span<byte> destination)
{
    public const int StringLengthSize = sizeof(ushort);

    // Strict: a lone surrogate must not silently become another character.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Span<byte> _destination = destination;

    public int Position { get; private set; }

    /// <summary>How many bytes <see cref="String(string)"/> writes.</summary>
    /// <exception cref="ArgumentException">The string has a lone surrogate.</exception>
    public static int SizeOf(string value) => StringLengthSize + StrictUtf8.GetByteCount(value);

    public void Byte(byte value) => _destination[Position++] = value;

    public void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_destination[Position..], value);
        Position += sizeof(ushort);
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_destination[Position..], value);
        Position += sizeof(uint);
    }

    public void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_destination[Position..], value);
        Position += sizeof(ulong);
    }

    public void Int64(long value) => UInt64(unchecked((ulong)value));

    /// <summary>How many bytes <see cref="Number"/> writes.</summary>
    public static int SizeOfNumber(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>Seven bits a byte, the lowest first; all bytes but the last have the highest bit set.</summary>
    public void Number(ulong value)
    {
        for (; value > 0x7F; value >>= 7)
        {
            Byte(unchecked((byte)(value | 0x80)));
        }

        Byte((byte)value);
    }

    public void Hash(Hash256 value)
    {
        value.CopyTo(_destination[Position..]);
        Position += Hash256.Size;
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(_destination[Position..]);
        Position += value.Length;
    }

    public void String(string value)
    {
        int length = StrictUtf8.GetBytes(value, _destination[(Position + StringLengthSize)..]);
        UInt16(checked((ushort)length));
        Position += length;
    }

    public void String(ReadOnlySpan<byte> utf8)
    {
        UInt16(checked((ushort)utf8.Length));
        Bytes(utf8);
    }
}

/// <summary>Reads what <see cref="FieldWriter"/> wrote, and nothing else.</summary>
internal ref struct FieldReader(ReadOnlySpan<byte> source)
{
    private readonly ReadOnlySpan<byte> _source = source;

    public int Position { get; private set; }

    public byte Byte(string field) => Take(1, field)[0];

    public ushort UInt16(string field) => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort), field));

    public uint UInt32(string field) => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint), field));

    public ulong UInt64(string field) => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong), field));

    /// <summary>A signed number that is never negative.</summary>
    public long NonNegativeInt64(string field)
    {
        long value = unchecked((long)UInt64(field));
        return value >= 0 ? value : throw new MalformedEncodingException($"{field} is negative: {value}.");
    }

    /// <summary>What <see cref="FieldWriter.Number"/> writes, and no longer form of it.</summary>
    public ulong Number(string field)
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = Byte(field);
            if ((shift > 0 && next == 0) || (shift == 63 && next > 1))
            {
                throw new MalformedEncodingException($"{field} is no number in its shortest form.");
            }

            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }

    public Hash256 Hash(string field) => new(Take(Hash256.Size, field));

    /// <summary>The UTF-8 bytes of a string of at most <paramref name="maxCharacters"/>; <paramref name="minBytes"/> at least.</summary>
    public ReadOnlySpan<byte> String(string field, int minBytes, int maxCharacters)
    {
        const int MaxBytesPerCharacter = 3;
        int length = UInt16(field);
        if (length < minBytes || length > maxCharacters * MaxBytesPerCharacter)
        {
            throw new MalformedEncodingException($"{field} has {length} bytes, which is not from {minBytes} to {maxCharacters * MaxBytesPerCharacter}.");
        }

        ReadOnlySpan<byte> utf8 = Take(length, field);
        return Utf8.IsValid(utf8) ? utf8 : throw new MalformedEncodingException($"{field} is not valid UTF-8.");
    }

    public ReadOnlySpan<byte> Bytes(int count, string field) => Take(count, field);

    public readonly ReadOnlySpan<byte> Since(int start) => _source[start..Position];

    public readonly void End()
    {
        if (Position != _source.Length)
        {
            throw new MalformedEncodingException($"{_source.Length - Position} bytes follow the last field.");
        }
    }

    private ReadOnlySpan<byte> Take(int count, string field)
    {
        if (_source.Length - Position < count)
        {
            throw new MalformedEncodingException($"{field} needs {count} bytes at offset {Position}, and {_source.Length - Position} are left.");
        }

        ReadOnlySpan<byte> taken = _source.Slice(Position, count);
        Position += count;
        return taken;
    }
}
