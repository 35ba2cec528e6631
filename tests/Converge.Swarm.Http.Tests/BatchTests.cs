using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Converge.Core;

namespace Converge.Swarm.Http.Tests;

public sealed class BatchTests
{
    private const string Path = "/v1/facts/batch";

    [Fact]
    public async Task Every_line_gets_one_answer_in_order()
    {
        await using Api api = await Api.StartAsync();

        JsonElement[] answers = await api.BatchAsync(Samples.Lines(2_000));

        Assert.Equal(Enumerable.Range(1, 2_000).Select(i => (ulong)i), answers.Select(answer => answer.GetProperty("sequence").GetUInt64()));
        Assert.All(api.Node.Batches, batch => Assert.InRange(batch, 1, new HttpLimits().MaxChunkLines));
    }

    [Fact]
    public async Task A_malformed_line_is_answered_with_its_number_and_does_not_stop_the_others()
    {
        await using Api api = await Api.StartAsync();

        JsonElement[] answers = await api.BatchAsync(
            $"{Samples.CreatedJson("p1")}\nnonsense\n\n{Samples.CreatedJson("p1")}\r\n{{\"type\":\"proposal_created\",\"proposal_id\":\"q\",\"author\":1}}\n{Samples.CreatedJson("p2")}");

        Assert.Equal(["accepted", "invalid", "invalid", "refused", "invalid", "accepted"], StatusesOf(answers));
        Assert.Equal("invalid_json", answers[1].GetProperty("code").GetString());
        Assert.Equal(2, answers[1].GetProperty("line").GetInt32());
        Assert.Equal(3, answers[2].GetProperty("line").GetInt32());
        Assert.Equal("already_exists", answers[3].GetProperty("code").GetString());
        Assert.Equal("invalid_type", answers[4].GetProperty("code").GetString());
        Assert.Equal("author", answers[4].GetProperty("field").GetString());
        Assert.NotEmpty(answers[4].GetProperty("message").GetString()!);
    }

    [Fact]
    public async Task A_line_that_is_too_long_is_stepped_over()
    {
        await using Api api = await Api.StartAsync();
        string tooLong = Samples.CreatedJson("p1") + new string(' ', FactLimits.MaxFactBytes);

        JsonElement[] answers = await api.BatchAsync($"{Samples.CreatedJson("p2")}\n{tooLong}\n{Samples.CreatedJson("p3")}\n");

        Assert.Equal(["accepted", "invalid", "accepted"], StatusesOf(answers));
        Assert.Equal("too_large", answers[1].GetProperty("code").GetString());
        Assert.Equal(2, answers[1].GetProperty("line").GetInt32());
    }

    [Fact]
    public async Task An_empty_batch_has_no_answers()
    {
        await using Api api = await Api.StartAsync();

        Assert.Empty(await api.BatchAsync(""));
    }

