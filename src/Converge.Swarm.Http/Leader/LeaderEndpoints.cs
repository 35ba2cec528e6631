using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http.Problems;
using Converge.Swarm.Http.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Converge.Swarm.Http.Leader;

/// <summary>Who leads, as an operator wishes it.</summary>
internal static class LeaderEndpoints
{
    public const string TransferPath = "/v1/leader/transfer";

    private const string To = "to";
    private const int RetrySeconds = 1;

    public static void Map(IEndpointRouteBuilder routes, ISwarmClient client) =>
        routes.MapPost(TransferPath, context => TransferAsync(context, client));

    private static async Task TransferAsync(HttpContext context, ISwarmClient client)
    {
        _ = new QueryParameters(context.Request);
        MediaTypes.Require(context.Request, MediaTypes.Json);
        NodeId? to = ReadTo(await RequestBody.ReadAsync(context.Request.BodyReader, context.RequestAborted));
        switch (await client.TransferLeadershipAsync(to, context.RequestAborted))
        {
            case LeadershipTransferred transferred:
                await JsonAnswer.WriteAsync(context, LeadershipTransferJson.ToUtf8(transferred));
                break;
            case LeadershipNotTransferred not:
                context.Response.StatusCode = StatusCodes.Status409Conflict;
                await JsonAnswer.WriteAsync(context, LeadershipTransferJson.ToUtf8(not));
                break;
            case LeadershipTransferRefused refused:
                throw new ProblemException(ProblemOf(refused));
            case LeadershipTransferUnknown unknown:
                throw new ProblemException(new Problem(StatusCodes.Status504GatewayTimeout, ProblemCodes.OutcomeUnknown, unknown.Message));
            case LeadershipTransfer outcome:
                throw new InvalidOperationException($"Not one of the four outcomes: {outcome}.");
        }
    }

    private static Problem ProblemOf(LeadershipTransferRefused refused) => refused.Reason switch
    {
        TransferRefusal.UnknownMember => new(StatusCodes.Status404NotFound, refused.Reason.Name(), refused.Message) { Field = To },
        TransferRefusal.NotAVoter => new(StatusCodes.Status409Conflict, refused.Reason.Name(), refused.Message) { Field = To },
        TransferRefusal.Unreachable => new(StatusCodes.Status409Conflict, refused.Reason.Name(), refused.Message),
        _ => new(StatusCodes.Status503ServiceUnavailable, refused.Reason.Name(), refused.Message) { RetryAfterSeconds = RetrySeconds },
    };

    /// <summary>Reads <c>{"to":2}</c> or <c>{}</c>.</summary>
    private static NodeId? ReadTo(byte[] body)
    {
        NodeId? to = null;
        bool seen = false;
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Fault(InputFaultCode.InvalidType, "The body must be a JSON object.", field: null);
            }

            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                if (!property.NameEquals(To))
                {
                    throw Fault(InputFaultCode.UnknownField, $"There is no such field here; known: {To}.", property.Name);
                }

                if (seen)
                {
                    throw Fault(InputFaultCode.DuplicateField, $"{To} is given twice.", To);
                }

                seen = true;
                to = ReadNode(property.Value);
            }
        }
        catch (JsonException fault)
        {
            throw new ProblemException(Problem.Of(InputFault.NotJson(fault)));
        }
        catch (InvalidOperationException)
        {
            // A name is looked at only when it is asked for: it is not UTF-8, or has half of a surrogate pair.
            throw Fault(InputFaultCode.InvalidJson, "The body has a name that is not text.", field: null);
        }

        return to;
    }

    private static NodeId ReadNode(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number)
        {
            throw Fault(InputFaultCode.InvalidType, $"{To} must be a node's number.", To);
        }

        return value.TryGetUInt64(out ulong node) && node is >= 1 and <= FactLimits.MaxNumber
            ? new NodeId(node)
            : throw Fault(InputFaultCode.InvalidValue, $"{To} must be a whole number from 1 to {FactLimits.MaxNumber}.", To);
    }

    private static ProblemException Fault(InputFaultCode code, string message, string? field) =>
        new(Problem.Of(new InputFault(code, message, field)));
}
