using System.Net.Sockets;
using Converge.Core;
using Converge.Swarm.Tests.Client;
using Converge.Swarm.Tests.Hosting;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;

namespace Converge.Swarm.Tests.Transport;

/// <summary>
/// Connections on which nothing comes through any more and nobody says so. TCP by itself sends again for a quarter of an hour, after longer
/// and longer pauses, so that a connection would stay mute for minutes after the network is well.
/// </summary>
public sealed class SilentPartitionTests
{
    [CutOffFact]
    public async Task A_link_on_which_nothing_is_acknowledged_is_given_up_and_dialled_anew()
    {
        await using var swarm = new LocalSwarm(nodes: 2);
        using var deadline = new CancellationTokenSource(LocalSwarm.Patience);
        using var other = new TcpListener(swarm.AddressOf(1));
        other.Start();
        await swarm.StartAsync(2);
        using Socket mute = await other.AcceptSocketAsync(deadline.Token);
        await mute.SendAsync(Frame.ToBytes(FrameKind.HelloAnswer, new HelloAnswer()), deadline.Token);
        CutOff.Silently(mute);

        // The node asks the other one for its vote, again and again.
        using Socket again = await other.AcceptSocketAsync(deadline.Token);

        Assert.NotEqual(mute.RemoteEndPoint, again.RemoteEndPoint);
    }

    [CutOffFact]
    public async Task A_client_whose_requests_are_not_acknowledged_connects_anew()
    {
        var head = new LedgerHead(1, new string('0', 64), new string('0', 64), new LogIndex(1), new Term(1));
        await using var node = new ScriptedNode(_ => new ClientAnswer { Head = ClientMessageCodec.ToWire(head) }) { CutsOff = 1 };
        await using var client = new SwarmClient(new SwarmClientOptions { Cluster = "test", Endpoints = [node.Address] });

        Assert.Equal(head, await client.GetHeadAsync());
    }
}
