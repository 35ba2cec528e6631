using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Converge.Swarm.Cli.Tests.Processes;

[Collection(ProcessTests.Name)]
public sealed class DemoCommandTests
{
    [Fact]
    public async Task It_kills_the_leader_goes_on_and_proves_that_everything_held()
    {
        using TemporaryFolder folder = new();
        JsonElement expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "governance-sample.expected.json"))).RootElement;

        CommandResult result = await ConvergeRun.ProcessAsync(
            "demo", "--json", "--data", folder["demo"], "--input", Path.Combine(AppContext.BaseDirectory, "governance-sample.jsonl"));

        Assert.True(result.ExitCode == ExitCode.Success, $"{result.Output}{result.Error}");
        Assert.True(result.Json.GetProperty("held").GetBoolean());
        Assert.Equal(expected.GetProperty("accepted").GetInt32(), result.Json.GetProperty("accepted").GetInt32());
        Assert.True(JsonElement.DeepEquals(expected.GetProperty("refused"), result.Json.GetProperty("refused")));
        Assert.InRange(result.Json.GetProperty("killed").GetInt32(), 1, 3);
        Assert.True(result.Json.GetProperty("seconds_without_leader").GetDouble() > 0);
        Assert.True(result.Json.GetProperty("catch_up_seconds").GetDouble() > 0);

        CommandResult verify = await ConvergeRun.InProcessAsync("verify", folder["demo/node2"], "--json");
        Assert.Equal(ExitCode.Success, verify.ExitCode);
    }

    [Fact]
    public async Task Told_to_stop_half_way_it_leaves_no_node_behind()
    {
        using TemporaryFolder folder = new();
        string facts = folder.Write("facts.jsonl", Facts.Interleaved(20_000));
        using Process demo = ConvergeRun.Start("demo", "--data", folder["demo"], "--input", facts);
        while (await demo.StandardError.ReadLineAsync() is { } line && !line.StartsWith("committing", StringComparison.Ordinal))
        {
            // Until it commits.
        }

        using Process kill = Process.Start("kill", ["-TERM", demo.Id.ToString(CultureInfo.InvariantCulture)]);
        await demo.WaitForExitAsync().WaitAsync(ConvergeRun.Patience);

        Assert.Equal(ExitCode.Interrupted, demo.ExitCode);
        foreach (string node in Directory.EnumerateDirectories(folder["demo"]))
        {
            // Whoever can take a node's folder is alone with it.
            Storage.FolderLock.Acquire(node).Dispose();
        }
    }

    [Fact]
    public async Task A_file_with_a_line_that_is_no_fact_does_not_hold()
    {
        using TemporaryFolder folder = new();
        string facts = folder.Write("facts.jsonl", $"{Facts.Interleaved(30)}nonsense\n");

        CommandResult result = await ConvergeRun.ProcessAsync("demo", "--json", "--data", folder["demo"], "--input", facts);

        result.AssertFault(ExitCode.Failed, "did not hold");
        Assert.Contains("Line 91", result.Json.GetProperty("problems")[0].GetString(), StringComparison.Ordinal);
    }
}
