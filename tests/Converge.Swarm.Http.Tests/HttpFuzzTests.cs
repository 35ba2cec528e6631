using System.Net;
using System.Net.Sockets;
using System.Text;
using Converge.Swarm.Tests;
using Xunit.Abstractions;

namespace Converge.Swarm.Http.Tests;

/// <summary>Requests that are nearly right: each gets an answer or is hung up on, none is a fault of the program, and others are served.</summary>
public sealed class HttpFuzzTests(ITestOutputHelper output)
{
    private const int ChecksBetweenAttempts = 200;
    private const int MaxAnswerBytes = 256 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>A stream has no end; nobody waits for one here.</summary>
    private static readonly TimeSpan StreamPatience = TimeSpan.FromMilliseconds(100);

    private static readonly List<byte[]> Requests =
    [
        Get("/v1/facts?from=1&limit=3"),
        Get("/v1/facts/1/receipt?size=2"),
        Get("/v1/facts/stream?from=1", "Last-Event-ID: 1"),
        Get("/v1/proposals?id=p-1&consistency=stale"),
        Get("/v1/proposals/p-1?consistency=leased"),
        Get("/v1/proposals?status=open&limit=10&cursor=AQIDAAAAAAAAAKyRAAAAAAAA1eoaZA"),
        Get("/v1/ledger/head"),
        Get("/v1/ledger/proof/2?size=3"),
        Get("/v1/ledger/consistency?from=1&to=3"),
        Get("/v1/status"),
        Get("/healthz"),
        Get("/readyz"),
        Get("/openapi.json"),
        Post("/v1/facts", "application/json", """{"type":"proposal_created","proposal_id":"p-9","author":"a","title":"t","command_id":{"session":"s","number":1},"lamport":{"counter":41,"node":7}}"""),
        Post("/v1/facts?receipt=true", "application/json", """{"type":"validation_failed","proposal_id":"p-1","validator":"v","reason":"r","at":1700000000,"expected_revision":1}"""),
        Post("/v1/facts/batch", "application/jsonl", """{"type":"override_granted","proposal_id":"p-1","grantor":"g","reason":"r"}""" + "\n" + """{"type":"rollback_issued","proposal_id":"p-1","issuer":"i","reason":"r"}""" + "\n"),
        Post("/v1/leader/transfer", "application/json", """{"to":1}"""),
        Get("/v1/members"),
        Post("/v1/members", "application/json", """{"steps":[{"step":"added","node":4,"role":"voter","peer":"127.0.0.1:7204","http":"http://127.0.0.1:7104"},{"step":"promoted","node":5},{"step":"removed","node":6}]}"""),
        Encoding.ASCII.GetBytes("DELETE /v1/members/4 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        Encoding.ASCII.GetBytes("POST /v1/facts/batch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/jsonl\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{}\n{\r\n2\r\n}\n\r\n0\r\n\r\n"),
    ];

    [Fact]
    public async Task Whatever_request_comes_it_is_answered_or_hung_up_on_and_others_are_served()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { StreamHeartbeat = TimeSpan.FromMilliseconds(20) }, new OnePageIndex());
        await api.BatchAsync(Samples.Lines(5));
        Dictionary<int, long> statuses = [];
        long attempts = await Fuzz.RunAsync(4, async fuzz =>
        {
            byte[] request = fuzz.Pick(Requests);
            request = fuzz.Number(10) == 0 ? request : fuzz.Mutate(request, Requests);
            string answer = await SendAsync(api, request);
            int status = StatusOf(answer);
            lock (statuses)
            {
                statuses[status] = statuses.GetValueOrDefault(status) + 1;
            }

            Assert.True(
                status != 500,
                $"{Convert.ToBase64String(request)}\n{answer}\n{string.Join('\n', api.Log.Lines.Where(line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Error).Select(line => line.Text))}");
            if (fuzz.Number(ChecksBetweenAttempts) == 0)
            {
                Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/healthz")).Status);
            }
        });

        Assert.Equal(HttpStatusCode.Created, (await api.PostAsync("/v1/facts", Samples.CreatedJson("after-all-that"))).Status);
        Assert.DoesNotContain(api.Log.Lines, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
        output.WriteLine($"{attempts} requests; answers: {string.Join(", ", statuses.OrderBy(pair => pair.Key).Select(pair => $"{(pair.Key == 0 ? "none" : pair.Key)} {pair.Value}"))}.");
        Assert.True(statuses.Keys.Any(status => status is >= 200 and < 300) && statuses.Keys.Any(status => status is >= 400 and < 500));
    }

    private static byte[] Get(string path, params string[] headers) =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{string.Concat(headers.Select(header => $"{header}\r\n"))}\r\n");

    private static byte[] Post(string path, string mediaType, string body) =>
        Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {mediaType}\r\nContent-Length: {body.Length}\r\n\r\n{body}");

    /// <summary>Sends all, says that nothing more comes, and reads what is answered.</summary>
    private static async Task<string> SendAsync(Api api, byte[] request)
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        using CancellationTokenSource patience = new(Patience);
        using MemoryStream answer = new();
        try
        {
            await socket.ConnectAsync(api.Host.Address, patience.Token);
            await socket.SendAsync(request, patience.Token);
            socket.Shutdown(SocketShutdown.Send);
            byte[] buffer = new byte[16 * 1024];
            int received;
            while (answer.Length < MaxAnswerBytes && (received = await socket.ReceiveAsync(buffer, patience.Token)) > 0)
            {
                answer.Write(buffer, 0, received);
                if (answer.GetBuffer().AsSpan(0, (int)answer.Length).IndexOf("text/event-stream"u8) >= 0)
                {
                    patience.CancelAfter(StreamPatience);
                }
            }
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted or SocketError.NotConnected)
        {
            // Hung up on with something of ours unread.
        }
        catch (OperationCanceledException) when (answer.Length > 0)
        {
            // A stream goes on; what has come of it will do.
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }

    private static int StatusOf(string answer) =>
        answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && answer.Length > 12 ? int.Parse(answer.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture) : 0;
}
