using System.Net;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Benchmarks;

/// <summary>Three nodes in this process, over real sockets and files; the clients call the leader without a network between.</summary>
internal sealed class InOneProcess : ISwarmUnderLoad
{
    private readonly List<SwarmNode> _nodes = [];
    private SwarmNode? _leader;

    public string Name => "one process";

    public static async Task<InOneProcess> StartAsync(string folder)
    {
        var swarm = new InOneProcess();
        IReadOnlyList<int> ports = FreePorts.Find(3);
        MemberOptions[] members = [.. ports.Select((port, i) => new MemberOptions(new NodeId((ulong)i + 1), new IPEndPoint(IPAddress.Loopback, port), null))];
        foreach (MemberOptions member in members)
        {
            swarm._nodes.Add(await SwarmNode.StartAsync(
                new SwarmOptions { Cluster = "bench", Node = member.Id, DataFolder = Path.Combine(folder, $"one-process-{member.Id}"), Members = members },
                NullLoggerFactory.Instance));
        }

        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await pace.WaitForNextTickAsync())
        {
            SwarmStatus status = await swarm._nodes[0].Client.GetStatusAsync();
            if (!status.Leader.IsNone && status.Ready)
            {
                swarm._leader = swarm._nodes[(int)status.Leader.Value - 1];
                break;
            }
        }

        return swarm;
    }

    public Func<int, FactSubmission, Task<CommitAnswer>> Connect(int clients) => (_, submission) => _leader!.Client.CommitAsync(submission);

    public async Task<Usage> UseAsync()
    {
        NodeCounters counters = (await _leader!.Client.GetStatusAsync()).Counters!;
        return new Usage(counters.ProcessorTime, TimeSpan.Zero, TimeSpan.Zero, counters.LogFlushes, counters.AllocatedBytes);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (SwarmNode node in _nodes)
        {
            await node.StopAsync();
        }
    }
}
