using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace Converge.Swarm.Http.Proposals;

/// <summary>What is recorded about one proposal, and lists of them.</summary>
internal static class ProposalEndpoints
{
    private const string Path = "/v1/proposals";

    public static void Map(IEndpointRouteBuilder routes, ISwarmClient client, IProposalIndex? index)
    {
        routes.MapGet(Path, context => context.Request.Query.ContainsKey("id")
            ? GetAsync(context, client, IdInQuery)
            : ProposalList.AnswerAsync(context, client, index));
        routes.MapGet($"{Path}/{{**id}}", context => GetAsync(context, client, IdInPath));
    }

    private static async Task GetAsync(HttpContext context, ISwarmClient client, Func<HttpRequest, (string Id, QueryParameters Parameters)> idOf)
    {
        (string id, QueryParameters parameters) = idOf(context.Request);
        if (SubmissionRules.CheckProposalId(id) is { } fault)
        {
            throw new ProblemException(Problem.Of(fault));
        }

        ProposalView view = await client.GetProposalAsync(id, parameters.Consistency(), context.RequestAborted)
            ?? throw new ProblemException(new Problem(
                StatusCodes.Status404NotFound, RefusalCode.UnknownProposal.Name(), RefusalCode.UnknownProposal.Explain()));
        await JsonAnswer.WriteAsync(context, ProposalViewJson.ToUtf8(view));
    }

    /// <summary>For ids that a path cannot hold as they are, such as <c>..</c>. Without one, it is a list that is asked for.</summary>
    private static (string Id, QueryParameters Parameters) IdInQuery(HttpRequest request)
    {
        QueryParameters parameters = new(request, "id", "consistency");
        return (parameters.Text("id")!, parameters);
    }

    /// <summary>
    /// Takes the id from the request line as it was sent: the decoded path cannot tell an encoded slash from an encoded percent sign.
    /// </summary>
    private static (string Id, QueryParameters Parameters) IdInPath(HttpRequest request)
    {
        QueryParameters parameters = new(request, "consistency");
        string target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        int query = target.IndexOf('?', StringComparison.Ordinal);
        string path = query < 0 ? target : target[..query];
        string prefix = $"{Path}/";
        return path.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
            ? (Uri.UnescapeDataString(path[prefix.Length..]), parameters)
            : throw new ProblemException(new Problem(
                StatusCodes.Status404NotFound, ProblemCodes.UnknownPath, $"The path of a proposal is {prefix} and its id, percent-encoded."));
    }
}
