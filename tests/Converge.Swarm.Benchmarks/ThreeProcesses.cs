using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Http;

namespace Converge.Swarm.Benchmarks;

/// <summary>Three node processes; the clients are in this one and reach the leader over a few connections that they share.</summary>
internal sealed class ThreeProcesses : ISwarmUnderLoad
{
    private const int MaxConnections = 8;

    private readonly LocalSwarm _swarm;
    private readonly Func<LocalNode, ISwarmClient> _connect;
    private readonly LocalNode _leader;
    private readonly List<ISwarmClient> _clients = [];

    private ThreeProcesses(string name, LocalSwarm swarm, LocalNode leader, Func<LocalNode, ISwarmClient> connect)
    {
        Name = name;
        _swarm = swarm;
        _leader = leader;
        _connect = connect;
    }

    public string Name { get; }

    public static async Task<ThreeProcesses> OverHttpAsync(string folder) =>
        await StartAsync("three processes, HTTP", Path.Combine(folder, "http"), node => new HttpSwarmClient(node.Url));

    public Func<int, FactSubmission, Task<bool>> Connect(int clients)
    {
        while (_clients.Count < Math.Min(clients, MaxConnections))
        {
            _clients.Add(_connect(_leader));
        }

        return async (client, submission) => await _clients[client % _clients.Count].CommitAsync(submission) is FactAccepted;
    }

    public TimeSpan CpuTime()
    {
        double ticks = 0;
        foreach (LocalNode node in _swarm.Nodes)
        {
            // Fields 14 and 15 of /proc/PID/stat, counted behind the name in brackets: user and system time in clock ticks of 10 ms.
            string stat = OperatingSystem.IsLinux() ? File.ReadAllText($"/proc/{node.Process!.Id}/stat") : "";
            string[] fields = stat.Length == 0 ? [] : stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            ticks += fields.Length < 13
                ? 0
                : double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture);
        }

        return TimeSpan.FromMilliseconds(ticks * 10);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ISwarmClient client in _clients)
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

    private static async Task<ThreeProcesses> StartAsync(string name, string folder, Func<LocalNode, ISwarmClient> connect)
    {
        LocalSwarm swarm = await LocalSwarm.StartOnFreePortsAsync(() => LocalSwarmLayout.OnFreePorts(folder, 3), CancellationToken.None);
        LocalNode leader = (await swarm.FindLeaderAsync(CancellationToken.None))!;
        return new ThreeProcesses(name, swarm, leader, connect);
    }
}