    [Theory]
    [InlineData("application/x-ndjson")]
    [InlineData("application/jsonl; charset=utf-8")]
    public async Task Json_lines_go_by_several_names(string mediaType)
    {
        await using Api api = await Api.StartAsync();

        Answer answer = await api.PostAsync(Path, Samples.Lines(1), mediaType);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("application/jsonl", answer.MediaType);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task Another_media_type_is_415(string mediaType)
    {
        await using Api api = await Api.StartAsync();

        (await api.PostAsync(Path, Samples.Lines(1), mediaType)).AssertProblem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Fact]
    public async Task Answers_come_while_the_batch_is_still_being_sent()
    {
        await using Api api = await Api.StartAsync();
        using TcpClient client = new();
        await client.ConnectAsync(api.Host.Address);
        await using NetworkStream stream = client.GetStream();
        using StreamReader reader = new(stream, Encoding.UTF8);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {Path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/jsonl\r\nTransfer-Encoding: chunked\r\n\r\n"));

        await stream.WriteAsync(Chunk(Samples.CreatedJson("p1") + "\n"));
        string first = await ReadAnswerAsync(reader);
        await stream.WriteAsync(Chunk(Samples.CreatedJson("p1") + "\n"));
        string second = await ReadAnswerAsync(reader);

        Assert.Contains("\"accepted\"", first, StringComparison.Ordinal);
        Assert.Contains("\"refused\"", second, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_that_is_announced_as_too_large_is_413()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { MaxBatchBytes = 1_000 });

        Answer answer = await api.PostAsync(Path, Samples.Lines(100), "application/jsonl");

        answer.AssertProblem(HttpStatusCode.RequestEntityTooLarge, "too_large");
        Assert.Empty(api.Node.Batches);
    }

    [Fact]
    public async Task A_batch_that_turns_out_too_large_ends_with_a_line_that_says_so()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { MaxBatchBytes = 1_000, MaxChunkLines = 1 });
        using ByteArrayContent content = new(Encoding.UTF8.GetBytes(Samples.Lines(100)));
        content.Headers.ContentType = new("application/jsonl");
        using HttpRequestMessage request = new(HttpMethod.Post, Path) { Content = content };
        request.Headers.TransferEncodingChunked = true;

        using HttpResponseMessage response = await api.Http.SendAsync(request);

        string[] lines = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        JsonElement last = JsonDocument.Parse(lines[^1]).RootElement;
        Assert.Equal("too_large", last.GetProperty("code").GetString());
        Assert.Equal(lines.Length, last.GetProperty("line").GetInt32());
        Assert.Equal(lines.Length - 1, api.Node.Batches.Sum());
    }

    [Fact]
    public async Task More_batches_at_once_than_allowed_are_busy()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { MaxConcurrentBatches = 1 });
        TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource leave = new(TaskCreationOptions.RunContinuationsAsynchronously);
        api.Node.Before = _ =>
        {
            entered.TrySetResult();
            return leave.Task;
        };

        string large = Samples.Lines((FactLimits.MaxFactBytes / Samples.Lines(1).Length) + 1);
        Task<JsonElement[]> first = api.BatchAsync(large);
        await entered.Task;
        Answer second = await api.PostAsync(Path, large, "application/jsonl");
        leave.SetResult();

        second.AssertProblem(HttpStatusCode.ServiceUnavailable, "busy");
        Assert.NotNull(second.Headers.RetryAfter);
        Assert.NotEmpty(await first);
        Assert.NotEmpty(await api.BatchAsync(large));
    }

    /// <summary>Hundreds of clients with one fact each are many small requests, not many batches.</summary>
    [Fact]
    public async Task Short_batches_are_not_counted()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { MaxConcurrentBatches = 1 });
        CountdownEvent entered = new(3);
        TaskCompletionSource leave = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        api.Node.Before = _ =>
        {
            if (entered.Signal())
            {
                all.SetResult();
            }

            return leave.Task;
        };

        Task<Answer>[] posts = [.. Enumerable.Range(0, 3).Select(_ => api.PostAsync(Path, Samples.Lines(1), "application/jsonl"))];
        await Task.WhenAny(all.Task, Task.WhenAll(posts));
        leave.SetResult();

        Assert.All(await Task.WhenAll(posts), answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
    }

    [Fact]
    public async Task A_node_that_fails_half_way_breaks_the_answer_off_instead_of_ending_it()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { MaxChunkLines = 1 });
        int calls = 0;
        api.Node.Before = _ => ++calls == 2 ? throw new InvalidOperationException("broken") : Task.CompletedTask;
        using StringContent content = new(Samples.Lines(3), Encoding.UTF8, "application/jsonl");

        await Assert.ThrowsAsync<HttpRequestException>(() => api.Http.PostAsync(Path, content));

        Assert.Contains(api.Log.OfApi(), line => line.Contains("failed", StringComparison.Ordinal));
    }

    private static string[] StatusesOf(JsonElement[] answers) => [.. answers.Select(answer => answer.GetProperty("status").GetString()!)];

    private static byte[] Chunk(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return [.. Encoding.ASCII.GetBytes($"{bytes.Length:x}\r\n"), .. bytes, .. "\r\n"u8];
    }

    private static async Task<string> ReadAnswerAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith('{'))
            {
                return line;
            }
        }

        throw new EndOfStreamException("The server closed the connection without an answer.");
    }
}
