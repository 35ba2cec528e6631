using System.Net;
using System.Text;
using Converge.Core;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Http.Tests;

public sealed class BoundaryTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/v1")]
    [InlineData("/v1/facts/batch/more")]
    [InlineData("/v2/status")]
    [InlineData("/v1/../etc/passwd")]
    public async Task There_is_nothing_at_an_unknown_path(string path)
    {
        await using Api api = await Api.StartAsync();

        (await api.GetAsync(path)).AssertProblem(HttpStatusCode.NotFound, "unknown_path");
    }

    [Theory]
    [InlineData("PUT", "/v1/facts", "GET, POST")]
    [InlineData("GET", "/v1/facts/batch", "POST")]
    [InlineData("POST", "/v1/status", "GET")]
    [InlineData("DELETE", "/v1/proposals/p", "GET")]
    public async Task A_method_that_the_path_does_not_take_is_405_with_those_it_takes(string method, string path, string allow)
    {
        await using Api api = await Api.StartAsync();
        using HttpRequestMessage request = new(new HttpMethod(method), path);

        using HttpResponseMessage response = await api.Http.SendAsync(request);

        Answer answer = await Answer.OfAsync(response);
        answer.AssertProblem(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        Assert.Equal(allow, string.Join(", ", answer.ContentHeaders.Allow.Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("192.0.2.1")]
    [InlineData("localhost.evil.example:7101")]
    public async Task A_request_addressed_to_another_host_is_421(string host)
    {
        await using Api api = await Api.StartAsync();
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/status");
        request.Headers.Host = host;

        using HttpResponseMessage response = await api.Http.SendAsync(request);

        (await Answer.OfAsync(response)).AssertProblem(HttpStatusCode.MisdirectedRequest, "host_not_allowed");
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:1")]
    [InlineData("127.0.0.1:80")]
    [InlineData("[::1]:80")]
    public async Task Every_name_of_this_machine_is_taken(string host)
    {
        await using Api api = await Api.StartAsync();
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/status");
        request.Headers.Host = host;

        using HttpResponseMessage response = await api.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_fault_of_the_node_itself_is_500_and_says_nothing_of_its_inside()
    {
        await using Api api = await Api.StartAsync();
        api.Node.Fault = new InvalidOperationException("secret detail");

        Answer answer = await api.GetAsync("/v1/status");

        answer.AssertProblem(HttpStatusCode.InternalServerError, "internal_error");
        Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
        Assert.Contains(api.Log.Lines, line => line.Level == LogLevel.Error);
    }

    [Fact]
    public async Task Headers_beyond_their_bound_are_431()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { MaxHeaderBytes = 2_048 });

        string answer = await api.RawAsync($"GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: {new string('x', 4_000)}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 431", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("GET /v1/status HTTP/1.1\r\n\r\n")]
    [InlineData("GET /v1/status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")]
    [InlineData("POST /v1/facts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n")]
    public async Task What_is_not_http_is_400(string request)
    {
        await using Api api = await Api.StartAsync();

        Assert.StartsWith("HTTP/1.1 400", await api.RawAsync(request), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/healthz")).Status);
    }

    [Fact]
    public async Task A_body_that_is_not_chunked_as_it_says_is_400()
    {
        await using Api api = await Api.StartAsync();

        string answer = await api.RawAsync(
            "POST /v1/facts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");

        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("invalid_request", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_does_not_come_is_408_and_the_connection_is_closed()
    {
        await using Api api = await Api.StartAsync(new HttpLimits { SlownessAllowed = TimeSpan.FromSeconds(1.5) });

        string answer = await api.RawAsync(
            "POST /v1/facts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");

        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        Assert.Contains("request_timeout", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_body_whatever_its_bytes_is_more_than_an_answer()
    {
        await using Api api = await Api.StartAsync();
        byte[] valid = Encoding.UTF8.GetBytes(Samples.Json(new FactSubmission(
            new ValidationFailed("p", "v", "because"), At: 1, CommandId: new CommandId("s", 1), ExpectedRevision: 1, Lamport: new LamportTimestamp(1, new NodeId(1)))));
        Gen<byte[]> mutated = Gen.ArrayOf(Gen.Zip(Gen.Choose(0, valid.Length - 1), Gen.Choose(0, 255)), 4).Select(changes =>
        {
            byte[] body = [.. valid];
            foreach ((int place, int value) in changes)
            {
                body[place] = (byte)value;
            }

            return body;
        });
        Gen<byte[]> noise = Gen.ArrayOf(Gen.Choose(0, 255).Select(value => (byte)value));
        Gen<byte[]> cut = Gen.Choose(0, valid.Length).Select(length => valid[..length]);

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(300),
            Prop.ForAll(Gen.OneOf(mutated, noise, cut).ToArbitrary(), body =>
            {
                Answer one = api.PostAsync("/v1/facts", body, "application/json").GetAwaiter().GetResult();
                Assert.Contains(one.Status, new[] { HttpStatusCode.Created, HttpStatusCode.BadRequest, HttpStatusCode.Conflict });
                Answer batch = api.PostAsync("/v1/facts/batch", body, "application/jsonl").GetAwaiter().GetResult();
                Assert.Equal(HttpStatusCode.OK, batch.Status);
                int lines = body.Count(value => value == '\n') + (body.Length > 0 && body[^1] != '\n' ? 1 : 0);
                Assert.Equal(lines, batch.Text.Count(c => c == '\n'));
            }));
        Assert.DoesNotContain(api.Log.Lines, line => line.Level >= LogLevel.Error);
    }
}
