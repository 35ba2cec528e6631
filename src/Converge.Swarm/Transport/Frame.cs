using System.Buffers;
using System.Buffers.Binary;
using Google.Protobuf;

namespace Converge.Swarm.Transport;

/// <summary>What the body of a frame is. The values are on the wire and never change.</summary>
internal enum FrameKind : byte
{
    Hello = 1,
    HelloAnswer = 2,
    Protocol = 3,
    Commands = 4,
    Answers = 5,
    SnapshotOffer = 6,
    SnapshotReceipt = 7,
    SnapshotRecords = 8,
    SnapshotBytes = 9,
    Members = 10,
    ClientHello = 32,
    ClientWelcome = 33,
    ClientRequest = 34,
    ClientAnswer = 35,
}

/// <summary>What arrived is not what this protocol allows; the connection is closed.</summary>
public sealed class FrameException(string message) : Exception(message);

/// <summary>
/// A frame: length of what follows (u32, little endian), version, kind, body. The length is checked before anything is read or allocated.
/// </summary>
internal readonly record struct Frame(FrameKind Kind, ReadOnlySequence<byte> Body)
{
    /// <summary>The version of the wire format written here; the only one read.</summary>
    public const byte Version = 1;

    /// <summary>Length field, version and kind.</summary>
    public const int HeaderBytes = 6;

    /// <summary>The greatest body; a greater one is refused before it is read.</summary>
    public const int MaxBodyBytes = 8 * 1024 * 1024;

    /// <summary>The greatest body of a first frame: a stranger gets no more room.</summary>
    public const int MaxHelloBytes = 1024;

    public static void WriteHeader(Span<byte> header, FrameKind kind, int bodyBytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)bodyBytes + 2);
        header[4] = Version;
        header[5] = (byte)kind;
    }

    /// <summary>Writes one frame.</summary>
    /// <exception cref="FrameException">The body is larger than a frame may be; nothing was written.</exception>
    public static void Write(IBufferWriter<byte> buffer, FrameKind kind, IMessage body)
    {
        int size = body.CalculateSize();
        if (size > MaxBodyBytes)
        {
            throw new FrameException($"a {kind} frame of {size} bytes exceeds {MaxBodyBytes}.");
        }

        WriteHeader(buffer.GetSpan(HeaderBytes), kind, size);
        buffer.Advance(HeaderBytes);
        body.WriteTo(buffer);
    }

    /// <summary>Writes a frame's header and gives the room for its body. The caller fills it and advances by both.</summary>
    /// <exception cref="FrameException">The body is larger than a frame may be; nothing was written.</exception>
    public static Span<byte> Begin(IBufferWriter<byte> buffer, FrameKind kind, int bodyBytes)
    {
        if (bodyBytes > MaxBodyBytes)
        {
            throw new FrameException($"a {kind} frame of {bodyBytes} bytes exceeds {MaxBodyBytes}.");
        }

        Span<byte> frame = buffer.GetSpan(HeaderBytes + bodyBytes)[..(HeaderBytes + bodyBytes)];
        WriteHeader(frame, kind, bodyBytes);
        return frame[HeaderBytes..];
    }

    /// <summary>One frame by itself.</summary>
    /// <exception cref="FrameException">The body is larger than a frame may be.</exception>
    public static byte[] ToBytes(FrameKind kind, IMessage body)
    {
        var buffer = new ArrayBufferWriter<byte>();
        Write(buffer, kind, body);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>How many bytes the frame has that begins with this header, which <see cref="TryRead"/> found nothing wrong with.</summary>
    public static int AnnouncedBytes(ReadOnlySpan<byte> header) => (int)BinaryPrimitives.ReadUInt32LittleEndian(header) + 4;

    /// <summary>Takes one frame off the front of <paramref name="buffer"/>. False when it is not all there yet.</summary>
    /// <exception cref="FrameException">What is there can never become a frame.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, int maxBodyBytes, out Frame frame)
    {
        frame = default;
        if (buffer.Length < HeaderBytes)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderBytes];
        buffer.Slice(0, HeaderBytes).CopyTo(header);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (length < 2 || length - 2 > (uint)maxBodyBytes)
        {
            throw new FrameException($"A frame of {length} bytes is announced; between 2 and {maxBodyBytes + 2} are allowed here.");
        }

        if (header[4] != Version)
        {
            throw new FrameException($"A frame of version {header[4]}; this node speaks version {Version}.");
        }

        if (header[5] is not ((>= (byte)FrameKind.Hello and <= (byte)FrameKind.Members)
            or (>= (byte)FrameKind.ClientHello and <= (byte)FrameKind.ClientAnswer)))
        {
            throw new FrameException($"A frame of unknown kind {header[5]}.");
        }

        long whole = (long)length + 4;
        if (buffer.Length < whole)
        {
            return false;
        }

        frame = new Frame((FrameKind)header[5], buffer.Slice(HeaderBytes, length - 2));
        buffer = buffer.Slice(whole);
        return true;
    }
}
