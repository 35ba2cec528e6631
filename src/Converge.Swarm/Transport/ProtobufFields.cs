using System.Numerics;

namespace Converge.Swarm.Transport;

/// <summary>
/// Writes the fields of a protobuf message one after the other, in the order of their numbers, as the generated code does: for the
/// messages that every fact passes through, without an object for each. Fields with a number above 15 are not for it.
/// </summary>
internal ref struct ProtobufWriter(Span<byte> destination)
{
    private const int Varint = 0;
    private const int LengthDelimited = 2;

    private readonly Span<byte> _destination = destination;

    public int Position { get; private set; }

    /// <summary>How many bytes a number takes by itself.</summary>
    public static int SizeOf(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>How many bytes <see cref="Number"/> writes.</summary>
    public static int SizeOfNumber(ulong value) => value == 0 ? 0 : 1 + SizeOf(value);

    /// <summary>How many bytes a field takes whose content has so many.</summary>
    public static int SizeOfField(int contentBytes) => 1 + SizeOf((ulong)contentBytes) + contentBytes;

    /// <summary>A number; nothing when it is zero, which is what a missing field says.</summary>
    public void Number(int field, ulong value)
    {
        if (value != 0)
        {
            _destination[Position++] = (byte)((field << 3) | Varint);
            Write(value);
        }
    }

    /// <summary>Bytes, also none.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        Begin(field, value.Length);
        value.CopyTo(_destination[Position..]);
        Position += value.Length;
    }

    /// <summary>The beginning of a field whose content, of so many bytes, is written next.</summary>
    public void Begin(int field, int contentBytes)
    {
        _destination[Position++] = (byte)((field << 3) | LengthDelimited);
        Write((ulong)contentBytes);
    }

    /// <summary>Room for bytes that the caller fills in.</summary>
    public Span<byte> Take(int count)
    {
        Span<byte> taken = _destination.Slice(Position, count);
        Position += count;
        return taken;
    }

    private void Write(ulong value)
    {
        while (value >= 0x80)
        {
            _destination[Position++] = (byte)(value | 0x80);
            value >>= 7;
        }

        _destination[Position++] = (byte)value;
    }
}

/// <summary>
/// Reads what <see cref="ProtobufWriter"/> writes. Whatever is not exactly that makes it stop with <see cref="Failed"/>: the generated
/// code then judges whether it is another way to say the same, a newer program's, or nothing.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> source)
{
    private const int MaxVarintBytes = 10;

    private readonly ReadOnlySpan<byte> _source = source;
    private int _lastField;

    public int Position { get; private set; }

    public bool Failed { get; private set; }

    /// <summary>The next field's number; 0 at the end and after a failure. Numbers that go back are a failure; repetitions are not.</summary>
    public int Next(out bool isNumber)
    {
        isNumber = false;
        if (Failed || Position == _source.Length)
        {
            return 0;
        }

        int tag = _source[Position++];
        int field = tag >> 3;
        isNumber = (tag & 7) == 0;
        Failed = (tag & 0x80) != 0 || field < _lastField || field == 0 || (tag & 7) is not (0 or 2);
        _lastField = field;
        return Failed ? 0 : field;
    }

    /// <summary>What the reader expects is not there.</summary>
    public void Fail() => Failed = true;

    public ulong Number()
    {
        ulong value = 0;
        for (int i = 0; i < MaxVarintBytes && Position < _source.Length; i++)
        {
            byte next = _source[Position++];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                return value;
            }
        }

        Failed = true;
        return 0;
    }

    /// <summary>A field's content, and where it begins.</summary>
    public ReadOnlySpan<byte> Content(out int start)
    {
        ulong length = Number();
        start = Position;
        if (Failed || length > (ulong)(_source.Length - Position))
        {
            Failed = true;
            return default;
        }

        Position += (int)length;
        return _source.Slice(start, (int)length);
    }
}
