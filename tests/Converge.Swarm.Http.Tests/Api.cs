using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Http.Tests;

/// <summary>The API on a free port, over a swarm of one.</summary>
internal sealed class Api : IAsyncDisposable
{
    private Api(SingleNode node, HttpHost host, LogLines log)
    {
        Node = node;
        Host = host;
        Log = log;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host.Url };
    }

    public SingleNode Node { get; }

    public HttpHost Host { get; }

    public LogLines Log { get; }

    public HttpClient Http { get; }

    public static async Task<Api> StartAsync(HttpLimits? limits = null, IProposalIndex? proposals = null)
    {
        SingleNode node = new();
        LogLines log = new();
        return new Api(node, await HttpHost.StartAsync(node, new IPEndPoint(IPAddress.Loopback, 0), log, limits, proposals), log);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
        Log.Dispose();
    }

    public async Task<Answer> DeleteAsync(string path)
    {
        using HttpResponseMessage response = await Http.DeleteAsync(path);
        return await Answer.OfAsync(response);
    }

    public Task<Answer> PostAsync(string path, string body, string mediaType = "application/json") =>
        PostAsync(path, Encoding.UTF8.GetBytes(body), mediaType);

    public async Task<Answer> PostAsync(string path, byte[] body, string? mediaType)
    {
        using ByteArrayContent content = new(body);
        content.Headers.ContentType = mediaType is null ? null : MediaTypeHeaderValue.Parse(mediaType);
        using HttpResponseMessage response = await Http.PostAsync(path, content);
        return await Answer.OfAsync(response);
    }

    public async Task<JsonElement[]> BatchAsync(string body)
    {
        Answer answer = await PostAsync("/v1/facts/batch", body, "application/jsonl");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return [.. answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    public async Task<Answer> GetAsync(string path)
    {
        using HttpResponseMessage response = await Http.GetAsync(path);
        return await Answer.OfAsync(response);
    }

    /// <summary>Sends bytes as they are and returns all that comes back until the server closes.</summary>
    public async Task<string> RawAsync(string request)
    {
        using TcpClient client = new();
        await client.ConnectAsync(Host.Address);
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using StreamReader reader = new(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }
}

/// <summary>An answer, read to its end.</summary>
internal sealed record Answer(HttpStatusCode Status, string Text, string? MediaType, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    public JsonElement Json => JsonDocument.Parse(Text).RootElement;

    public string? Code => Json.GetProperty("code").GetString();

    public static async Task<Answer> OfAsync(HttpResponseMessage response) => new(
        response.StatusCode,
        await response.Content.ReadAsStringAsync(),
        response.Content.Headers.ContentType?.MediaType,
        response.Headers,
        response.Content.Headers);

    /// <summary>Asserts that this is a problem as RFC 9457 has it.</summary>
    public JsonElement AssertProblem(HttpStatusCode status, string code)
    {
        Assert.Equal(status, Status);
        Assert.Equal("application/problem+json", MediaType);
        Assert.Equal(code, Code);
        Assert.Equal((int)status, Json.GetProperty("status").GetInt32());
        Assert.Equal($"urn:converge:problem:{code}", Json.GetProperty("type").GetString());
        Assert.NotEmpty(Json.GetProperty("title").GetString()!);
        Assert.NotEmpty(Json.GetProperty("detail").GetString()!);
        return Json;
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class LogLines : ILoggerFactory
{
    private readonly Lock _gate = new();
    private readonly List<(LogLevel Level, string Category, string Text)> _lines = [];

    public IReadOnlyList<(LogLevel Level, string Category, string Text)> Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>What the API itself logged at information and above.</summary>
    public IReadOnlyList<string> OfApi() =>
        [.. Lines.Where(line => line.Level >= LogLevel.Information && line.Category.StartsWith("Converge.", StringComparison.Ordinal)).Select(line => line.Text)];

    public ILogger CreateLogger(string categoryName) => new Writer(this, categoryName);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    private sealed class Writer(LogLines owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (owner._gate)
            {
                owner._lines.Add((logLevel, category, exception is null ? formatter(state, null) : $"{formatter(state, exception)}: {exception}"));
            }
        }
    }
}
