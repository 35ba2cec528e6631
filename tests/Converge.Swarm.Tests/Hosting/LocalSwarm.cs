using System.Net;
using System.Net.Sockets;
using Converge.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Tests.Hosting;

/// <summary>Nodes of the in-box host in this process: real mailboxes, files and sockets on loopback, in a folder of their own.</summary>
internal sealed class LocalSwarm : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("converge-swarm-").FullName;
    private readonly IReadOnlyList<MemberOptions> _members;
    private readonly Dictionary<ulong, SwarmNode> _nodes = [];

    public LocalSwarm(int nodes)
    {
        // Bound all at once, so that no two get the same port; given free a moment before the nodes bind them.
        List<Socket> probes = [.. Enumerable.Range(0, nodes).Select(_ => Probe())];
        _members = [.. probes.Select((probe, i) => new MemberOptions(new NodeId((ulong)i + 1), (IPEndPoint)probe.LocalEndPoint!, null))];
        probes.ForEach(probe => probe.Dispose());
    }

    public IEnumerable<SwarmNode> Nodes => _nodes.Values;

    public SwarmNode this[ulong id] => _nodes[id];

    public IReadOnlyList<IPEndPoint> Addresses => [.. _members.Select(member => member.Peer)];

    public IPEndPoint AddressOf(ulong id) => _members[(int)id - 1].Peer;

    public SwarmOptions Options(ulong id) => new()
    {
        Cluster = "test",
        Node = new NodeId(id),
        DataFolder = Path.Combine(_folder, $"node{id}"),
        Members = _members,
        LogSegmentBytes = 32 * 1024 * 1024,
        LedgerSegmentBytes = 1024 * 1024,
    };

    public async Task StartAsync(params ulong[] ids)
    {
        foreach (ulong id in ids)
        {
            _nodes[id] = await SwarmNode.StartAsync(Options(id), NullLoggerFactory.Instance);
        }
    }

    public async Task StopAsync(ulong id)
    {
        await _nodes[id].StopAsync();
        _nodes.Remove(id);
    }

    public async Task<SwarmStatus> LeaderAsync()
    {
        SwarmStatus? leader = null;
        await UntilAsync(async () =>
        {
            List<SwarmStatus> all = [.. await Task.WhenAll(Nodes.Select(node => node.Client.GetStatusAsync()))];
            leader = all.Find(status => status.Role == NodeRole.Leader);
            return leader is not null && all.TrueForAll(status => status.Leader == leader.Node && status.Term == leader.Term);
        });
        return leader!;
    }

    /// <summary>Waits for a condition, asking again whenever the machine has had time for something else.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var deadline = new CancellationTokenSource(Patience);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await condition())
        {
            Assert.False(deadline.IsCancellationRequested, "The condition did not come to hold in time.");
            await pace.WaitForNextTickAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Nodes.Select(node => node.StopAsync()));
        Directory.Delete(_folder, recursive: true);
    }

    private static Socket Probe()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
