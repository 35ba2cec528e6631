using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;

namespace Converge.Swarm.Akka.Tests.Specs;

/// <summary>The repository's sample facts, and what becomes of them in an empty swarm.</summary>
internal static class Sample
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "samples");

    public static IReadOnlyList<FactSubmission> Facts() => [.. File.ReadLines(Path.Combine(Folder, "governance-sample.jsonl")).Select(Parse)];

    /// <summary>How many are accepted, and how many refused for each reason.</summary>
    public static (int Accepted, IReadOnlyDictionary<string, int> Refused) Expected()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "governance-sample.expected.json")));
        return (
            document.RootElement.GetProperty("accepted").GetInt32(),
            document.RootElement.GetProperty("refused").EnumerateObject().ToDictionary(reason => reason.Name, reason => reason.Value.GetInt32(), StringComparer.Ordinal));
    }

    private static FactSubmission Parse(string line)
    {
        Assert.True(FactJson.TryParse(System.Text.Encoding.UTF8.GetBytes(line), out FactSubmission? submission, out InputFault? fault), fault?.ToString());
        return submission;
    }
}
