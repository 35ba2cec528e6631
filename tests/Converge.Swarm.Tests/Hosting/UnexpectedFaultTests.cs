using System.Net.Sockets;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Tests.Hosting;

/// <summary>What nobody foresaw is said when it happens, and what is left is put in order.</summary>
public sealed class UnexpectedFaultTests
{
    private const int NodeFailed = 10;
    private const int Stopped = 11;
    private const int Connected = 101;
    private const int Disconnected = 102;
    private const int Accepted = 105;
    private const int CallerFailed = 108;

    private readonly InvalidOperationException _broken = new("The log is broken.");

    [Fact]
    public async Task What_goes_wrong_in_a_link_unexpectedly_stops_the_node_at_once()
    {
        await using var swarm = new LocalSwarm(nodes: 3);
        using var log = new ScriptedLogging { Breaks = said => said == Disconnected ? _broken : null };
        await using SwarmNode node = await SwarmNode.StartAsync(swarm.Options(1), log);

        Assert.Same(_broken, await Assert.ThrowsAsync<InvalidOperationException>(() => node.Completion.WaitAsync(LocalSwarm.Patience)));
        Assert.True(log.Said(NodeFailed, _broken));
    }

    /// <summary>What cannot be loaded is an I/O exception, too, as what a broken connection throws: it must not be taken for that.</summary>
    [Fact]
    public async Task What_cannot_be_loaded_is_no_broken_link()
    {
        var broken = new FileLoadException("A part of the program is not there.");
        await using var swarm = new LocalSwarm(nodes: 2);
        using var other = new TcpListener(swarm.AddressOf(1));
        other.Start();
        using var log = new ScriptedLogging { Breaks = said => said == Connected ? broken : null };
        await using SwarmNode node = await SwarmNode.StartAsync(swarm.Options(2), log);
        using Socket dialled = await other.AcceptSocketAsync().WaitAsync(LocalSwarm.Patience);
        await dialled.SendAsync(Frame.ToBytes(FrameKind.HelloAnswer, new HelloAnswer()));

        Assert.Same(broken, await Assert.ThrowsAsync<FileLoadException>(() => node.Completion.WaitAsync(LocalSwarm.Patience)));
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(FileLoadException))]
    public async Task What_goes_wrong_with_a_caller_unexpectedly_is_said_at_once_and_costs_its_connection_only(Type fault)
    {
        var broken = (Exception)Activator.CreateInstance(fault)!;
        await using var swarm = new LocalSwarm(nodes: 2);
        using var log = new ScriptedLogging { Breaks = said => said == Accepted ? broken : null };
        await using SwarmNode node = await SwarmNode.StartAsync(swarm.Options(2), log);

        using var calling = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await calling.ConnectAsync(swarm.AddressOf(2));
        await calling.SendAsync(HelloBytes.Of("test", from: 1, to: 2));
        byte[] answer = new byte[4096];
        Assert.Equal(Frame.ToBytes(FrameKind.HelloAnswer, new HelloAnswer()).Length, await calling.ReceiveAsync(answer).WaitAsync(LocalSwarm.Patience));

        Assert.Equal(0, await calling.ReceiveAsync(answer).WaitAsync(LocalSwarm.Patience));
        await LocalSwarm.UntilAsync(() => Task.FromResult(log.Said(CallerFailed, broken)));
        Assert.False((await node.Client.GetStatusAsync()).Ready);
    }

    [Fact]
    public async Task A_node_whose_end_goes_wrong_leaves_no_file_open()
    {
        await using var swarm = new LocalSwarm(nodes: 3);
        using var log = new ScriptedLogging { Breaks = said => said is Disconnected or NodeFailed ? _broken : null };
        SwarmNode node = await SwarmNode.StartAsync(swarm.Options(1), log);
        await LocalSwarm.UntilAsync(() => Task.FromResult(log.Events.Contains(Disconnected)));

        Assert.Same(_broken, await Assert.ThrowsAsync<InvalidOperationException>(node.StopAsync));

        await using SwarmNode again = await SwarmNode.StartAsync(swarm.Options(1), NullLoggerFactory.Instance);
        Assert.Equal(0UL, (await again.Client.GetStatusAsync()).Ledger.Sequence);
    }

    [Fact]
    public async Task Why_a_node_cannot_start_is_said_though_its_end_goes_wrong_too()
    {
        await using var swarm = new LocalSwarm(nodes: 1);
        using var other = new TcpListener(swarm.AddressOf(1));
        other.Start();
        using var log = new ScriptedLogging { Breaks = said => said == Stopped ? _broken : null };

        await Assert.ThrowsAsync<SocketException>(() => SwarmNode.StartAsync(swarm.Options(1), log));
    }

    [Fact]
    public async Task Who_waits_for_the_end_of_a_node_learns_of_it_though_it_cannot_be_said()
    {
        await using var swarm = new LocalSwarm(nodes: 1);
        using var log = new ScriptedLogging { Breaks = said => said == Stopped ? _broken : null };
        SwarmNode node = await SwarmNode.StartAsync(swarm.Options(1), log);

        Assert.Same(_broken, await Assert.ThrowsAsync<InvalidOperationException>(node.StopAsync));

        Assert.Same(_broken, await Assert.ThrowsAsync<InvalidOperationException>(() => node.Completion.WaitAsync(LocalSwarm.Patience)));
    }
}
