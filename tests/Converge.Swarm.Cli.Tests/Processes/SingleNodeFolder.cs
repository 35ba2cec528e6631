using Converge.Core;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Processes;

/// <summary>The layout of a swarm of one with some facts in it, quick to elect.</summary>
internal static class SingleNodeFolder
{
    /// <summary>A layout on free ports whose elections are quick.</summary>
    public static LocalSwarmLayout Layout(string folder, int nodes) => LocalSwarmLayout.OnFreePorts(folder, nodes) with
    {
        Adjust = options => options with { Tick = TimeSpan.FromMilliseconds(20), LogSegmentBytes = 17 * 1024 * 1024, LedgerSegmentBytes = 1024 * 1024 },
    };

    /// <summary>Runs a node for as long as it takes to commit some facts.</summary>
    /// <returns>Its layout and the head of its ledger.</returns>
    public static async Task<(LocalSwarmLayout Layout, LedgerHead Head)> WithFactsAsync(string folder, int proposals)
    {
        LocalSwarmLayout layout = Layout(folder, 1);
        await using LocalSwarm swarm = await LocalSwarm.StartAsync(layout, CancellationToken.None);
        string facts = Path.Combine(folder, "facts.jsonl");
        await File.WriteAllTextAsync(facts, Facts.Interleaved(proposals));
        CommandResult import = await ConvergeRun.InProcessAsync("import", facts, "--to", swarm.Urls[0].ToString());
        Assert.Equal(ExitCode.Success, import.ExitCode);
        LedgerHead head = await swarm.Nodes[0].Client.GetHeadAsync();
        Assert.True(await swarm.StopAsync());
        return (layout, head);
    }
}
