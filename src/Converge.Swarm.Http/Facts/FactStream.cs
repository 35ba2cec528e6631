using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.IO.Pipelines;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Http;

namespace Converge.Swarm.Http.Facts;

/// <summary>
/// The ledger's records as server-sent events: one event a record, its id the sequence number, so that a browser that lost the connection
/// goes on where it was. A comment now and then tells both sides that the other is there.
/// </summary>
internal sealed class FactStream(ISwarmClient client, HttpLimits limits, CancellationToken stopping)
{
    public const string Path = "/v1/facts/stream";
    public const string MediaType = "text/event-stream";

    /// <summary>What a client that reconnects by itself says it has seen.</summary>
    public const string LastSeenHeader = "Last-Event-ID";

    private const int FlushBytes = 64 * 1024;

    private readonly SemaphoreSlim _places = new(limits.MaxConcurrentStreams);

    public async Task RunAsync(HttpContext context)
    {
        QueryParameters parameters = new(context.Request, "from");
        ulong from = LastSeen(context.Request) is { } seen
            ? seen + 1
            : parameters.Number("from", 1, FactLimits.MaxNumber, otherwise: 1);
        if (!await _places.WaitAsync(TimeSpan.Zero, context.RequestAborted))
        {
            throw new ProblemException(Problem.Of(
                NotCommittedReason.Busy, $"{limits.MaxConcurrentStreams} streams are open already; try again, or another node."));
        }

        try
        {
            using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
            await SendAsync(context, from, ended);
        }
        finally
        {
            _places.Release();
        }
    }

    private static ulong? LastSeen(HttpRequest request)
    {
        string text = request.Headers[LastSeenHeader].ToString();
        if (text.Length == 0)
        {
            return null;
        }

        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seen) && seen < FactLimits.MaxNumber
            ? seen
            : throw new ProblemException(Problem.Of(new InputFault(
                InputFaultCode.InvalidValue, $"{LastSeenHeader} must be the number of a record.", LastSeenHeader)));
    }

    private async Task SendAsync(HttpContext context, ulong from, CancellationTokenSource ended)
    {
        IAsyncEnumerator<LedgerRecord> records = client.SubscribeAsync(from, ended.Token).GetAsyncEnumerator(ended.Token);
        Task<bool>? next = null;
        try
        {
            context.Response.ContentType = MediaType;
            context.Response.Headers.CacheControl = "no-store";
            PipeWriter body = context.Response.BodyWriter;

            // The header goes out although there may be no record for a long time.
            await body.FlushAsync(ended.Token);
            while (true)
            {
                next = records.MoveNextAsync().AsTask();
                if (!next.IsCompleted)
                {
                    await body.FlushAsync(ended.Token);
                    await WaitAsync(next, body, ended.Token);
                }

                if (!await next)
                {
                    return;
                }

                Write(body, records.Current);
                if (body.UnflushedBytes >= FlushBytes)
                {
                    await body.FlushAsync(ended.Token);
                }
            }
        }
        catch (SwarmUnavailableException) when (context.Response.HasStarted)
        {
            // The node stops. The client comes back with the last number it saw, here or elsewhere.
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // As above.
        }
        finally
        {
            await ended.CancelAsync();
            if (next is not null)
            {
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await records.DisposeAsync();
        }
    }

    /// <summary>Waits for the next record, and says now and then that it still does.</summary>
    private async Task WaitAsync(Task<bool> next, PipeWriter body, CancellationToken ended)
    {
        while (true)
        {
            using CancellationTokenSource pause = CancellationTokenSource.CreateLinkedTokenSource(ended);
            Task silence = Task.Delay(limits.StreamHeartbeat, pause.Token);
            bool came = await Task.WhenAny(next, silence) == next;
            await pause.CancelAsync();
            if (came)
            {
                return;
            }

            ended.ThrowIfCancellationRequested();
            body.Write(": still here\n\n"u8);
            await body.FlushAsync(ended);
        }
    }

    private static void Write(PipeWriter body, LedgerRecord record)
    {
        Span<byte> number = stackalloc byte[20];
        Utf8Formatter.TryFormat(record.Sequence, number, out int digits);
        body.Write("id: "u8);
        body.Write(number[..digits]);

        // JSON as it is written here has no line end within.
        body.Write("\ndata: "u8);
        body.Write(LedgerRecordJson.ToUtf8(record));
        body.Write("\n\n"u8);
    }
}
