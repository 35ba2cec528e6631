using Converge.Swarm.Http.Problems;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Converge.Swarm.Http.Requests;

/// <summary>
/// What a body says it is. A browser asks before it sends one of these types to another site, which a form's types would not make it do.
/// </summary>
internal static class MediaTypes
{
    /// <summary>One JSON value.</summary>
    public static readonly string[] Json = ["application/json"];

    /// <summary>JSON values, one a line. The name was never registered, so every name in use is taken.</summary>
    public static readonly string[] JsonLines = ["application/jsonl", "application/x-ndjson", "application/ndjson", "application/x-jsonlines", "application/jsonlines"];

    /// <summary>Checks the body's type: one of those given, in UTF-8, not compressed.</summary>
    /// <exception cref="ProblemException">It is another.</exception>
    public static void Require(HttpRequest request, string[] accepted)
    {
        bool good = MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
            && accepted.Contains(type.MediaType.Value, StringComparer.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || string.Equals(HeaderUtilities.RemoveQuotes(type.Charset).Value, "utf-8", StringComparison.OrdinalIgnoreCase))
            && (request.Headers.ContentEncoding.Count == 0 || string.Equals(request.Headers.ContentEncoding, "identity", StringComparison.OrdinalIgnoreCase));
        if (!good)
        {
            throw new ProblemException(new Problem(
                StatusCodes.Status415UnsupportedMediaType,
                ProblemCodes.UnsupportedMediaType,
                $"The body must be {accepted[0]} in UTF-8, not compressed."));
        }
    }
}
