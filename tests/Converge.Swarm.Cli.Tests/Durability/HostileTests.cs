using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Whatever comes to a node's ports, clients are served.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class HostileTests(SharedSwarm shared)
{
    private const int Seed = 20_260_801;
    private const byte WireVersion = 1;
    private const byte Hello = 1;
    private const byte Protocol = 3;

    [Fact]
    public async Task Garbage_on_the_peer_port_is_hung_up_on_while_clients_are_served()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        int[] processes = [.. swarm.Nodes.Select(node => node.Process!.Id)];
        Random random = new(Seed);
        byte[] noise = new byte[64 * 1024];
        random.NextBytes(noise);

        foreach (MemberOptions member in swarm.Layout.Members)
        {
            ulong self = member.Id.Value;
            ulong peer = self == 1 ? 2UL : 1UL;
            await AssertHungUpAsync(member.Peer, noise);
            await AssertHungUpAsync(member.Peer, Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
            await AssertHungUpAsync(member.Peer, Header(uint.MaxValue, WireVersion, Hello));
            await AssertHungUpAsync(member.Peer, Frame(WireVersion + 1, Hello, HelloOf("converge", peer, self)));
            await AssertHungUpAsync(member.Peer, Frame(WireVersion, Protocol, noise[..100]));
            await AssertRefusedAsync(member.Peer, "wrong_cluster", HelloOf("another", peer, self));
            await AssertRefusedAsync(member.Peer, "wrong_node", HelloOf("converge", peer, peer));
            await AssertRefusedAsync(member.Peer, "wrong_node", HelloOf("converge", self, self));
            await AssertRefusedAsync(member.Peer, "unknown_member", HelloOf("converge", 9, self));

            // Welcome, and then nonsense, an announcement of more than there may be, and somebody else's message.
            byte[] welcome = Frame(WireVersion, Hello, HelloOf("converge", peer, self));
            await AssertHungUpAsync(member.Peer, [.. welcome, .. noise]);
            await AssertHungUpAsync(member.Peer, [.. welcome, .. Header(64 * 1024 * 1024, WireVersion, Protocol)]);
            await AssertHungUpAsync(member.Peer, [.. welcome, .. Frame(WireVersion, Protocol, [0x08, 1, 0x10, 9, 0x18, (byte)self])]);
        }

        await load.GoesOnAsync();
        await swarm.ProveAsync(await load.FinishAsync());
        Assert.Equal(processes, swarm.Nodes.Select(node => node.Process!.Id));
    }

    [Fact]
    public async Task Garbage_on_the_api_port_is_refused_while_clients_are_served()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        Random random = new(Seed);
        byte[] noise = new byte[64 * 1024];
        random.NextBytes(noise);

        foreach (LocalNode node in swarm.Nodes)
        {
            IPEndPoint api = new(IPAddress.Loopback, node.Url.Port);
            string host = $"Host: 127.0.0.1:{node.Url.Port}";
            Assert.Equal(400, await StatusOfAsync(api, noise));
            Assert.Equal(505, await StatusOfAsync(api, Request("GET / HTTP/9.9", host)));
            Assert.Equal(431, await StatusOfAsync(api, Request("GET /healthz HTTP/1.1", host, $"X: {new string('x', 40_000)}")));
            Assert.Equal(414, await StatusOfAsync(api, Request($"GET /{new string('x', 10_000)} HTTP/1.1", host)));
            Assert.Equal(404, await StatusOfAsync(api, Request("GET /nothing HTTP/1.1", host)));
            Assert.Equal(413, await StatusOfAsync(api, Request("POST /v1/facts HTTP/1.1", host, "Content-Type: application/json", "Content-Length: 100000000")));
            Assert.Equal(400, await StatusOfAsync(api, [.. Request("POST /v1/facts HTTP/1.1", host, "Content-Type: application/json", "Content-Length: 1024"), .. noise[..1024]]));
            using HttpClient http = Api.Client(node);
            using HttpResponseMessage batch = await http.PostAsync("/v1/facts/batch", Api.JsonLines([.. noise[..1024], (byte)'\n', .. Encoding.UTF8.GetBytes("{}\n")]));
            string[] answers = (await batch.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.NotEmpty(answers);
            Assert.All(answers, answer => Assert.Contains("\"status\":\"invalid\"", answer));
        }

        await load.GoesOnAsync();
        await swarm.ProveAsync(await load.FinishAsync());
    }

    /// <summary>Sends bytes to a port; the other side must end the connection.</summary>
    private static async Task<byte[]> AssertHungUpAsync(IPEndPoint port, byte[] bytes)
    {
        using Socket socket = new(port.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(port);
        using MemoryStream answer = new();
        byte[] buffer = new byte[4096];
        try
        {
            await socket.SendAsync(bytes);
            int received;
            while ((received = await Eventually.CompletesAsync("the node to hang up", socket.ReceiveAsync(buffer))) > 0)
            {
                answer.Write(buffer, 0, received);
            }
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted)
        {
            // Hung up with something of ours unread: the same, said less politely.
        }

        return answer.ToArray();
    }

    private static async Task AssertRefusedAsync(IPEndPoint port, string code, byte[] hello) =>
        Assert.Contains(code, Encoding.UTF8.GetString(await AssertHungUpAsync(port, Frame(WireVersion, Hello, hello))));

    /// <summary>Sends bytes to an API that ends the connection after its answer.</summary>
    private static async Task<int> StatusOfAsync(IPEndPoint port, byte[] bytes)
    {
        string answer = Encoding.ASCII.GetString(await AssertHungUpAsync(port, bytes));
        Assert.StartsWith("HTTP/1.1 ", answer);
        return int.Parse(answer.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static byte[] Request(params string[] lines) => Encoding.ASCII.GetBytes($"{string.Join("\r\n", lines)}\r\nConnection: close\r\n\r\n");

    private static byte[] Header(uint length, int version, byte kind)
    {
        byte[] header = new byte[6];
        BinaryPrimitives.WriteUInt32LittleEndian(header, length);
        header[4] = (byte)version;
        header[5] = kind;
        return header;
    }

    private static byte[] Frame(int version, byte kind, byte[] body) => [.. Header((uint)body.Length + 2, version, kind), .. body];

    /// <summary>A <c>Hello</c> as protobuf has it, for names and numbers of one byte each.</summary>
    private static byte[] HelloOf(string cluster, ulong from, ulong to) =>
        [0x0A, (byte)cluster.Length, .. Encoding.ASCII.GetBytes(cluster), 0x10, (byte)from, 0x18, (byte)to];
}
