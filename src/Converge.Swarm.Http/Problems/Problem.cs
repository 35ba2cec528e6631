using System.Globalization;
using System.Text;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http.Requests;
using Converge.Swarm.Ledger;
using Microsoft.AspNetCore.Http;

namespace Converge.Swarm.Http.Problems;

/// <summary>An answer that is not the one hoped for, as RFC 9457 has it, with a stable <c>code</c> for programs.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">What programs look at; never changes its meaning.</param>
/// <param name="Detail">What happened, in a sentence for a person.</param>
internal sealed record Problem(int Status, string Code, string Detail)
{
    /// <summary>The media type of the answer.</summary>
    public const string MediaType = "application/problem+json";

    private const int RetrySoonSeconds = 1;
    private const int RetryLaterSeconds = 10;

    /// <summary>The field or parameter at fault, if it is one.</summary>
    public string? Field { get; init; }

    /// <summary>For a refusal: how many facts are recorded for the proposal.</summary>
    public ulong? Revision { get; init; }

    /// <summary>When it makes sense to try again.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>What is wrong with an input.</summary>
    public static Problem Of(InputFault fault) => new(
        fault.Code == InputFaultCode.TooLarge ? StatusCodes.Status413PayloadTooLarge : StatusCodes.Status400BadRequest,
        fault.Code.Name(),
        fault.Message)
    {
        Field = fault.Field,
    };

    /// <summary>A refusal: final, and the same whichever node is asked.</summary>
    public static Problem Of(FactRefused refused) =>
        new(StatusCodes.Status409Conflict, refused.Code.Name(), refused.Code.Explain()) { Revision = refused.Revision };

    /// <summary>Nothing was changed, and trying again is safe, though not always of use.</summary>
    public static Problem Of(NotCommittedReason reason, string message) => reason switch
    {
        NotCommittedReason.TooLarge => new(StatusCodes.Status413PayloadTooLarge, reason.Name(), message),
        NotCommittedReason.NoSpace => new(StatusCodes.Status503ServiceUnavailable, reason.Name(), message) { RetryAfterSeconds = RetryLaterSeconds },
        NotCommittedReason.NoLease => new(StatusCodes.Status501NotImplemented, reason.Name(), message),
        _ => new(StatusCodes.Status503ServiceUnavailable, reason.Name(), message) { RetryAfterSeconds = RetrySoonSeconds },
    };

    /// <summary>It may or may not have been recorded.</summary>
    public static Problem Of(FactOutcomeUnknown unknown) =>
        new(StatusCodes.Status504GatewayTimeout, ProblemCodes.OutcomeUnknown, unknown.Message);

    /// <summary>Something was asked about records that the ledger does not have.</summary>
    public static Problem Of(LedgerRangeException range) => range.IsBeyondLedger
        ? new(StatusCodes.Status404NotFound, ProblemCodes.BeyondLedger, range.Message) { Field = range.Parameter }
        : Of(new InputFault(InputFaultCode.InvalidValue, range.Message, range.Parameter));

    /// <summary>Writes the answer. Only before the response has started.</summary>
    public async Task WriteAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.StatusCode = Status;
        response.ContentType = MediaType;
        if (RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        byte[] body = JsonBytes.Of(Write);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, $"urn:converge:problem:{Code}");
        json.WriteString("title"u8, TitleOf(Code));
        json.WriteNumber("status"u8, Status);
        json.WriteString("detail"u8, Detail);
        json.WriteString("code"u8, Code);
        if (Field is not null)
        {
            json.WriteString("field"u8, Field);
        }

        if (Revision is { } revision)
        {
            json.WriteNumber("revision"u8, revision);
        }

        json.WriteEndObject();
    }

    /// <summary>The code as words: the same for every occurrence, as RFC 9457 wants it.</summary>
    private static string TitleOf(string code)
    {
        StringBuilder title = new(code);
        title.Replace('_', ' ');
        title[0] = char.ToUpperInvariant(title[0]);
        return title.ToString();
    }
}
