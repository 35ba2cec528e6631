using System.Globalization;
using Converge.Core;
using Converge.Core.Json;

namespace Converge.Swarm.Http.Tests;

/// <summary>Facts to send.</summary>
internal static class Samples
{
    public static FactSubmission Created(string id, ulong? number = null) =>
        new(new ProposalCreated(id, "author://ann", "A title"), CommandId: number is null ? null : new CommandId("s", number.Value));

    public static string Json(FactSubmission submission) => System.Text.Encoding.UTF8.GetString(FactJson.ToUtf8(submission));

    public static string CreatedJson(string id, ulong? number = null) => Json(Created(id, number));

    /// <summary>Creations of proposals <c>p1</c> and so on, one a line.</summary>
    public static string Lines(int count) =>
        string.Concat(Enumerable.Range(1, count).Select(i => CreatedJson(string.Create(CultureInfo.InvariantCulture, $"p{i}")) + "\n"));
}
