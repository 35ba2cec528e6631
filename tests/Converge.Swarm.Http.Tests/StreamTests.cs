using System.Net;
using Converge.Core;
using Converge.Core.Json;

namespace Converge.Swarm.Http.Tests;

/// <summary>Records as server-sent events.</summary>
public sealed class StreamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task It_gives_what_is_there_and_then_what_comes()
    {
        await using Api api = await Api.StartAsync();
        await CommitAsync(api, "a", "b");
        using EventReader events = await EventReader.OpenAsync(api, "/v1/facts/stream?from=1");

        Assert.Equal("text/event-stream", events.MediaType);
        LedgerRecord[] history = [await events.NextAsync(), await events.NextAsync()];
        await CommitAsync(api, "c");
        LedgerRecord third = await events.NextAsync();

        Assert.Equal(await api.Node.ReadAsync(1, 3), [.. history, third]);
    }

    [Fact]
    public async Task A_client_that_comes_back_goes_on_after_the_last_event_it_saw()
    {
        await using Api api = await Api.StartAsync();
        await CommitAsync(api, "a", "b", "c");

        using EventReader events = await EventReader.OpenAsync(api, "/v1/facts/stream?from=1", lastSeen: "2");

        Assert.Equal(3UL, (await events.NextAsync()).Sequence);
    }

    [Fact]
    public async Task Without_a_record_it_says_that_it_is_still_there()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { StreamHeartbeat = TimeSpan.FromMilliseconds(20) });
        using EventReader events = await EventReader.OpenAsync(api, "/v1/facts/stream");

        Assert.StartsWith(":", await events.LineAsync(), StringComparison.Ordinal);
        await CommitAsync(api, "a");
        Assert.Equal(1UL, (await events.NextAsync()).Sequence);
    }

    [Theory]
    [InlineData("/v1/facts/stream?from=0", null, "invalid_value", "from")]
    [InlineData("/v1/facts/stream?from=x", null, "invalid_value", "from")]
    [InlineData("/v1/facts/stream?limit=1", null, "unknown_field", "limit")]
    [InlineData("/v1/facts/stream", "x", "invalid_value", "Last-Event-ID")]
    [InlineData("/v1/facts/stream", "18446744073709551615", "invalid_value", "Last-Event-ID")]
    public async Task What_makes_no_sense_is_refused(string path, string? lastSeen, string code, string field)
    {
        await using Api api = await Api.StartAsync();
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        if (lastSeen is not null)
        {
            request.Headers.Add("Last-Event-ID", lastSeen);
        }

        using HttpResponseMessage response = await api.Http.SendAsync(request);

        Assert.Equal(field, (await Answer.OfAsync(response)).AssertProblem(HttpStatusCode.BadRequest, code).GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("/v1/facts/stream")]
    [InlineData("/v1/facts/stream/")]
    [InlineData("/v1/Facts/Stream")]
    public async Task It_outlives_the_time_that_other_requests_have(string path)
    {
        await using Api api = await Api.StartAsync(new HttpLimits { RequestTimeout = TimeSpan.FromMilliseconds(20), StreamHeartbeat = TimeSpan.FromMilliseconds(50) });
        using EventReader events = await EventReader.OpenAsync(api, path);

        for (int i = 0; i < 3; i++)
        {
            Assert.StartsWith(":", await events.LineAsync(), StringComparison.Ordinal);
            Assert.Equal("", await events.LineAsync());
        }
    }

    [Fact]
    public async Task More_streams_than_allowed_are_refused_until_one_ends()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { MaxConcurrentStreams = 1, StreamHeartbeat = TimeSpan.FromMilliseconds(20) });
        using (EventReader only = await EventReader.OpenAsync(api, "/v1/facts/stream"))
        {
            (await api.GetAsync("/v1/facts/stream")).AssertProblem(HttpStatusCode.ServiceUnavailable, "busy");
        }

        using CancellationTokenSource patience = new(Patience);
        HttpStatusCode status;
        do
        {
            using HttpResponseMessage again = await api.Http.GetAsync(new Uri("/v1/facts/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, patience.Token);
            status = again.StatusCode;
        }
        while (status != HttpStatusCode.OK);
    }

    [Fact]
    public async Task Stopping_the_host_ends_the_stream_at_once()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { StopTimeout = TimeSpan.FromMinutes(10) });
        using EventReader events = await EventReader.OpenAsync(api, "/v1/facts/stream");

        await api.Host.StopAsync().WaitAsync(Patience);

        Assert.Null(await events.LineAsync());
    }

    [Fact]
    public async Task The_client_gives_the_records_and_says_when_the_node_stops()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url);
        await CommitAsync(api, "a", "b");
        await using IAsyncEnumerator<LedgerRecord> records = client.SubscribeAsync(2).GetAsyncEnumerator();

        Assert.True(await records.MoveNextAsync());
        Assert.Equal((await api.Node.ReadAsync(2, 1))[0], records.Current);
        Task<bool> next = records.MoveNextAsync().AsTask();
        await CommitAsync(api, "c");
        Assert.True(await next.WaitAsync(Patience));
        Assert.Equal(3UL, records.Current.Sequence);
        next = records.MoveNextAsync().AsTask();
        api.Node.EndSubscriptions(new SwarmUnavailableException(NotCommittedReason.Stopping, "Stopping."));

        await Assert.ThrowsAsync<SwarmUnavailableException>(() => next.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_record_with_the_longest_texts_comes_through()
    {
        await using Api api = await Api.StartAsync();
        using HttpSwarmClient client = new(api.Host.Url);
        string name = new('\u2603', FactLimits.MaxProposalIdLength);
        await api.Node.CommitAsync(new FactSubmission(new ProposalCreated("p", new string('"', FactLimits.MaxActorLength))));
        await api.Node.CommitAsync(new FactSubmission(new ValidationFailed("p", name, new string('\u0001', FactLimits.MaxTextLength))));

        await using IAsyncEnumerator<LedgerRecord> records = client.SubscribeAsync(2).GetAsyncEnumerator();

        Assert.True(await records.MoveNextAsync().AsTask().WaitAsync(Patience));
        Assert.Equal((await api.Node.ReadAsync(2, 1))[0], records.Current);
    }

    private static async Task CommitAsync(Api api, params string[] proposals)
    {
        foreach (string proposal in proposals)
        {
            Assert.IsType<FactAccepted>(await api.Node.CommitAsync(new FactSubmission(new ProposalCreated(proposal, "author"))));
        }
    }

    private sealed class EventReader(HttpResponseMessage response, StreamReader reader) : IDisposable
    {
        public string? MediaType => response.Content.Headers.ContentType?.MediaType;

        public static async Task<EventReader> OpenAsync(Api api, string path, string? lastSeen = null)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            if (lastSeen is not null)
            {
                request.Headers.Add("Last-Event-ID", lastSeen);
            }

            HttpResponseMessage response = await api.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return new EventReader(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
        }

        public async Task<string?> LineAsync() => await reader.ReadLineAsync().WaitAsync(Patience);

        /// <summary>The next event's record; its id is the record's number.</summary>
        public async Task<LedgerRecord> NextAsync()
        {
            string? id = null;
            while (true)
            {
                string line = await LineAsync() ?? throw new EndOfStreamException();
                if (line.StartsWith("id: ", StringComparison.Ordinal))
                {
                    id = line["id: ".Length..];
                }
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    Assert.True(LedgerRecordJson.TryParse(System.Text.Encoding.UTF8.GetBytes(line["data: ".Length..]), out LedgerRecord? record, out _));
                    Assert.Equal(id, $"{record.Sequence}");
                    return record;
                }
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            response.Dispose();
        }
    }
}
