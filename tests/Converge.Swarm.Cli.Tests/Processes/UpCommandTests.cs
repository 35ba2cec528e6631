using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Processes;

[Collection(ProcessTests.Name)]
public sealed class UpCommandTests
{
    [Fact]
    public async Task A_swarm_comes_up_survives_the_loss_of_a_node_and_goes_on_with_its_data()
    {
        using TemporaryFolder folder = new();
        IReadOnlyList<int> ports = PortsInARow(6);
        string[] command = ["up", "--json", "--data", folder.Path, "--http", Text(ports[0]), "--peer", Text(ports[3])];

        using Process up = ConvergeRun.Start(command);
        JsonElement[] nodes = await NodesAsync(up);
        string first = nodes[0].GetProperty("url").GetString()!;
        CommandResult proposed = await ConvergeRun.InProcessAsync("propose", "proposal_created", "p1", "--author", "ann", "--url", first);
        using Process lost = Process.GetProcessById(nodes[2].GetProperty("process").GetInt32());
        lost.Kill();
        string? report = await up.StandardError.ReadLineAsync();
        CommandResult withoutIt = await ConvergeRun.InProcessAsync("propose", "promotion_approved", "p1", "--approver", "bob", "--url", first);
        up.StandardInput.Close();
        await TerminateAsync(up);

        using Process again = ConvergeRun.Start([.. command, "--nodes", "3"]);
        nodes = await NodesAsync(again);
        CommandResult view = await ConvergeRun.InProcessAsync("proposal", "p1", "--json", "--url", nodes[1].GetProperty("url").GetString()!);
        await TerminateAsync(again);
        CommandResult other = await ConvergeRun.ProcessAsync([.. command, "--nodes", "5"]);

        Assert.Equal(ExitCode.Success, proposed.ExitCode);
        Assert.Contains("node 3 ended", report, StringComparison.Ordinal);
        Assert.Contains("The other 2 go on", report, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, withoutIt.ExitCode);
        Assert.Equal(ExitCode.Success, up.ExitCode);
        Assert.Equal("approved", view.Json.GetProperty("status").GetString());
        Assert.Equal(ExitCode.Success, again.ExitCode);
        other.AssertFault(ExitCode.Usage, "holds the data of 3 nodes");
    }

    /// <summary>Whoever answers where a node should be may be another swarm's.</summary>
    [Fact]
    public async Task A_swarm_whose_addresses_or_folder_another_one_has_is_not_said_to_be_up()
    {
        using TemporaryFolder folder = new();
        using TemporaryFolder elsewhere = new();
        IReadOnlyList<int> ports = PortsInARow(6);
        string[] addresses = ["--http", Text(ports[0]), "--peer", Text(ports[3])];
        using Process up = ConvergeRun.Start(["up", "--json", "--data", folder.Path, .. addresses]);
        await NodesAsync(up);

        CommandResult sameAddresses = await ConvergeRun.ProcessAsync(["up", "--data", elsewhere.Path, .. addresses]);
        CommandResult sameFolder = await ConvergeRun.ProcessAsync(["up", "--data", folder.Path, .. addresses]);
        await TerminateAsync(up);

        sameAddresses.AssertFault(ExitCode.InUse, "ended with 5: ");
        sameFolder.AssertFault(ExitCode.InUse, "is in use by process");
        Assert.Equal(("", ""), (sameAddresses.Output, sameFolder.Output));
    }

    [Fact]
    public async Task Nodes_do_not_outlive_a_parent_that_was_killed()
    {
        using TemporaryFolder folder = new();
        IReadOnlyList<int> ports = PortsInARow(6);
        using Process up = ConvergeRun.Start("up", "--json", "--data", folder.Path, "--http", Text(ports[0]), "--peer", Text(ports[3]));
        Process[] nodes = [.. (await NodesAsync(up)).Select(node => Process.GetProcessById(node.GetProperty("process").GetInt32()))];

        up.Kill();

        foreach (Process node in nodes)
        {
            using (node)
            {
                await node.WaitForExitAsync().WaitAsync(ConvergeRun.Patience);
            }
        }
    }

    private static async Task<JsonElement[]> NodesAsync(Process up)
    {
        string said = await up.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException(await up.StandardError.ReadToEndAsync());
        return [.. JsonDocument.Parse(said).RootElement.GetProperty("nodes").EnumerateArray()];
    }

    private static async Task TerminateAsync(Process up)
    {
        using Process kill = Process.Start("kill", ["-TERM", Text(up.Id)]);
        await up.WaitForExitAsync().WaitAsync(ConvergeRun.Patience);
    }

    private static IReadOnlyList<int> PortsInARow(int count)
    {
        while (true)
        {
            int first = FreePorts.Find(1)[0];
            if (Enumerable.Range(first, count).All(FreePorts.IsFree))
            {
                return [.. Enumerable.Range(first, count)];
            }
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
