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

    [Fact]
    public async Task A_proposal_is_unknown_only_when_a_node_says_so()
    {
        await using CannedServer server = CannedServer.Start("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello");
        using HttpSwarmClient client = new(server.Url);

        await Assert.ThrowsAsync<SwarmProtocolException>(() => client.GetProposalAsync("p"));
    }

    [Fact]
    public async Task The_proof_of_something_else_than_was_asked_for_is_no_answer()
    {
        await using Api api = await Api.StartAsync();
        await api.Node.CommitAsync([Samples.Created("a"), Samples.Created("b"), Samples.Created("c")]);
        LedgerReceipt receipt = await api.Node.GetReceiptAsync(1, 2);
        InclusionProof inclusion = await api.Node.GetInclusionProofAsync(1, 2);
        ConsistencyProof consistency = await api.Node.GetConsistencyProofAsync(1, 2);
        await AssertAnswersAsync(LedgerReceiptJson.ToUtf8(receipt), client => client.GetReceiptAsync(1, 2), client => client.GetReceiptAsync(2, 2), client => client.GetReceiptAsync(1, 3));
        await AssertAnswersAsync(
            InclusionProofJson.ToUtf8(inclusion), client => client.GetInclusionProofAsync(1, 2), client => client.GetInclusionProofAsync(2, 2), client => client.GetInclusionProofAsync(1, 3));
        await AssertAnswersAsync(
            ConsistencyProofJson.ToUtf8(consistency), client => client.GetConsistencyProofAsync(1, 2), client => client.GetConsistencyProofAsync(2, 2), client => client.GetConsistencyProofAsync(1, 3));
    }

    [Fact]
    public async Task The_view_of_another_proposal_is_no_answer()
    {
        await using Api api = await Api.StartAsync();
        await api.Node.CommitAsync(Samples.Created("a"));
        await AssertAnswersAsync(ProposalViewJson.ToUtf8((await api.Node.GetProposalAsync("a"))!), client => client.GetProposalAsync("a"), client => client.GetProposalAsync("b"));
    }

    [Fact]
    public async Task What_no_fact_may_hold_is_not_sent_but_said_to_the_caller()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url, Patience);
        foreach (string author in new[] { "half \ud800 of a pair", "", "line\nline" })
        {
            FactSubmission faulty = new(new ProposalCreated("p", author));
            await Assert.ThrowsAsync<ArgumentException>(() => client.CommitAsync(faulty));
            await Assert.ThrowsAsync<ArgumentException>(() => client.CommitAsync([Samples.Created("q"), faulty]));
        }

        Assert.Empty(api.Node.Batches);
    }

    [Fact]
    public async Task What_cannot_be_there_is_not_there()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url, Patience);
        await client.CommitAsync(Samples.Created("\ufffd"));

        Assert.Null(await client.GetProposalAsync("\ud800"));
        Assert.Null(await client.GetProposalAsync(""));
        Assert.Empty(await client.ReadAsync(1, 0));
        Assert.Empty(await client.ReadAsync(1, -1));
        Assert.Empty(await client.ReadAsync(ulong.MaxValue, 1));
        Assert.Equal(1UL, Assert.Single(await client.ReadAsync(0, 5)).Sequence);
    }

    [Fact]
    public async Task A_node_that_falls_silent_in_the_midst_of_an_answer_is_waited_for_no_longer_than_the_timeout()
    {
        await using CannedServer server = CannedServer.Start("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", staysOpen: true);
        using HttpSwarmClient client = new(server.Url, TimeSpan.FromMilliseconds(500));

        await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetStatusAsync().WaitAsync(Patience));
        await Assert.ThrowsAsync<SwarmUnavailableException>(() => client.GetInclusionProofAsync(1).WaitAsync(Patience));
        Assert.IsType<FactOutcomeUnknown>(await client.CommitAsync(Samples.Created("a")).WaitAsync(Patience));
    }

    [Fact]
    public async Task A_refusal_that_does_not_come_to_its_end_leaves_the_outcome_unknown()
    {
        await using CannedServer server = CannedServer.Start("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 500\r\n\r\n{", staysOpen: true);
        using HttpSwarmClient client = new(server.Url, TimeSpan.FromMilliseconds(500));

        Assert.IsType<FactOutcomeUnknown>(await client.CommitAsync(Samples.Created("a")).WaitAsync(Patience));
    }

    [Fact]
    public async Task An_answer_that_is_longer_than_any_of_a_node_is_not_read()
    {
        await using CannedServer server = CannedServer.Start($"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {(long)HttpSwarmClient.MaxAnswerBytes + 1}\r\n\r\n{{");
        using HttpSwarmClient client = new(server.Url, Patience);

        await Assert.ThrowsAsync<SwarmProtocolException>(() => client.GetStatusAsync());
        Assert.IsType<LeadershipTransferUnknown>(await client.TransferLeadershipAsync());
    }

    /// <summary>Asks a node that gives everybody the same answer: it is good for one question and for no other.</summary>
    private static async Task AssertAnswersAsync(byte[] answer, Func<HttpSwarmClient, Task> asked, params Func<HttpSwarmClient, Task>[] others)
    {
        string text = Encoding.UTF8.GetString(answer);
        await using CannedServer server = CannedServer.Start($"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {answer.Length}\r\n\r\n{text}");
        using HttpSwarmClient client = new(server.Url, Patience);
        await asked(client);
        foreach (Func<HttpSwarmClient, Task> other in others)
        {
            await Assert.ThrowsAsync<SwarmProtocolException>(() => other(client));
        }
    }

    private static Uri NobodyThere()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://{listener.LocalEndpoint}");
    }

    /// <summary>Reads a request, answers the same bytes to everyone, and closes, or leaves that to the client.</summary>
    private sealed class CannedServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stopping = new();
        private readonly Task _serving;

        private CannedServer(string answer, bool staysOpen)
        {
            _listener.Start();
            _serving = ServeAsync(answer, staysOpen);
        }

        public Uri Url => new($"http://{_listener.LocalEndpoint}");

        public static CannedServer Start(string answer, bool staysOpen = false) => new(answer, staysOpen);

        public async ValueTask DisposeAsync()
        {
            await _stopping.CancelAsync();
            await _serving;
            _listener.Stop();
            _stopping.Dispose();
        }

        private async Task ServeAsync(string answer, bool staysOpen)
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                    await using NetworkStream stream = client.GetStream();
                    await AnswerAsync(stream, answer, staysOpen);
                }
            }
            catch (OperationCanceledException)
            {
                // Stopped.
            }
        }

        private async Task AnswerAsync(NetworkStream stream, string answer, bool staysOpen)
        {
            try
            {
                await ReadRequestAsync(stream);
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer));
                while (staysOpen && await stream.ReadAsync(new byte[1], _stopping.Token) > 0)
                {
                }
            }
            catch (Exception fault) when (fault is IOException or OperationCanceledException)
            {
                // The client gave up.
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
