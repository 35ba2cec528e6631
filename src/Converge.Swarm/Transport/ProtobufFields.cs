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
    private int _position;
    private int _end = source.Length;
    private int _lastField;

    public bool Failed { get; private set; }

    /// <summary>The next field's number; 0 at the end of the message that is being read, and after a failure. Numbers that go back are a failure; repetitions are not.</summary>
    public int Next(out bool isNumber)
    {
        isNumber = false;
        if (Failed || _position == _end)
        {
            return 0;
        }

        int tag = _source[_position++];
        int field = tag >> 3;
        isNumber = (tag & 7) == 0;
        Failed = (tag & 0x80) != 0 || field < _lastField || field == 0 || (tag & 7) is not (0 or 2);
        _lastField = field;
        return Failed ? 0 : field;
    }

    /// <summary>How much was read.</summary>
    public readonly int Position => _position;

    /// <summary>What the reader expects is not there.</summary>
    public void Fail() => Failed = true;

    public ulong Number()
    {
        ulong value = 0;
        for (int i = 0; i < MaxVarintBytes && _position < _end; i++)
        {
            byte next = _source[_position++];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                return value;
            }
        }

        Failed = true;
        return 0;
    }

    /// <summary>Whether there is one more field of a message that has but one, with content, any number of times.</summary>
    public bool NextIs(int field)
    {
        int next = Next(out bool isNumber);
        if (next != 0 && (next != field || isNumber))
        {
            Fail();
        }

        return next != 0 && !Failed;
    }

    /// <summary>A field's content, and where it begins in all that is read.</summary>
    public ReadOnlySpan<byte> Content(out int start)
    {
        ulong length = Number();
        start = _position;
        if (Failed || length > (ulong)(_end - _position))
        {
            Failed = true;
            return default;
        }

        _position += (int)length;
        return _source.Slice(start, (int)length);
    }

    /// <summary>Goes into a field whose content is a message: its fields come next, to its end.</summary>
    public Outer Enter()
    {
        var outer = new Outer(_end, _lastField);
        int length = Content(out int start).Length;
        (_position, _end, _lastField) = (start, start + length, 0);
        return outer;
    }

    /// <summary>Goes back to the message around it. Whatever failed within has failed.</summary>
    public void Leave(Outer outer) => (_end, _lastField) = (outer.End, outer.LastField);

    /// <summary>Where the reader was in the message around the one that it reads.</summary>
    public readonly record struct Outer(int End, int LastField);
}
