using System.Net;
using System.Net.Sockets;
using System.Text;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Status;

namespace Converge.Swarm.Http.Tests;

public sealed class HttpSwarmClientTests
{
    // Only so that a test ends at all; a machine that does much else may take long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task It_says_what_the_node_says()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url, Patience);

        CommitAnswer accepted = await client.CommitAsync(Samples.Created("p1", 1));
        CommitAnswer refused = await client.CommitAsync(Samples.Created("p1", 2));

        Assert.Equal(1UL, Assert.IsType<FactAccepted>(accepted).Sequence);
        Assert.Equal(new FactRefused(RefusalCode.AlreadyExists, 1), refused);
        Assert.Equal(await api.Node.ReadAsync(1, 10), await client.ReadAsync(1, 10));
        Assert.Equal(ProposalViewJson.ToUtf8((await api.Node.GetProposalAsync("p1"))!), ProposalViewJson.ToUtf8((await client.GetProposalAsync("p1"))!));
        Assert.Null(await client.GetProposalAsync("p2"));
        Assert.Equal(await api.Node.GetHeadAsync(), await client.GetHeadAsync());
        Assert.Equal(SwarmStatusJson.ToUtf8(await api.Node.GetStatusAsync()), SwarmStatusJson.ToUtf8(await client.GetStatusAsync()));
    }

    [Fact]
    public async Task Many_facts_are_answered_in_order()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url, Patience);

        IReadOnlyList<CommitAnswer> answers = await client.CommitAsync([.. Enumerable.Range(1, 5_000).Select(i => Samples.Created($"p{i}"))]);

        Assert.DoesNotContain(answers, answer => answer is not FactAccepted);
        Assert.Equal(Enumerable.Range(1, 5_000).Select(i => (ulong)i), answers.Cast<FactAccepted>().Select(answer => answer.Sequence));
    }

    [Fact]
    public async Task What_the_swarm_did_not_commit_keeps_its_reason()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url, Patience);
        api.Node.Answer = submission => submission.Fact.ProposalId switch
        {
            "busy" => new FactNotCommitted(NotCommittedReason.Busy, "Full."),
            "unknown" => new FactOutcomeUnknown("Who knows."),
            _ => null,
        };

        IReadOnlyList<CommitAnswer> answers = await client.CommitAsync([Samples.Created("busy"), Samples.Created("unknown"), Samples.Created("p")]);

        Assert.Equal(new FactNotCommitted(NotCommittedReason.Busy, "Full."), answers[0]);
        Assert.Equal(new FactOutcomeUnknown("Who knows."), answers[1]);
        Assert.IsType<FactAccepted>(answers[2]);
    }

    [Fact]
    public async Task A_node_that_is_not_there_has_committed_nothing()
    {
        using HttpSwarmClient client = new(NobodyThere());

        Assert.Equal(NotCommittedReason.NoLeader, Assert.IsType<FactNotCommitted>(await client.CommitAsync(Samples.Created("p"))).Reason);
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetStatusAsync());
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetProposalAsync("p"));
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.ReadAsync(1, 1));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_leaves_the_rest_unknown()
    {
        string line = """{"status":"refused","code":"unknown_proposal","revision":0,"message":"m"}""";
        await using CannedServer server = CannedServer.Start(
            $"HTTP/1.1 200 OK\r\nContent-Type: application/jsonl\r\nTransfer-Encoding: chunked\r\n\r\n{line.Length + 1:x}\r\n{line}\n\r\n");
        using HttpSwarmClient client = new(server.Url);

        IReadOnlyList<CommitAnswer> answers = await client.CommitAsync([Samples.Created("a"), Samples.Created("b")]);

        Assert.Equal(new FactRefused(RefusalCode.UnknownProposal, 0), answers[0]);
        Assert.IsType<FactOutcomeUnknown>(answers[1]);
    }

    [Fact]
    public async Task A_connection_that_is_cut_leaves_the_outcome_unknown()
    {
        await using CannedServer server = CannedServer.Start("");
        using HttpSwarmClient client = new(server.Url);

        Assert.IsType<FactOutcomeUnknown>(await client.CommitAsync(Samples.Created("a")));
    }

    [Fact]
    public async Task What_is_not_a_node_is_said_to_be_none()
    {
        await using CannedServer server = CannedServer.Start("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        using HttpSwarmClient client = new(server.Url);

        await Assert.ThrowsAsync<SwarmProtocolException>(() => client.GetStatusAsync());
    }

    private static Uri NobodyThere()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://{listener.LocalEndpoint}");
    }

    /// <summary>Reads a request's header, answers the same bytes to everyone, and closes.</summary>
    private sealed class CannedServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _serving;

        private CannedServer(string answer)
        {
            _listener.Start();
            _serving = ServeAsync(answer);
        }

        public Uri Url => new($"http://{_listener.LocalEndpoint}");

        public static CannedServer Start(string answer) => new(answer);

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync(string answer)
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync();
                    await using NetworkStream stream = client.GetStream();
                    await ReadRequestAsync(stream);
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
                }
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
            {
                // Stopped.
            }
        }

        private static async Task ReadRequestAsync(NetworkStream stream)
        {
            using StreamReader reader = new(stream, Encoding.UTF8, leaveOpen: true);
            int length = 0;
            while (await reader.ReadLineAsync() is { Length: > 0 } line)
            {
                if (line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
                {
                    length = int.Parse(line.AsSpan("Content-Length: ".Length), System.Globalization.CultureInfo.InvariantCulture);
                }
            }

            if (length > 0)
            {
                await reader.ReadBlockAsync(new char[length]);
            }
        }
    }
}
