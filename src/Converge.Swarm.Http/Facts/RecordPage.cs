using System.IO.Pipelines;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Http;

namespace Converge.Swarm.Http.Facts;

/// <summary>Some records of the ledger in a row: <c>{"records":[…],"next":N}</c>.</summary>
internal static class RecordPage
{
    public const int DefaultRecords = 100;
    public const int MaxRecords = 1_000;

    private const int FlushBytes = 64 * 1024;

    public static async Task WriteAsync(HttpContext context, ulong from, IReadOnlyList<LedgerRecord> records)
    {
        context.Response.ContentType = JsonBytes.MediaType;
        PipeWriter body = context.Response.BodyWriter;
        await using Utf8JsonWriter json = new(body, JsonBytes.Options);
        json.WriteStartObject();
        json.WriteStartArray("records"u8);
        foreach (LedgerRecord record in records)
        {
            LedgerRecordJson.Write(json, record);
            if (json.BytesPending + body.UnflushedBytes >= FlushBytes)
            {
                json.Flush();
                await body.FlushAsync(context.RequestAborted);
            }
        }

        json.WriteEndArray();
        json.WriteNumber("next"u8, from + (ulong)records.Count);
        json.WriteEndObject();
    }
}
