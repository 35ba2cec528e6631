using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm.Tests.Hosting;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Tests.Client;

/// <summary>What a node does with clients that misbehave, are too many, or take nothing.</summary>
public sealed class ClientDoorTests
{
    [Fact]
    public async Task Garbage_after_the_greeting_gets_an_answer_and_changes_nothing()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        byte[][] garbage =
        [
            "GET / HTTP/1.1\r\n\r\n"u8.ToArray(),
            Frame.ToBytes(FrameKind.ClientAnswer, new ClientAnswer { Id = 1 }),
            Frame.ToBytes(FrameKind.Hello, new Hello { Cluster = "test", From = 2, To = 1 }),
            [8, 0, 0, 0, Frame.Version, (byte)FrameKind.ClientRequest, 255, 255, 255, 255, 255, 255],
            [255, 255, 255, 0, Frame.Version, (byte)FrameKind.ClientRequest],
            Frame.ToBytes(FrameKind.ClientRequest, new ClientRequest { Id = 1, Head = new HeadRequest { Consistency = 77 } }),
        ];

        foreach (byte[] bytes in garbage)
        {
            using RawClient client = await RawClient.GreetAsync(swarm.AddressOf(1));
            await client.Stream.WriteAsync(bytes);
            Frame answer = (await client.ReadAsync())!.Value;
            Assert.Equal(FrameKind.HelloAnswer, answer.Kind);
            Assert.Equal("protocol_error", ClientMessageCodec.ReadRefusal(answer).Code);
            Assert.Null(await client.ReadAsync());
        }

