using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Tests.Processes;

namespace Converge.Swarm.Cli.Tests.Projection;

public sealed class ProjectionCommandTests
{
    [Fact]
    public async Task Rebuilding_says_how_many_records_of_how_many_are_done()
    {
        using TemporaryFolder folder = new();
        (LocalSwarmLayout layout, LedgerHead head) = await SingleNodeFolder.WithFactsAsync(folder.Path, 100);
        string data = layout.DataFolderOf(new NodeId(1));
        string records = head.Sequence.ToString("N0", CultureInfo.InvariantCulture);

        CommandResult inWords = await ConvergeRun.InProcessAsync("projection", "rebuild", data);
        CommandResult forPrograms = await ConvergeRun.InProcessAsync("projection", "rebuild", data, "--json");

        Assert.Equal((ExitCode.Success, ExitCode.Success), (inWords.ExitCode, forPrograms.ExitCode));
        Assert.EndsWith($"projecting: {records} of {records}{Environment.NewLine}", inWords.Error, StringComparison.Ordinal);
        Assert.StartsWith($"{records} records projected in ", inWords.Output, StringComparison.Ordinal);
        Assert.Equal(head.Sequence, forPrograms.Json.GetProperty("records").GetUInt64());
        Assert.Equal(["folder", "records", "seconds", "records_per_second"], forPrograms.Json.EnumerateObject().Select(property => property.Name));
    }
}
