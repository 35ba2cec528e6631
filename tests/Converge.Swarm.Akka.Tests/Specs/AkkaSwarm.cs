using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Remote;
using Akka.Remote.Transport;
using Converge.Core;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Akka.Tests.Specs;

/// <summary>ActorSystems in this process, each a node: real Akka.Remote on loopback, real journals and ledgers in a folder of their own.</summary>
internal sealed class AkkaSwarm : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private const string SystemName = "swarm-spec";

    private readonly string _folder = Directory.CreateTempSubdirectory("converge-akka-").FullName;
    private readonly Config _more;
    private readonly string _protocol;
    private readonly string _adapters;
    private readonly int[] _ports;
    private readonly Dictionary<ulong, ActorSystem> _systems = [];

    /// <summary>A swarm of so many nodes, none of them started.</summary>
    /// <param name="nodes">How many.</param>
    /// <param name="more">Settings of every node besides those that a swarm needs.</param>
    /// <param name="canBeCut">Whether connections can be cut: the throttler stands between Akka.Remote and the sockets then.</param>
    public AkkaSwarm(int nodes, string more = "", bool canBeCut = false)
    {
        (_protocol, _adapters) = canBeCut ? ("akka.trttl.tcp", "\"trttl\"") : ("akka.tcp", "");

        // Bound all at once, so that no two get the same port; given free a moment before the systems bind them.
        List<Socket> probes = [.. Enumerable.Range(0, nodes).Select(_ => Probe())];
        _ports = [.. probes.Select(probe => ((IPEndPoint)probe.LocalEndPoint!).Port)];
        probes.ForEach(probe => probe.Dispose());
        _more = ConfigurationFactory.ParseString(more);
    }

    public IEnumerable<ulong> All => Enumerable.Range(1, _ports.Length).Select(i => (ulong)i);

    public IEnumerable<ulong> Alive => _systems.Keys.Order();

    public ActorSystem System(ulong id) => _systems[id];

    public ISwarmClient Client(ulong id) => Swarm.Get(_systems[id]).Client;

    public string DataFolder(ulong id) => Path.Combine(_folder, $"node{id}");

    public string ConnectionString(ulong id) => $"Data Source={Path.Combine(DataFolder(id), "raft.db")}";

    public Config Configuration(ulong id) => _more
        .WithFallback(ConfigurationFactory.ParseString(
            $$"""
            akka {
              loglevel = ERROR
              stdout-loglevel = OFF
              remote.dot-netty.tcp { hostname = "127.0.0.1", port = {{_ports[id - 1]}}, applied-adapters = [{{_adapters}}] }
            }
            converge.swarm {
              cluster = "test"
              node = {{id}}
              data-folder = "{{DataFolder(id).Replace("\\", "\\\\", StringComparison.Ordinal)}}"
              members { {{string.Join(", ", _ports.Select((port, i) => $"{i + 1} = \"{_protocol}://{SystemName}@127.0.0.1:{port}\""))}} }
              request-timeout = 60s
              ledger-segment-bytes = 1MiB
            }
            """))
        .WithFallback(Swarm.RemotingConfig());

    public void Start(params IEnumerable<ulong> ids)
    {
        foreach (ulong id in ids)
        {
            Start(id, _ => { });
        }
    }

    /// <summary>Starts a node.</summary>
    /// <param name="id">Which.</param>
    /// <param name="before">What is done with its ActorSystem before the node is there: whoever listens from here on misses nothing.</param>
    public void Start(ulong id, Action<ActorSystem> before)
    {
        var system = ActorSystem.Create(SystemName, Configuration(id));
        _systems[id] = system;
        before(system);
        Swarm.Get(system);
    }

    /// <summary>Ends a node without a word to anybody: no coordinated shutdown, no drain, nothing flushed.</summary>
    public async Task CrashAsync(params IEnumerable<ulong> ids)
    {
        ActorSystem[] ended = [.. ids.Select(id => _systems[id])];
        foreach (ulong id in ids)
        {
            _systems.Remove(id);
        }

        foreach (ActorSystem system in ended)
        {
            ((ExtendedActorSystem)system).Abort();
        }

        await Task.WhenAll(ended.Select(system => system.WhenTerminated)).WaitAsync(Patience);
    }

    /// <summary>Ends a node in order.</summary>
    public async Task ShutDownAsync(ulong id)
    {
        ActorSystem system = _systems[id];
        _systems.Remove(id);
        await CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(Patience);
    }

    /// <summary>Nothing gets through between a node and the others any more.</summary>
    public Task IsolateAsync(ulong id) => ThrottleAsync(id, Blackhole.Instance);

    /// <summary>Everything gets through again.</summary>
    public Task HealAsync(ulong id) => ThrottleAsync(id, Unthrottled.Instance);

    /// <summary>The leader, once all nodes that are alive agree on it.</summary>
    public async Task<ulong> LeaderAsync()
    {
        SwarmStatus? leader = null;
        await UntilAsync(async () =>
        {
            List<SwarmStatus> all = [.. await StatusAsync()];
            leader = all.Find(status => status.Role == NodeRole.Leader);
            return leader is not null && all.TrueForAll(status => status.Leader == leader.Node && status.Term == leader.Term);
        });
        return leader!.Node.Value;
    }

    /// <summary>All nodes that are alive have applied the same entries, hold the same records and have the same digest.</summary>
    public async Task<LedgerHead> AgreementAsync()
    {
        SwarmStatus[] all = [];
        await UntilAsync(async () =>
        {
            all = await StatusAsync();
            return all.Select(status => status.AppliedIndex).Distinct().Count() == 1 && all.All(status => status.Ready);
        });
        Assert.Single(all.Select(status => status.Digest).Distinct());
        return Assert.Single(all.Select(status => status.Ledger).Distinct());
    }

    /// <summary>Every node holds the same records, with those that were acknowledged in the places that were said.</summary>
    public async Task RequireSameRecordsAsync(LedgerHead head, IEnumerable<CommitAnswer> answers)
    {
        List<string>? first = null;
        foreach (ulong id in Alive)
        {
            List<string> hashes = [];
            while (hashes.Count < (int)head.Sequence)
            {
                hashes.AddRange((await Client(id).ReadAsync((ulong)hashes.Count + 1, (int)head.Sequence - hashes.Count)).Select(record => record.Hash));
            }

            Assert.All(answers.OfType<FactAccepted>(), accepted => Assert.Equal(accepted.Hash, hashes[(int)accepted.Sequence - 1]));
            Assert.Equal(first ??= hashes, hashes);
        }
    }

    /// <summary>Commits a fact that bears a command's id, again for as long as it is not known to be recorded.</summary>
    public static async Task<FactAccepted> CommitUntilAcceptedAsync(ISwarmClient client, FactSubmission submission)
    {
        CommitAnswer? answer = null;
        await UntilAsync(
            async () =>
            {
                answer = await client.CommitAsync(submission).WaitAsync(Patience);
                return answer is FactAccepted or FactRefused;
            },
            () => $"the last answer is {answer}");
        return Assert.IsType<FactAccepted>(answer);
    }

    public Task<SwarmStatus[]> StatusAsync() => Task.WhenAll(Alive.Select(id => Client(id).GetStatusAsync().WaitAsync(Patience)));

    /// <summary>Waits for a condition, asking again whenever the machine has had time for something else.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="found">What was found instead, when it does not come to hold.</param>
    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string>? found = null)
    {
        using var deadline = new CancellationTokenSource(Patience);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await HoldsAsync(condition))
        {
            Assert.False(deadline.IsCancellationRequested, $"The condition did not come to hold in time: {found?.Invoke() ?? "no more is known"}.");
            await pace.WaitForNextTickAsync();
        }
    }

    private static async Task<bool> HoldsAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (SwarmUnavailableException)
        {
            // A node that is not open yet; on a busy machine that may take longer than a request does.
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CrashAsync([.. Alive]);
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ThrottleAsync(ulong id, ThrottleMode mode)
    {
        foreach (ulong other in Alive.Where(other => other != id))
        {
            await ThrottleAsync(id, other, mode);
            await ThrottleAsync(other, id, mode);
        }
    }

    private async Task ThrottleAsync(ulong from, ulong to, ThrottleMode mode)
    {
        var provider = (IRemoteActorRefProvider)((ExtendedActorSystem)_systems[from]).Provider;
        var address = new Address("akka", SystemName, "127.0.0.1", _ports[to - 1]);
        Assert.True(await provider.Transport.ManagementCommand(new SetThrottle(address, ThrottleTransportAdapter.Direction.Both, mode)).WaitAsync(Patience));
    }

    private static Socket Probe()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
