using System.Text.Json;

namespace Converge.Swarm.Cli.Demo;

/// <summary>What the demonstration did and found.</summary>
internal sealed record DemoReport
{
    public required int Nodes { get; init; }

    public required long Read { get; init; }

    public required long Accepted { get; init; }

    public required IReadOnlyDictionary<string, long> Refused { get; init; }

    /// <summary>Lines that are no facts.</summary>
    public required long Failed { get; init; }

    /// <summary>From the first fact to the last answer.</summary>
    public required double Seconds { get; init; }

    public required double P50Milliseconds { get; init; }

    public required double P99Milliseconds { get; init; }

    /// <summary>The node that was killed; null when the file was too short for that.</summary>
    public required ulong? Killed { get; init; }

    /// <summary>From the kill to the first fact acknowledged under a new leader.</summary>
    public required double? SecondsWithoutLeader { get; init; }

    /// <summary>From the restart of the killed node until it had all that the others had.</summary>
    public required double? CatchUpSeconds { get; init; }

    public required ulong Records { get; init; }

    public required string Root { get; init; }

    public required string Folder { get; init; }

    /// <summary>Everything that did not hold.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    public bool Held => Problems.Count == 0;

    public double FactsPerSecond => (Accepted + Refused.Values.Sum()) / Math.Max(Seconds, 0.001);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("held", Held);
        json.WriteNumber("nodes", Nodes);
        json.WriteNumber("read", Read);
        json.WriteNumber("accepted", Accepted);
        json.WriteStartObject("refused");
        foreach ((string code, long count) in Refused)
        {
            json.WriteNumber(code, count);
        }

        json.WriteEndObject();
        json.WriteNumber("failed", Failed);
        json.WriteNumber("seconds", Math.Round(Seconds, 3));
        json.WriteNumber("facts_per_second", Math.Round(FactsPerSecond, 1));
        json.WriteNumber("p50_ms", Math.Round(P50Milliseconds, 2));
        json.WriteNumber("p99_ms", Math.Round(P99Milliseconds, 2));
        WriteOptional(json, "killed", Killed);
        WriteOptional(json, "seconds_without_leader", SecondsWithoutLeader);
        WriteOptional(json, "catch_up_seconds", CatchUpSeconds);
        json.WriteNumber("records", Records);
        json.WriteString("root", Root);
        json.WriteString("folder", Folder);
        json.WriteStartArray("problems");
        foreach (string problem in Problems)
        {
            json.WriteStringValue(problem);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, Math.Round(number, 3));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
