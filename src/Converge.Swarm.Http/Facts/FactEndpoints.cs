using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Ledger;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Converge.Swarm.Http.Facts;

/// <summary>Facts in, and the ledger's records out.</summary>
internal static class FactEndpoints
{
    public const string Path = "/v1/facts";
    public const string BatchPath = "/v1/facts/batch";

    /// <summary>Asks for the receipts of what is accepted.</summary>
    public const string ReceiptParameter = "receipt";

    public static void Map(IEndpointRouteBuilder routes, ISwarmClient client, FactBatch batch, FactStream stream)
    {
        routes.MapPost(Path, context => CommitAsync(context, client));
        routes.MapPost(BatchPath, batch.RunAsync).WithMetadata(NoDeadline.Instance);
        routes.MapGet(Path, context => ReadAsync(context, client));
        routes.MapGet(FactStream.Path, stream.RunAsync).WithMetadata(NoDeadline.Instance);
    }

    private static async Task CommitAsync(HttpContext context, ISwarmClient client)
    {
        bool withReceipt = new QueryParameters(context.Request, ReceiptParameter).Flag(ReceiptParameter);
        MediaTypes.Require(context.Request, MediaTypes.Json);
        byte[] body = await RequestBody.ReadAsync(context.Request.BodyReader, context.RequestAborted);
        if (!FactJson.TryParse(body, out FactSubmission? submission, out InputFault? fault))
        {
            throw new ProblemException(Problem.Of(fault));
        }

        CommitAnswer answer = await client.CommitAsync(submission, context.RequestAborted);
        switch (answer)
        {
            case FactAccepted accepted:
                LedgerReceipt? receipt = withReceipt ? await LedgerEndpoints.TryGetReceiptAsync(client, answer, context.RequestAborted) : null;
                context.Response.StatusCode = StatusCodes.Status201Created;
                context.Response.Headers.Location = $"{Path}?from={accepted.Sequence}&limit=1";
                await JsonAnswer.WriteAsync(context, JsonBytes.Of(json => CommitAnswerJson.Write(json, answer, receipt)));
                break;
            case FactRefused refused:
                throw new ProblemException(Problem.Of(refused));
            case FactNotCommitted notCommitted:
                throw new ProblemException(Problem.Of(notCommitted.Reason, notCommitted.Message));
            case FactOutcomeUnknown unknown:
                throw new ProblemException(Problem.Of(unknown));
            default:
                throw new InvalidOperationException($"Not one of the four answers: {answer}.");
        }
    }

    private static async Task ReadAsync(HttpContext context, ISwarmClient client)
    {
        QueryParameters parameters = new(context.Request, "from", "limit");
        ulong from = parameters.Number("from", 1, FactLimits.MaxNumber, otherwise: 1);
        int limit = (int)parameters.Number("limit", 1, RecordPage.MaxRecords, otherwise: RecordPage.DefaultRecords);
        IReadOnlyList<LedgerRecord> records = await client.ReadAsync(from, limit, context.RequestAborted);
        await RecordPage.WriteAsync(context, from, records);
    }
}
