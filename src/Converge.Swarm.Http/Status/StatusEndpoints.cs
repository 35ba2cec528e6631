using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Converge.Swarm.Http.Status;

/// <summary>How the node is, for people, programs and whoever restarts processes.</summary>
internal static class StatusEndpoints
{
    private const int ReadyRetrySeconds = 1;

    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes, ISwarmClient client, IProposalIndex? index)
    {
        routes.MapGet("/v1/status", async context =>
        {
            _ = new QueryParameters(context.Request);
            await JsonAnswer.WriteAsync(context, SwarmStatusJson.ToUtf8(With(await client.GetStatusAsync(context.RequestAborted), index)));
        });
        routes.MapMethods("/healthz", Reading, context => JsonAnswer.WriteAsync(context, JsonBytes.Of(Alive)));
        routes.MapMethods("/readyz", Reading, async context =>
        {
            SwarmStatus status = await client.GetStatusAsync(context.RequestAborted);
            if (!status.Ready)
            {
                throw new ProblemException(NotReady(status));
            }

            await JsonAnswer.WriteAsync(context, JsonBytes.Of(Ready));
        });
    }

    /// <summary>A projection in trouble is a problem to be told, but the node is as ready as before.</summary>
    private static SwarmStatus With(SwarmStatus status, IProposalIndex? index) => index?.Status is { } projection
        ? status with { Projection = projection, Problems = projection.Problem is { } problem ? [.. status.Problems, problem] : status.Problems }
        : status;

    private static void Alive(System.Text.Json.Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("alive"u8, true);
        json.WriteEndObject();
    }

    private static void Ready(System.Text.Json.Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("ready"u8, true);
        json.WriteEndObject();
    }

    private static Problem NotReady(SwarmStatus status)
    {
        string reason = status.Leader.IsNone ? "No leader is known." : "The node has not yet caught up with the leader.";
        string detail = status.Problems.Count == 0 ? reason : $"{reason} {string.Join(' ', status.Problems)}";
        return new Problem(StatusCodes.Status503ServiceUnavailable, ProblemCodes.NotReady, detail) { RetryAfterSeconds = ReadyRetrySeconds };
    }
}
