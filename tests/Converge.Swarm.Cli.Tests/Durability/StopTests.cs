using Converge.Core;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Nodes that are asked to end.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class StopTests(SharedSwarm shared)
{
    [SignalFact]
    public async Task Leaders_asked_to_end_under_load_hand_over_and_end_with_nothing_open()
    {
        // A machine that has too much to do may let a hand-over take longer than a leader waits for it; not every time.
        const int MaxLeaders = 3;
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            bool handedOver = false;
            Term last = default;
            for (int i = 0; i < MaxLeaders && !handedOver; i++)
            {
                (LocalNode leader, last) = await swarm.LeaderAsync(after: last);
                int exitCode = await swarm.AskToEndAsync(leader);
                await load.GoesOnAsync();
                swarm.Start(leader);

                // Otherwise it ends "with requests whose outcome is not known".
                Assert.Equal(ExitCode.Success, exitCode);
                handedOver = ProcessSwarm.LogOf(leader).Contains("The node stopped.", StringComparison.Ordinal);
            }

            Assert.True(handedOver, $"No leader handed over. {swarm.Describe()}");
            await swarm.ProveAsync(await load.FinishAsync());
        });
    }

    [SignalFact]
    public async Task A_swarm_asked_to_end_leaves_three_whole_ledgers_behind()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            LedgerHead head = await swarm.ProveAsync(await load.FinishAsync());

            int[] exitCodes = await Task.WhenAll(swarm.Nodes.Select(swarm.AskToEndAsync));

            Assert.All(exitCodes, exitCode => Assert.Equal(ExitCode.Success, exitCode));
            Assert.All(swarm.Nodes, node => ProcessSwarm.ProveFolder(node, head));
            await swarm.MakeWholeAsync();
        });
    }

    [Fact]
    public async Task A_second_process_on_a_data_folder_refuses_and_the_first_goes_on()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        LocalNode node = swarm.Nodes[0];

        await using NodeProcess second = NodeProcess.Start(swarm.Layout.ConfigurationFile, node.Id.Value, $"{node.LogFile}.second");
        int exitCode = await Eventually.CompletesAsync("the second process to refuse", second.Exited);

        Assert.Equal(ExitCode.InUse, exitCode);
        Assert.Contains($"{node.DataFolder} is in use by process {node.Process!.Id}", second.LastLine);
        await load.GoesOnAsync();
        await swarm.ProveAsync(await load.FinishAsync());
    }
}
