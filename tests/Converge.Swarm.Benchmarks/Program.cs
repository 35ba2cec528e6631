using System.Net;
using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm;
using Converge.Swarm.Benchmarks;
using Microsoft.Extensions.Logging.Abstractions;

double seconds = args.Length > 0 ? double.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 5;
string folder = Directory.CreateTempSubdirectory("converge-bench-").FullName;
List<SwarmNode> nodes = [];
try
{
    List<Socket> probes = [.. Enumerable.Range(0, 3).Select(_ => Probe())];
    MemberOptions[] members = [.. probes.Select((probe, i) => new MemberOptions(new NodeId((ulong)i + 1), (IPEndPoint)probe.LocalEndPoint!, null))];
    probes.ForEach(probe => probe.Dispose());
    foreach (MemberOptions member in members)
    {
        nodes.Add(await SwarmNode.StartAsync(
            new SwarmOptions { Cluster = "bench", Node = member.Id, DataFolder = Path.Combine(folder, member.Id.ToString()), Members = members },
            NullLoggerFactory.Instance));
    }

    SwarmNode leader;
    while (true)
    {
        SwarmStatus status = await nodes[0].Client.GetStatusAsync();
        if (!status.Leader.IsNone && status.Ready)
        {
            leader = nodes[(int)status.Leader.Value - 1];
            break;
        }
    }

    using AllocationSample? sample = args.Contains("--allocations") ? new AllocationSample() : null;
    string title = new('x', 180);
    foreach (int clients in new[] { 1, 16, 64, 256 })
    {
        long allocated = GC.GetTotalAllocatedBytes();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        Measurement measured = await Measurement.OfAsync(clients, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(seconds), async (client, number) =>
            await leader.Client.CommitAsync(new FactSubmission(new ProposalCreated($"{clients}-{client}-{number}", "author://bench", title))) is FactAccepted);
        double share = (seconds + 2) / seconds;
        Console.WriteLine(FormattableString.Invariant(
            $"{measured} alloc/fact={(GC.GetTotalAllocatedBytes() - allocated) / (measured.PerSecond * (seconds + 2)):F0}B cpu/fact={(Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / (measured.PerSecond * (seconds + 2)):F1}us"));
        _ = share;
    }

    foreach ((string type, long bytes) in sample?.Top(30) ?? [])
    {
        Console.WriteLine($"{bytes / 1_000_000,8} MB  {type}");
    }
}
finally
{
    await Task.WhenAll(nodes.Select(node => node.StopAsync()));
    Directory.Delete(folder, recursive: true);
}

static Socket Probe()
{
    var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    return socket;
}
