using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm.Tests.Client;
using Converge.Swarm.Tests.Hosting;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Xunit.Abstractions;

namespace Converge.Swarm.Tests.Transport;

/// <summary>Frames that are nearly right: whoever reads them understands them or says why not, and a node that gets them goes on serving.</summary>
public sealed class FrameFuzzTests(ITestOutputHelper output)
{
    private const int ChecksBetweenAttempts = 500;

    private static readonly List<byte[]> PeerFrames = [.. WireFormatTests.Goldens.Select(row => Convert.FromHexString((string)row[1]))];
    private static readonly List<byte[]> ClientFrames = [.. ClientWireFormatTests.Goldens.Select(row => Convert.FromHexString((string)row[1]))];
    private static readonly List<byte[]> AllFrames = [.. PeerFrames, .. ClientFrames, HelloBytes.Of("test", 2, 1)];

    [Fact]
    public async Task Whatever_bytes_come_reading_them_ends_with_a_message_or_a_frame_exception()
    {
        long understood = 0;
        long attempts = await Fuzz.RunAsync(1, fuzz =>
        {
            byte[] bytes = fuzz.Mutate(fuzz.Pick(AllFrames), AllFrames);
            if (fuzz.Number(2) == 0 && bytes.Length > Frame.HeaderBytes)
            {
                // With a length that fits, so that what is behind the header is looked at.
                BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)bytes.Length - 4);
            }

            try
            {
                var buffer = new ReadOnlySequence<byte>(bytes);
                while (Frame.TryRead(ref buffer, Frame.MaxBodyBytes, out Frame frame))
                {
                    Read(frame);
                    understood++;
                }
            }
            catch (FrameException)
            {
                // Said what is wrong.
            }
            catch (Exception e)
            {
                Assert.Fail($"{Convert.ToHexStringLower(bytes)}: {e}");
            }

            return Task.CompletedTask;
        });

        output.WriteLine($"{attempts} sequences of bytes; {understood} frames were understood.");
        Assert.True(understood > 0 && attempts > understood / 2, "Nothing was understood, or nothing was not.");
    }

    [Fact]
    public async Task Whatever_bytes_come_to_its_port_a_node_goes_on_serving()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        byte[] hello = Frame.ToBytes(FrameKind.ClientHello, new ClientHello { Cluster = "test" });
        List<byte[]> sequences = [.. ClientFrames.Select(frame => (byte[])[.. hello, .. frame]), .. ClientFrames, .. PeerFrames, [.. hello, .. ClientFrames.SelectMany(frame => frame)]];
        long served = 0;
        long attempts = await Fuzz.RunAsync(4, async fuzz =>
        {
            byte[] bytes = fuzz.Pick(sequences);
            bytes = fuzz.Number(8) == 0 ? bytes : fuzz.Mutate(bytes, sequences);
            if (fuzz.Number(2) == 0 && !bytes.AsSpan().StartsWith(hello))
            {
                bytes = [.. hello, .. bytes];
            }

            await SendAsync(swarm, bytes);
            if (fuzz.Number(ChecksBetweenAttempts) == 0)
            {
                await CommitAsync(swarm[1].Client, $"served-{Interlocked.Increment(ref served)}");
            }
        });

        Assert.False(swarm[1].Completion.IsCompleted);
        await using SwarmClient client = new(new SwarmClientOptions { Cluster = "test", Endpoints = swarm.Addresses });
        await CommitAsync(client, "after");
        output.WriteLine($"{attempts} connections with bytes that are nearly right; {served} commits meanwhile.");
    }

    /// <summary>Commits; again when a busy machine has kept the node's disk waiting so long that it does not lead for a moment.</summary>
    private static async Task CommitAsync(ISwarmClient client, string proposal)
    {
        FactSubmission fact = new(new ProposalCreated(proposal, "fuzz"), CommandId: new CommandId(proposal, 1));
        await LocalSwarm.UntilAsync(async () =>
        {
            CommitAnswer answer = await client.CommitAsync(fact);
            Assert.True(answer is not FactRefused, $"{fact} was answered {answer}.");
            return answer is FactAccepted;
        });
    }

    /// <summary>Sends all, says that nothing more comes, and reads to the end.</summary>
    private static async Task SendAsync(LocalSwarm swarm, byte[] bytes)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var patience = new CancellationTokenSource(LocalSwarm.Patience);
        try
        {
            await socket.ConnectAsync(swarm.AddressOf(1), patience.Token);
            await socket.SendAsync(bytes, patience.Token);
            socket.Shutdown(SocketShutdown.Send);
            byte[] answer = new byte[16 * 1024];
            while (await socket.ReceiveAsync(answer, patience.Token) > 0)
            {
            }
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted or SocketError.NotConnected)
        {
            // Hung up on with something of ours unread.
        }
    }

    private static void Read(in Frame frame)
    {
        switch (frame.Kind)
        {
            case FrameKind.Hello or FrameKind.HelloAnswer:
                _ = ClientMessageCodec.ReadRefusal(frame);
                break;
            case FrameKind.ClientHello:
                _ = ClientMessageCodec.ReadHello(frame);
                break;
            case FrameKind.ClientWelcome:
                _ = ClientMessageCodec.FromWire(ClientMessageCodec.ReadWelcome(frame).Leader);
                break;
            case FrameKind.ClientRequest:
                Read(ClientMessageCodec.ReadRequest(frame));
                break;
            case FrameKind.ClientAnswer:
                Read(ClientMessageCodec.ReadAnswer(frame));
                break;
            default:
                _ = PeerMessageCodec.FromWire(frame.Kind, frame.Body);
                break;
        }
    }

    private static void Read(ClientRequest request)
    {
        if (request.Commit is { } commit)
        {
            _ = ClientService.Check([.. commit.Commands.Select(command => command.Memory)], out _, out _);
        }
        else if (request.Proposal is { } proposal)
        {
            _ = ClientMessageCodec.ConsistencyFromWire(proposal.Consistency);
        }
    }

    private static void Read(ClientAnswer answer)
    {
        _ = ClientMessageCodec.FromWire(answer.Leader);
        _ = answer.AnswerCase switch
        {
            ClientAnswer.AnswerOneofCase.Commit => (object?)ClientMessageCodec.FromWire(answer.Commit),
            ClientAnswer.AnswerOneofCase.Records => ClientMessageCodec.FromWire(answer.Records, 1),
            ClientAnswer.AnswerOneofCase.Proposal => ClientMessageCodec.FromWire(answer.Proposal),
            ClientAnswer.AnswerOneofCase.Head => ClientMessageCodec.FromWire(answer.Head),
            ClientAnswer.AnswerOneofCase.Status => ClientMessageCodec.FromWire(answer.Status),
            ClientAnswer.AnswerOneofCase.Transfer => ClientMessageCodec.FromWire(answer.Transfer),
            ClientAnswer.AnswerOneofCase.Unavailable => ClientMessageCodec.FromWire(answer.Unavailable),
            _ => null,
        };
    }
}
