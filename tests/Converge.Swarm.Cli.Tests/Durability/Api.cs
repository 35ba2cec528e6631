using System.Net.Http.Headers;
using System.Text.Json;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>A node's API as bytes on the wire, for what the client hides.</summary>
internal static class Api
{
    /// <summary>A client of a node.</summary>
    public static HttpClient Client(LocalNode node) => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = node.Url, Timeout = Eventually.Patience };

    /// <summary>A JSON document as a request's body.</summary>
    public static ByteArrayContent Json(byte[] document) => Body(document, "application/json");

    /// <summary>JSON Lines as a request's body.</summary>
    public static ByteArrayContent JsonLines(byte[] lines) => Body(lines, "application/jsonl");

    /// <summary>The <c>code</c> of an answer that is a problem.</summary>
    public static async Task<string?> CodeOfAsync(HttpResponseMessage answer)
    {
        using JsonDocument problem = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync());
        return problem.RootElement.GetProperty("code").GetString();
    }

    private static ByteArrayContent Body(byte[] bytes, string mediaType)
    {
        ByteArrayContent body = new(bytes);
        body.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        return body;
    }
}
