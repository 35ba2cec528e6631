using System.Buffers;
using System.Net.Sockets;
using Converge.Swarm.Transport;

namespace Converge.Swarm.Tests.Transport;

/// <summary>Frames off a connection that a thread waits for, in whatever pieces they come.</summary>
public sealed class BlockingFrameReaderTests
{
    private const int MaxBody = 4 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(1000)]
    [InlineData(65_536)]
    [InlineData(int.MaxValue)]
    public void Whatever_the_pieces_the_frames_are_those_that_were_sent(int piece)
    {
        byte[][] bodies = [[], [1], Bytes(100), Bytes(70_000), Bytes(3), Bytes(200_000), Bytes(10)];
        var reader = new BlockingFrameReader(new Pieces(Frames(bodies), piece));

        Assert.Equal(bodies, ReadAll(reader));
    }

    [Fact]
    public void The_first_frame_is_read_without_a_byte_of_the_next()
    {
        byte[][] bodies = [Bytes(300), Bytes(40)];
        var pieces = new Pieces(Frames(bodies), int.MaxValue);

        Frame first = new BlockingFrameReader(pieces).ReadFirst(Frame.MaxHelloBytes, Patience);

        Assert.Equal(bodies[0], first.Body.ToArray());
        Assert.Equal(Frame.HeaderBytes + 300, pieces.Position);
        Assert.Equal(Timeout.Infinite, pieces.ReadTimeout);
        Assert.Equal([bodies[1]], ReadAll(new BlockingFrameReader(pieces)));
    }

    [Fact]
    public void A_first_frame_that_does_not_come_is_not_waited_for_any_longer()
    {
        var nothing = new Pieces(Frames([Bytes(300)])[..20], 1) { ThenTimesOut = true };

        FrameException fault = Assert.Throws<FrameException>(() => new BlockingFrameReader(nothing).ReadFirst(Frame.MaxHelloBytes, TimeSpan.FromSeconds(5)));
        Assert.Equal("No Hello within 5 seconds.", fault.Message);
        Assert.InRange(nothing.ReadTimeout, 1, 5000);

        // However fast the bytes come: they may come one by one for ever.
        Assert.Throws<FrameException>(() => new BlockingFrameReader(new Pieces(Frames([[1]]), 1)).ReadFirst(Frame.MaxHelloBytes, TimeSpan.Zero));
    }

    [Fact]
    public void Who_hangs_up_before_the_first_frame_is_whole_has_broken_the_connection()
    {
        byte[] frame = Frames([Bytes(300)]);

        foreach (int length in new[] { 0, 3, 6, 100 })
        {
            Assert.Equal(
                typeof(IOException),
                Assert.Throws<IOException>(() => new BlockingFrameReader(new Pieces(frame[..length], 4)).ReadFirst(Frame.MaxHelloBytes, Patience)).GetType());
        }
    }

    [Fact]
    public void What_can_never_become_a_frame_is_refused_before_it_is_read()
    {
        byte[] large = Frames([Bytes(2000)]);
        var pieces = new Pieces(large, int.MaxValue);

        Assert.Throws<FrameException>(() => new BlockingFrameReader(pieces).ReadFirst(Frame.MaxHelloBytes, Patience));
        Assert.Equal(Frame.HeaderBytes, pieces.Position);

        var reader = new BlockingFrameReader(new Pieces(large, 7));
        Assert.True(reader.Receive());
        Assert.Throws<FrameException>(() => reader.TryRead(1999, out _));
    }

    private static List<byte[]> ReadAll(BlockingFrameReader reader)
    {
        List<byte[]> bodies = [];
        do
        {
            while (reader.TryRead(MaxBody, out Frame frame))
            {
                bodies.Add(frame.Body.ToArray());
            }
        }
        while (reader.Receive());
        return bodies;
    }

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Frames(byte[][] bodies)
    {
        var buffer = new ArrayBufferWriter<byte>();
        foreach (byte[] body in bodies)
        {
            body.CopyTo(Frame.Begin(buffer, FrameKind.Protocol, body.Length));
            buffer.Advance(Frame.HeaderBytes + body.Length);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A connection on which no more than a piece comes at once.</summary>
    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public bool ThenTimesOut { get; init; }

        public override int ReadTimeout { get; set; } = Timeout.Infinite;

        public override int Read(Span<byte> buffer) => Position == Length && ThenTimesOut
            ? throw new IOException("Nothing came.", new SocketException((int)SocketError.TimedOut))
            : base.Read(buffer[..Math.Min(piece, buffer.Length)]);
    }
}