        Assert.IsType<FactAccepted>(await swarm[1].Client.CommitAsync(new FactSubmission(new ProposalCreated("p", "author"))));
    }

    [Fact]
    public async Task Frames_of_chance_end_a_connection_and_nothing_else()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        var random = new Random(11);
        for (int i = 0; i < 200; i++)
        {
            byte[] bytes = Frame.ToBytes(FrameKind.ClientRequest, new ClientRequest
            {
                Id = 1,
                Records = new RecordsRequest { From = 1, Limit = 10 },
                Commit = new CommitRequest { Commands = { ByteString.CopyFrom(1, 2, 3) } },
            });
            for (int flips = random.Next(1, 8); flips > 0; flips--)
            {
                // The length stays: the node would rightly wait for the rest.
                bytes[random.Next(4, bytes.Length)] = (byte)random.Next(256);
            }

            using RawClient client = await RawClient.GreetAsync(swarm.AddressOf(1));
            await client.Stream.WriteAsync(bytes);
            Assert.Contains((await client.ReadAsync())!.Value.Kind, new[] { FrameKind.HelloAnswer, FrameKind.ClientAnswer });
        }

        SwarmStatus status = await swarm[1].Client.GetStatusAsync();
        Assert.True(status.Ready);
        Assert.Equal(1UL, status.Ledger.Sequence);
    }

    [Fact]
    public async Task A_request_that_makes_no_sense_is_answered_and_the_connection_stays()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        using RawClient client = await RawClient.GreetAsync(swarm.AddressOf(1));

        ClientAnswer unknown = await client.AskAsync(new ClientRequest { Id = 7 });
        ClientAnswer badCommand = await client.AskAsync(new ClientRequest { Id = 8, Commit = new CommitRequest { Commands = { ByteString.CopyFrom(1) } } });
        ClientAnswer badId = await client.AskAsync(new ClientRequest { Id = 9, Proposal = new ProposalRequest { ProposalId = "" } });
        ClientAnswer good = await client.AskAsync(new ClientRequest { Id = 10, Status = new StatusRequest() });

        Assert.Equal((7UL, "unknown_request"), (unknown.Id, unknown.Fault.Code));
        Assert.Equal((8UL, "invalid_request"), (badCommand.Id, badCommand.Fault.Code));
        Assert.Equal((9UL, "invalid_request"), (badId.Id, badId.Fault.Code));
        Assert.Equal(1UL, good.Status.Node);
        Assert.Equal(1UL, good.Leader.Node);
    }

    [Fact]
    public async Task Clients_beyond_the_bound_are_told_so_and_the_swarm_does_not_notice()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        await swarm.LeaderAsync();
        List<RawClient> clients = [];
        try
        {
            int most = new ClientLimits().MaxConnections;
            for (int i = 0; i < most; i++)
            {
                clients.Add(await RawClient.GreetAsync(swarm.AddressOf(1)));
            }

            using RawClient tooMany = await RawClient.ConnectAsync(swarm.AddressOf(1));
            await tooMany.Stream.WriteAsync(Frame.ToBytes(FrameKind.ClientHello, new ClientHello { Cluster = "test" }));
            Assert.Equal("busy", ClientMessageCodec.ReadRefusal((await tooMany.ReadAsync())!.Value).Code);

            // A member that was away finds its way in all the same.
            await swarm.StopAsync(2);
            await swarm.StartAsync(2);
            await swarm.LeaderAsync();
            await LocalSwarm.UntilAsync(async () => (await swarm[2].Client.GetStatusAsync()).Ready);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task Strangers_that_say_nothing_do_not_keep_members_and_clients_out()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2);
        await swarm.LeaderAsync();
        List<RawClient> silent = [];
        try
        {
            for (int i = 0; i < 200; i++)
            {
                silent.Add(await RawClient.ConnectAsync(swarm.AddressOf(1)));
            }

            await swarm.StartAsync(3);
            using RawClient client = await RawClient.GreetAsync(swarm.AddressOf(1));
            Assert.NotNull((await client.AskAsync(new ClientRequest { Id = 1, Status = new StatusRequest() })).Status);
            await LocalSwarm.UntilAsync(async () => (await swarm[3].Client.GetStatusAsync()).Ready);
        }
        finally
        {
            silent.ForEach(client => client.Dispose());
        }
    }

    [Fact]
    public async Task A_request_for_records_that_are_not_there_waits_for_them()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();
        using RawClient client = await RawClient.GreetAsync(swarm.AddressOf(1));
        ulong next = (await swarm[1].Client.GetHeadAsync(ReadConsistency.Linearizable)).Sequence + 1;

        Task<ClientAnswer> waiting = client.AskAsync(new ClientRequest { Id = 1, Records = new RecordsRequest { From = next, Limit = 10, WaitMilliseconds = 60_000 } });
        Assert.Empty((await swarm[1].Client.ReadAsync(next, 1)));
        await swarm[1].Client.CommitAsync(new FactSubmission(new ProposalCreated("p", "author")));

        Assert.Single((await waiting).Records.Records);
    }

    /// <summary>A connection on which a test writes what it likes.</summary>
    private sealed class RawClient : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private FrameReader _frames = null!;

        public NetworkStream Stream { get; private set; } = null!;

        public static async Task<RawClient> ConnectAsync(IPEndPoint address)
        {
            var client = new RawClient();
            await client._socket.ConnectAsync(address);
            client.Stream = new NetworkStream(client._socket, ownsSocket: false);
            client._frames = new FrameReader(PipeReader.Create(client.Stream));
            return client;
        }

        public static async Task<RawClient> GreetAsync(IPEndPoint address)
        {
            RawClient client = await ConnectAsync(address);
            await client.Stream.WriteAsync(Frame.ToBytes(FrameKind.ClientHello, new ClientHello { Cluster = "test" }));
            Assert.Equal(FrameKind.ClientWelcome, (await client.ReadAsync())!.Value.Kind);
            return client;
        }

        public async Task<Frame?> ReadAsync()
        {
            using var patience = new CancellationTokenSource(LocalSwarm.Patience);
            return await _frames.ReadAsync(Frame.MaxBodyBytes, patience.Token);
        }

        public async Task<ClientAnswer> AskAsync(ClientRequest request)
        {
            await Stream.WriteAsync(Frame.ToBytes(FrameKind.ClientRequest, request));
            return ClientMessageCodec.ReadAnswer((await ReadAsync())!.Value);
        }

        public void Dispose()
        {
            Stream.Dispose();
            _socket.Dispose();
        }
    }
}
