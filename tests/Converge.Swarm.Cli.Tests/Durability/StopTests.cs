using Converge.Core;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Nodes that are asked to end.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class StopTests(SharedSwarm shared)
{
    [SignalFact]
    public async Task A_leader_asked_to_end_under_load_hands_over_and_ends_with_nothing_open()
    {
        ProcessSwarm swarm = await shared.WholeAsync();
        await using ClientLoad load = await ClientLoad.StartAsync(swarm);
        await swarm.BreakAsync(async () =>
        {
            (LocalNode leader, Term term) = await swarm.LeaderAsync();
            int exitCode = await swarm.AskToEndAsync(leader);
            (_, Term next) = await swarm.LeaderAsync(after: term);
            await load.GoesOnAsync();
            swarm.Start(leader);
            await swarm.ProveAsync(await load.FinishAsync());

            Assert.Equal(ExitCode.Success, exitCode);

            // Without "with requests whose outcome is not known": what the leader had taken on was settled before it went.
            Assert.Contains("The node stopped.", ProcessSwarm.LogOf(leader));

            // A successor that was named needs one election only.
            Assert.Equal(term.Value + 1, next.Value);
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
