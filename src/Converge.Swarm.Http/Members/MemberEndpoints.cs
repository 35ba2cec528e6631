using System.Collections.Immutable;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Converge.Swarm.Http.Members;

/// <summary>Who takes part, and who is to.</summary>
internal static class MemberEndpoints
{
    public const string Path = "/v1/members";

    private const string Node = "node";
    private const int RetrySeconds = 1;

    public static void Map(IEndpointRouteBuilder routes, ISwarmClient client)
    {
        routes.MapGet(Path, context => GetAsync(context, client));
        routes.MapPost(Path, context => ChangeAsync(context, client));
        routes.MapDelete($"{Path}/{{{Node}}}", context => RemoveAsync(context, client));
    }

    private static async Task GetAsync(HttpContext context, ISwarmClient client)
    {
        _ = new QueryParameters(context.Request);
        await JsonAnswer.WriteAsync(context, MembersJson.ToUtf8(await client.GetMembersAsync(context.RequestAborted)));
    }

    private static async Task ChangeAsync(HttpContext context, ISwarmClient client)
    {
        _ = new QueryParameters(context.Request);
        MediaTypes.Require(context.Request, MediaTypes.Json);
        byte[] body = await RequestBody.ReadAsync(context.Request.BodyReader, context.RequestAborted);
        if (MembershipStepsJson.Parse(body, out ImmutableArray<MembershipStep> steps) is { } fault)
        {
            throw new ProblemException(Problem.Of(fault));
        }

        await AnswerAsync(context, await client.ChangeMembersAsync(steps, context.RequestAborted));
    }

    private static async Task RemoveAsync(HttpContext context, ISwarmClient client)
    {
        _ = new QueryParameters(context.Request);
        ulong node = QueryParameters.Parse(Node, context.Request.RouteValues[Node] as string ?? "", 1, FactLimits.MaxNumber);
        await AnswerAsync(context, await client.ChangeMembersAsync([MembershipStep.Remove(new NodeId(node))], context.RequestAborted));
    }

    private static Task AnswerAsync(HttpContext context, MembershipOutcome outcome) => outcome switch
    {
        MembershipChanged changed => JsonAnswer.WriteAsync(context, MembersJson.ToUtf8(changed)),
        MembershipNotChanged refused => throw new ProblemException(ProblemOf(refused)),
        MembershipChangeUnknown unknown =>
            throw new ProblemException(new Problem(StatusCodes.Status504GatewayTimeout, ProblemCodes.OutcomeUnknown, unknown.Message)),
        _ => throw new InvalidOperationException($"Not one of the three outcomes: {outcome}."),
    };

    private static Problem ProblemOf(MembershipNotChanged refused) => refused.Reason switch
    {
        MembershipRefusal.UnknownMember => new(StatusCodes.Status404NotFound, refused.Reason.Name(), refused.Message),
        MembershipRefusal.InvalidChange or MembershipRefusal.InvalidAddress => new(StatusCodes.Status400BadRequest, refused.Reason.Name(), refused.Message),
        MembershipRefusal.NoLeader or MembershipRefusal.Busy or MembershipRefusal.Stopping or MembershipRefusal.NoSpace =>
            new(StatusCodes.Status503ServiceUnavailable, refused.Reason.Name(), refused.Message) { RetryAfterSeconds = RetrySeconds },
        _ => new(StatusCodes.Status409Conflict, refused.Reason.Name(), refused.Message),
    };
}
