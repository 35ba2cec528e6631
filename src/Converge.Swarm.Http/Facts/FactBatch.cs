using System.IO.Pipelines;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Ledger;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Converge.Swarm.Http.Facts;

/// <summary>
/// Facts as JSON Lines, answers as JSON Lines: one a line, in order. Read, submitted and answered in bounded chunks, so that a file of any
/// length needs no more memory than a short one.
/// </summary>
internal sealed class FactBatch(ISwarmClient client, HttpLimits limits)
{
    private readonly SemaphoreSlim _places = new(limits.MaxConcurrentBatches);

    public async Task RunAsync(HttpContext context)
    {
        bool withReceipts = new QueryParameters(context.Request, FactEndpoints.ReceiptParameter).Flag(FactEndpoints.ReceiptParameter);
        MediaTypes.Require(context.Request, MediaTypes.JsonLines);
        if (context.Request.ContentLength > limits.MaxBatchBytes)
        {
            throw new ProblemException(Problem.Of(TooLarge()));
        }

        // What is no longer than a single fact may be holds no more memory than one: that clients are many is no reason to refuse them.
        bool takesPlace = context.Request.ContentLength is not <= FactLimits.MaxFactBytes;
        if (takesPlace && !await _places.WaitAsync(TimeSpan.Zero, context.RequestAborted))
        {
            throw new ProblemException(Problem.Of(
                NotCommittedReason.Busy, $"{limits.MaxConcurrentBatches} batches are at work already; try again, or another node."));
        }

        try
        {
            context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize = limits.MaxBatchBytes;
            context.Response.ContentType = MediaTypes.JsonLines[0];
            await AnswerAsync(context.Request.BodyReader, context.Response.BodyWriter, withReceipts, context.RequestAborted);
        }
        finally
        {
            if (takesPlace)
            {
                _places.Release();
            }
        }
    }

    private async Task AnswerAsync(PipeReader body, PipeWriter answers, bool withReceipts, CancellationToken cancellationToken)
    {
        JsonLineReader lines = new(body, FactLimits.MaxFactBytes);
        using Utf8JsonWriter json = new(answers, JsonBytes.Options);
        while (true)
        {
            IReadOnlyList<JsonLine> chunk;
            try
            {
                chunk = await lines.ReadChunkAsync(limits.MaxChunkLines, limits.MaxChunkBytes, cancellationToken);
            }
            catch (BadHttpRequestException fault) when (fault.StatusCode == StatusCodes.Status413PayloadTooLarge)
            {
                WriteFault(json, answers, TooLarge(), lines.Lines + 1);
                await answers.FlushAsync(cancellationToken);
                return;
            }

            if (chunk.Count == 0)
            {
                return;
            }

            await AnswerChunkAsync(chunk, json, answers, withReceipts, cancellationToken);
        }
    }

    private async Task AnswerChunkAsync(
        IReadOnlyList<JsonLine> chunk, Utf8JsonWriter json, PipeWriter answers, bool withReceipts, CancellationToken cancellationToken)
    {
        List<FactSubmission> submissions = new(chunk.Count);
        InputFault?[] faults = new InputFault?[chunk.Count];
        for (int i = 0; i < chunk.Count; i++)
        {
            if (Parse(chunk[i], out FactSubmission? submission) is { } fault)
            {
                faults[i] = fault;
            }
            else
            {
                submissions.Add(submission!);
            }
        }

        IReadOnlyList<CommitAnswer> committed = submissions.Count == 0 ? [] : await client.CommitAsync(submissions, cancellationToken);
        if (committed.Count != submissions.Count)
        {
            throw new InvalidOperationException($"{submissions.Count} facts were submitted and {committed.Count} answers came back.");
        }

        int next = 0;
        for (int i = 0; i < chunk.Count; i++)
        {
            if (faults[i] is { } fault)
            {
                WriteFault(json, answers, fault, chunk[i].Number);
            }
            else
            {
                CommitAnswer answer = committed[next++];
                LedgerReceipt? receipt = withReceipts ? await LedgerEndpoints.TryGetReceiptAsync(client, answer, cancellationToken) : null;
                CommitAnswerJson.Write(json, answer, receipt);
                EndLine(json, answers);
            }
        }

        await answers.FlushAsync(cancellationToken);
    }

    private static InputFault? Parse(JsonLine line, out FactSubmission? submission)
    {
        submission = null;
        if (line.TooLong)
        {
            return new InputFault(InputFaultCode.TooLarge, $"A fact may have at most {FactLimits.MaxFactBytes} bytes.");
        }

        return FactJson.TryParse(line.Bytes.Span, out submission, out InputFault? fault) ? null : fault;
    }

    private InputFault TooLarge() => new(
        InputFaultCode.TooLarge, $"A batch may have at most {limits.MaxBatchBytes} bytes; nothing from this line on was read.");

    private static void WriteFault(Utf8JsonWriter json, PipeWriter answers, InputFault fault, long line)
    {
        json.WriteStartObject();
        json.WriteString("status"u8, "invalid"u8);
        json.WriteString("code"u8, fault.Code.Name());
        json.WriteString("message"u8, fault.Message);
        if (fault.Field is not null)
        {
            json.WriteString("field"u8, fault.Field);
        }

        json.WriteNumber("line"u8, line);
        json.WriteEndObject();
        EndLine(json, answers);
    }

    private static void EndLine(Utf8JsonWriter json, PipeWriter answers)
    {
        json.Flush();
        json.Reset(answers);
        answers.GetSpan(1)[0] = (byte)'\n';
        answers.Advance(1);
    }
}
