using System.Buffers;
using System.Diagnostics;
using System.Net.Sockets;

namespace Converge.Swarm.Transport;

/// <summary>
/// Takes frames off a connection, on a thread that waits for them: what comes wakes that thread and no other. It holds no more than one
/// frame and what came along with it.
/// </summary>
/// <param name="stream">The connection; one that was never waited for in another way, or the waiting is only played (and two threads are woken).</param>
internal sealed class BlockingFrameReader(Stream stream)
{
    private const int FirstBufferBytes = 64 * 1024;

    /// <summary>A larger buffer is given back when it is empty: what one snapshot's part needed is not held for the life of a connection.</summary>
    private const int LargestKeptBytes = 1024 * 1024;

    private byte[] _buffer = [];
    private int _start;
    private int _end;

    /// <summary>The first frame of a connection, and not a byte of what comes after it.</summary>
    /// <param name="maxBodyBytes">A greater body is refused before it is read.</param>
    /// <param name="timeout">Waits so long for all of it.</param>
    /// <exception cref="FrameException">What came can never become a frame, or did not come in time.</exception>
    /// <exception cref="IOException">The connection broke, or the other side ended.</exception>
    public Frame ReadFirst(int maxBodyBytes, TimeSpan timeout)
    {
        long begin = Stopwatch.GetTimestamp();
        byte[] bytes = new byte[Frame.HeaderBytes];
        int read = 0;
        while (true)
        {
            while (read < bytes.Length)
            {
                TimeSpan left = timeout - Stopwatch.GetElapsedTime(begin);
                if (left < TimeSpan.FromMilliseconds(1))
                {
                    throw new FrameException($"No Hello within {timeout.TotalSeconds} seconds.");
                }

                stream.ReadTimeout = (int)left.TotalMilliseconds;
                int more = ReadInTime(bytes.AsSpan(read), timeout);
                read += more > 0 ? more : throw new IOException("It hung up without a word.");
            }

            var sequence = new ReadOnlySequence<byte>(bytes);
            if (Frame.TryRead(ref sequence, maxBodyBytes, out Frame frame))
            {
                stream.ReadTimeout = Timeout.Infinite;
                return frame;
            }

            Array.Resize(ref bytes, Frame.AnnouncedBytes(bytes));
        }
    }

    /// <summary>The next frame, when all of it has been received. Its body is good until the next call of any method here.</summary>
    /// <exception cref="FrameException">What came can never become a frame.</exception>
    public bool TryRead(int maxBodyBytes, out Frame frame)
    {
        var rest = new ReadOnlySequence<byte>(_buffer, _start, _end - _start);
        bool whole = Frame.TryRead(ref rest, maxBodyBytes, out frame);
        _start = _end - (int)rest.Length;
        return whole;
    }

    /// <summary>Waits for more than <see cref="TryRead"/> found. False when the other side has ended.</summary>
    /// <exception cref="IOException">The connection broke.</exception>
    public bool Receive()
    {
        MakeRoom();
        int bytes = stream.Read(_buffer.AsSpan(_end));
        _end += bytes;
        return bytes > 0;
    }

    private int ReadInTime(Span<byte> into, TimeSpan timeout)
    {
        try
        {
            return stream.Read(into);
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.TimedOut })
        {
            throw new FrameException($"No Hello within {timeout.TotalSeconds} seconds.");
        }
    }

    /// <summary>What is left of a frame goes to the buffer's front, of a larger one if it fills this one.</summary>
    private void MakeRoom()
    {
        int rest = _end - _start;
        if (rest == 0 && _buffer.Length is 0 or > LargestKeptBytes)
        {
            _buffer = new byte[FirstBufferBytes];
        }
        else if (rest == _buffer.Length)
        {
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }
        else if (_start > 0)
        {
            _buffer.AsSpan(_start, rest).CopyTo(_buffer);
        }

        (_start, _end) = (0, rest);
    }
}
