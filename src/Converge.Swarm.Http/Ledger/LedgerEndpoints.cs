using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Facts;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Converge.Swarm.Ledger;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Converge.Swarm.Http.Ledger;

/// <summary>The ledger's end, and what the ledger can prove about itself.</summary>
internal static class LedgerEndpoints
{
    public const string HeadPath = "/v1/ledger/head";
    public const string ReceiptSuffix = "/receipt";
    public const string InclusionPath = "/v1/ledger/proof";
    public const string ConsistencyPath = "/v1/ledger/consistency";

    public static void Map(IEndpointRouteBuilder routes, ISwarmClient client)
    {
        routes.MapGet(HeadPath, context => GetHeadAsync(context, client));
        routes.MapGet($"{FactEndpoints.Path}/{{sequence}}{ReceiptSuffix}", context => GetReceiptAsync(context, client));
        routes.MapGet($"{InclusionPath}/{{sequence}}", context => GetInclusionProofAsync(context, client));
        routes.MapGet(ConsistencyPath, context => GetConsistencyProofAsync(context, client));
    }

    /// <summary>The receipt of what was accepted; null when the node cannot give one now, which takes nothing back.</summary>
    public static async Task<LedgerReceipt?> TryGetReceiptAsync(ILedgerProofs proofs, CommitAnswer answer, CancellationToken cancellationToken)
    {
        if (answer is not FactAccepted accepted)
        {
            return null;
        }

        try
        {
            return await proofs.GetReceiptAsync(accepted.Sequence, cancellationToken: cancellationToken);
        }
        catch (Exception fault) when (fault is SwarmUnavailableException or IOException)
        {
            return null;
        }
    }

    private static async Task GetHeadAsync(HttpContext context, ISwarmClient client)
    {
        QueryParameters parameters = new(context.Request, "consistency");
        await JsonAnswer.WriteAsync(context, LedgerHeadJson.ToUtf8(await client.GetHeadAsync(parameters.Consistency(), context.RequestAborted)));
    }

    private static async Task GetReceiptAsync(HttpContext context, ILedgerProofs proofs)
    {
        QueryParameters parameters = new(context.Request, "size");
        ulong sequence = SequenceInPath(context.Request);
        ulong? size = parameters.OptionalNumber("size", 1, FactLimits.MaxNumber);
        await JsonAnswer.WriteAsync(context, LedgerReceiptJson.ToUtf8(await proofs.GetReceiptAsync(sequence, size, context.RequestAborted)));
    }

    private static async Task GetInclusionProofAsync(HttpContext context, ILedgerProofs proofs)
    {
        QueryParameters parameters = new(context.Request, "size");
        ulong sequence = SequenceInPath(context.Request);
        ulong? size = parameters.OptionalNumber("size", 1, FactLimits.MaxNumber);
        await JsonAnswer.WriteAsync(context, InclusionProofJson.ToUtf8(await proofs.GetInclusionProofAsync(sequence, size, context.RequestAborted)));
    }

    private static async Task GetConsistencyProofAsync(HttpContext context, ILedgerProofs proofs)
    {
        QueryParameters parameters = new(context.Request, "from", "to");
        ulong from = parameters.OptionalNumber("from", 0, FactLimits.MaxNumber)
            ?? throw new ProblemException(Problem.Of(new InputFault(InputFaultCode.MissingField, "from is missing: how many records there were.", "from")));
        ulong? to = parameters.OptionalNumber("to", 0, FactLimits.MaxNumber);
        await JsonAnswer.WriteAsync(context, ConsistencyProofJson.ToUtf8(await proofs.GetConsistencyProofAsync(from, to, context.RequestAborted)));
    }

    private static ulong SequenceInPath(HttpRequest request) =>
        QueryParameters.Parse("sequence", request.RouteValues["sequence"] as string ?? "", 1, FactLimits.MaxNumber);
}
