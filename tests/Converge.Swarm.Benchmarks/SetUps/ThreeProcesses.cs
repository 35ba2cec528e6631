using System.Net;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Http;

namespace Converge.Swarm.Benchmarks;

/// <summary>Three node processes; the clients are in this one and reach the leader over a few connections that they share.</summary>
internal sealed class ThreeProcesses : ISwarmUnderLoad
{
    private readonly LocalSwarm _swarm;
    private readonly LocalNode _leader;
    private readonly Func<LocalNode, ISwarmClient> _connect;
    private readonly int _maxConnections;
    private readonly List<ISwarmClient> _clients = [];
    private readonly IReadOnlyList<NodeWatch> _watches;

    private ThreeProcesses(string name, LocalSwarm swarm, LocalNode leader, IReadOnlyList<NodeWatch> watches, Func<LocalNode, ISwarmClient> connect, int maxConnections)
    {
        Name = name;
        _swarm = swarm;
        _leader = leader;
        _connect = connect;
        _maxConnections = maxConnections;
        _watches = watches;
    }

    public string Name { get; }

    /// <summary>Over the framed protocol, all clients on one connection or a few.</summary>
    public static Task<ThreeProcesses> OverFramesAsync(string folder, bool withProjection, int connections) => StartAsync(
        withProjection ? "three processes" : "three processes, no index",
        Path.Combine(folder, withProjection ? "frames-index" : "frames"),
        withProjection,
        (swarm, node) => Framed(swarm, node),
        connections);

    /// <summary>As <see cref="OverFramesAsync"/> without an index, with the nodes of another build.</summary>
    public static Task<ThreeProcesses> OfBuildAsync(string name, string folder, string? programFolder, int connections) => StartAsync(
        name, Path.Combine(folder, name), withProjection: false, (swarm, node) => Framed(swarm, node), connections, programFolder);

    /// <summary>Over HTTP, which has one request at a time on a connection.</summary>
    public static Task<ThreeProcesses> OverHttpAsync(string folder) => StartAsync(
        "three processes, HTTP", Path.Combine(folder, "http"), withProjection: true, (_, node) => new HttpSwarmClient(node.Url), connections: 8);

    public Func<int, FactSubmission, Task<CommitAnswer>> Connect(int clients)
    {
        while (_clients.Count < Math.Min(clients, _maxConnections))
        {
            _clients.Add(_connect(_leader));
        }

        return (client, submission) => _clients[client % _clients.Count].CommitAsync(submission);
    }

    public async Task<Usage> UseAsync()
    {
        var usage = new Usage(Environment.CpuUsage.TotalTime, TimeSpan.Zero, TimeSpan.Zero, 0, 0);
        for (int i = 0; i < _watches.Count; i++)
        {
            NodeCounters counters = await _watches[i].CountersAsync();
            usage = usage with { NodesAllocatedBytes = usage.NodesAllocatedBytes + counters.AllocatedBytes };
            usage = _swarm.Nodes[i] == _leader
                ? usage with { Leader = counters.ProcessorTime, LogFlushes = counters.LogFlushes }
                : usage with { Followers = usage.Followers + counters.ProcessorTime };
        }

        return usage;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (object client in _clients.Concat<object>(_watches))
        {
            switch (client)
            {
                case IAsyncDisposable disposable:
                    await disposable.DisposeAsync();
                    break;
                case IDisposable disposable:
                    disposable.Dispose();
                    break;
                default:
                    break;
            }
        }

        await _swarm.StopAsync();
        await _swarm.DisposeAsync();
    }

    private static SwarmClient Framed(LocalSwarm swarm, LocalNode node) =>
        new(new SwarmClientOptions { Cluster = Cluster, Endpoints = [AddressOf(swarm, node)], MaxInflightRequests = 4096 });

    private static IPEndPoint AddressOf(LocalSwarm swarm, LocalNode node) => swarm.Layout.Members.Single(member => member.Id == node.Id).Peer;

    private const string Cluster = "bench";

    private static async Task<ThreeProcesses> StartAsync(
        string name, string folder, bool withProjection, Func<LocalSwarm, LocalNode, ISwarmClient> connect, int connections, string? programFolder = null)
    {
        LocalSwarm swarm = await LocalSwarm.StartOnFreePortsAsync(
            () => LocalSwarmLayout.OnFreePorts(folder, 3) with
            {
                ProgramFolder = programFolder,
                Adjust = options => options with
                {
                    Cluster = Cluster,
                    Projection = options.Projection with { Store = withProjection ? ProjectionStore.Sqlite : ProjectionStore.None },
                },
            },
            CancellationToken.None);
        LocalNode leader = (await swarm.FindLeaderAsync(CancellationToken.None))!;
        NodeWatch[] watches = await Task.WhenAll(swarm.Nodes.Select(node => NodeWatch.OpenAsync(Cluster, AddressOf(swarm, node))));
        return new ThreeProcesses(name, swarm, leader, watches, node => connect(swarm, node), connections);
    }
}
