using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Converge.Swarm.Tests.Hosting;

/// <summary>The in-box host: the same actors on real files and sockets.</summary>
public sealed class SwarmNodeTests
{
    [Fact]
    public async Task Three_nodes_agree_on_what_clients_submit_anywhere()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        await swarm.LeaderAsync();

        CommitAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(i =>
            swarm[(ulong)(i % 3) + 1].Client.CommitAsync(Created($"p{i}"))));

        Assert.All(answers, answer => Assert.IsType<FactAccepted>(answer));
        Assert.Equal(300, answers.Select(a => ((FactAccepted)a).Sequence).Distinct().Count());
        await AssertAgreementAsync(swarm);
    }

    [Fact]
    public async Task A_node_that_was_stopped_takes_up_where_it_was_and_catches_up()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        ulong leader = (await swarm.LeaderAsync()).Node.Value;
        await CommitManyAsync(swarm, leader, "before", 200);

        await swarm.StopAsync(leader);
        ulong next = (await swarm.LeaderAsync()).Node.Value;
        await CommitManyAsync(swarm, next, "meanwhile", 200);
        await swarm.StartAsync(leader);

        await AssertAgreementAsync(swarm);
        Assert.True((await swarm[leader].Client.GetHeadAsync()).Sequence >= 402);
    }

    [Fact]
    public async Task A_linearizable_read_on_every_node_sees_what_was_acknowledged_before()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        await swarm.LeaderAsync();
        await swarm[1].Client.CommitAsync(Created("p"));

        foreach (SwarmNode node in swarm.Nodes)
        {
            Assert.Equal(1UL, (await node.Client.GetProposalAsync("p"))!.Revision);
            Assert.Null(await node.Client.GetProposalAsync("q"));
        }
    }

    [Fact]
    public async Task The_wish_that_one_follower_lead_is_carried_by_the_other()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        ulong leader = (await swarm.LeaderAsync()).Node.Value;
        ulong[] followers = [.. new ulong[] { 1, 2, 3 }.Where(id => id != leader)];

        LeadershipTransfer outcome = new LeadershipTransferUnknown("Not tried.");
        await LocalSwarm.UntilAsync(async () =>
        {
            // On a busy machine one may be in vain.
            outcome = await swarm[followers[0]].Client.TransferLeadershipAsync(new NodeId(followers[1]));
            return outcome is not LeadershipNotTransferred;
        });

        Assert.Equal(new NodeId(followers[1]), Assert.IsType<LeadershipTransferred>(outcome).Leader);
    }

    [Fact]
    public async Task A_member_that_refused_this_node_as_removed_and_calls_it_all_the_same_is_dialled_again()
    {
        await using var swarm = new LocalSwarm(nodes: 2);
        using var deadline = new CancellationTokenSource(LocalSwarm.Patience);
        using var other = new TcpListener(swarm.AddressOf(1));
        other.Start();
        await swarm.StartAsync(2);
        using (Socket refused = await other.AcceptSocketAsync(deadline.Token))
        {
            var answer = new HelloAnswer { Code = "removed_member", Message = "Removed.", RemovedAt = 7 };
            await refused.SendAsync(Frame.ToBytes(FrameKind.HelloAnswer, answer), deadline.Token);
            await LocalSwarm.UntilAsync(async () =>
                (await swarm[2].Client.GetStatusAsync()).Problems.Any(problem => problem.Contains("was removed", StringComparison.Ordinal)));
        }

        using var calling = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await calling.ConnectAsync(swarm.AddressOf(2), deadline.Token);
        await calling.SendAsync(HelloBytes.Of("test", from: 1, to: 2), deadline.Token);

        using Socket again = await other.AcceptSocketAsync(deadline.Token);
        Assert.True(again.Connected);
    }

    /// <summary>Who was down when it was removed hears of it at a member's door, and may be the one whose vote a candidate waits for.</summary>
    [Fact]
    public async Task A_node_that_hears_of_its_removal_at_the_door_tells_a_candidate_by_which_entry()
    {
        await using var swarm = new LocalSwarm(nodes: 2);
        using var deadline = new CancellationTokenSource(LocalSwarm.Patience);
        using var other = new TcpListener(swarm.AddressOf(1));
        other.Start();
        await swarm.StartAsync(2);
        using (Socket refused = await other.AcceptSocketAsync(deadline.Token))
        {
            var answer = new HelloAnswer { Code = "removed_member", Message = "Removed.", RemovedAt = 7, RemovedTerm = 3 };
            await refused.SendAsync(Frame.ToBytes(FrameKind.HelloAnswer, answer), deadline.Token);
            await LocalSwarm.UntilAsync(async () =>
                (await swarm[2].Client.GetStatusAsync()).Problems.Any(problem => problem.Contains("was removed", StringComparison.Ordinal)));
        }

        using var calling = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await calling.ConnectAsync(swarm.AddressOf(2), deadline.Token);
        await calling.SendAsync(HelloBytes.Of("test", from: 1, to: 2), deadline.Token);
        using Socket again = await other.AcceptSocketAsync(deadline.Token);
        await again.SendAsync(Frame.ToBytes(FrameKind.HelloAnswer, new HelloAnswer()), deadline.Token);
        var frames = new FrameReader(PipeReader.Create(new NetworkStream(again, ownsSocket: false)));
        Assert.Equal(FrameKind.Hello, (await frames.ReadAsync(Frame.MaxHelloBytes, deadline.Token))!.Value.Kind);

        var ask = new Message { Kind = MessageKind.PreVote, From = new NodeId(1), To = new NodeId(2), Term = new Term(9), LogTerm = new Term(3), Index = new LogIndex(8) };
        var bytes = new ArrayBufferWriter<byte>();
        PeerMessageCodec.WriteFrame(bytes, new ProtocolMessage(ask, default));
        Task<RemovalNotice> told = NextRemovalAsync(frames, deadline.Token);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!told.IsCompleted)
        {
            // What is said before the way back is known to be open goes nowhere; a candidate asks again.
            await calling.SendAsync(bytes.WrittenMemory, deadline.Token);
            await pace.WaitForNextTickAsync(deadline.Token);
        }

        Assert.Equal(new RemovalNotice(new LogIndex(7), new Term(3), OfSender: true), await told);
    }

    [Fact]
    public async Task A_node_that_was_removed_is_told_at_the_door_by_which_entry_and_of_which_term()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1, 2, 3);
        SwarmStatus leader = await swarm.LeaderAsync();
        ulong gone = leader.Node.Value == 3 ? 2UL : 3UL;
        await swarm.StopAsync(gone);
        var removed = Assert.IsType<MembershipChanged>(
            await swarm[leader.Node.Value].Client.ChangeMembersAsync([MembershipStep.Remove(new NodeId(gone))]));

        using var deadline = new CancellationTokenSource(LocalSwarm.Patience);
        HelloAnswer answer = new();
        await LocalSwarm.UntilAsync(async () =>
        {
            using var calling = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await calling.ConnectAsync(swarm.AddressOf(leader.Node.Value), deadline.Token);
            await calling.SendAsync(HelloBytes.Of("test", from: gone, to: leader.Node.Value), deadline.Token);
            var frames = new FrameReader(PipeReader.Create(new NetworkStream(calling, ownsSocket: false)));
            Frame frame = (await frames.ReadAsync(Frame.MaxHelloBytes, deadline.Token))!.Value;
            answer = HelloAnswer.Parser.ParseFrom(frame.Body);
            return string.Equals(answer.Code, "removed_member", StringComparison.Ordinal);
        });

        Assert.Equal((removed.Index.Value, removed.Term.Value), (answer.RemovedAt, answer.RemovedTerm));
    }

    [Fact]
    public async Task A_second_node_on_the_same_folder_is_refused()
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);

        FolderInUseException refusal = await Assert.ThrowsAsync<FolderInUseException>(
            () => SwarmNode.StartAsync(swarm.Options(1), NullLoggerFactory.Instance));

        Assert.Equal(swarm.Options(1).DataFolder, refusal.Folder);
    }

    [Fact]
    public async Task A_folder_of_another_node_is_refused()
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1);
        await swarm.StopAsync(1);

        await Assert.ThrowsAsync<WrongFolderException>(
            () => SwarmNode.StartAsync(swarm.Options(1) with { Node = new NodeId(2) }, NullLoggerFactory.Instance));
        await Assert.ThrowsAsync<WrongFolderException>(
            () => SwarmNode.StartAsync(swarm.Options(1) with { Cluster = "another" }, NullLoggerFactory.Instance));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0")]
    [InlineData("\u0002\0\0\0\u0001\u0003")]
    public async Task Garbage_on_the_peer_port_gets_an_answer_and_changes_nothing(string garbage)
    {
        await using var swarm = new LocalSwarm(1);
        await swarm.StartAsync(1);
        await swarm.LeaderAsync();

        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(swarm.Options(1).Members[0].Peer);
        await socket.SendAsync(Encoding.Latin1.GetBytes(garbage));
        byte[] answer = new byte[4096];
        int length = await socket.ReceiveAsync(answer).WaitAsync(LocalSwarm.Patience);

        Assert.Contains("protocol_error", Encoding.Latin1.GetString(answer, 0, length), StringComparison.Ordinal);
        Assert.IsType<FactAccepted>(await swarm[1].Client.CommitAsync(Created("p")));
    }

    [Theory]
    [InlineData("another", 2, 1, "wrong_cluster")]
    [InlineData("test", 2, 3, "wrong_node")]
    [InlineData("test", 1, 1, "wrong_node")]
    [InlineData("test", 9, 1, "unknown_member")]
    public async Task A_stranger_is_told_why_it_is_refused(string cluster, ulong from, ulong to, string code)
    {
        await using var swarm = new LocalSwarm(3);
        await swarm.StartAsync(1);

        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(swarm.Options(1).Members[0].Peer);
        await socket.SendAsync(HelloBytes.Of(cluster, from, to));
        byte[] answer = new byte[4096];
        int length = await socket.ReceiveAsync(answer).WaitAsync(LocalSwarm.Patience);

        Assert.Contains(code, Encoding.UTF8.GetString(answer, 0, length), StringComparison.Ordinal);
        Assert.Equal(0, await socket.ReceiveAsync(answer).WaitAsync(LocalSwarm.Patience));
    }

    private static async Task<RemovalNotice> NextRemovalAsync(FrameReader frames, CancellationToken cancellationToken)
    {
        while (await frames.ReadAsync(Frame.MaxBodyBytes, cancellationToken) is { } frame)
        {
            if (PeerMessageCodec.FromWire(frame.Kind, frame.Body) is RemovalNotice removal)
            {
                return removal;
            }
        }

        throw new IOException("The node hung up.");
    }

    private static async Task CommitManyAsync(LocalSwarm swarm, ulong node, string prefix, int count)
    {
        IReadOnlyList<CommitAnswer> answers = await swarm[node].Client.CommitAsync([.. Enumerable.Range(0, count).Select(i => Created($"{prefix}-{i}"))]);
        Assert.All(answers, answer => Assert.IsType<FactAccepted>(answer));
    }

    private static async Task AssertAgreementAsync(LocalSwarm swarm)
    {
        SwarmStatus[] all = [];
        await LocalSwarm.UntilAsync(async () =>
        {
            all = await Task.WhenAll(swarm.Nodes.Select(node => node.Client.GetStatusAsync()));
            return all.Select(status => status.AppliedIndex).Distinct().Count() == 1 && all.All(status => status.Ready);
        });
        Assert.Single(all.Select(status => status.Digest).Distinct());
        Assert.Single(all.Select(status => status.Ledger).Distinct());
    }

    private static FactSubmission Created(string proposal) => new(new ProposalCreated(proposal, "author"));
}
