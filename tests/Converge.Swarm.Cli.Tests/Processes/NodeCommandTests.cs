using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Processes;

[Collection(ProcessTests.Name)]
public sealed class NodeCommandTests
{
    [Fact]
    public async Task Every_fault_of_the_configuration_is_listed()
    {
        using TemporaryFolder folder = new();
        string file = folder.Write("swarm.json", """{ "cluster": "a b", "node": 1, "members": [{ "id": 1, "peer": "10.0.0.1:1" }], "tick_ms": 0 }""");

        CommandResult result = await ConvergeRun.ProcessAsync("node", "--config", file);

        result.AssertFault(ExitCode.Usage, "cannot be used");
        foreach (string key in new[] { "cluster:", "data_folder:", "members[0].peer:", "tick_ms:" })
        {
            Assert.Contains($"  {key}", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_node_says_where_it_is_and_stops_cleanly_when_its_input_ends()
    {
        using TemporaryFolder folder = new();
        LocalSwarmLayout layout = SingleNodeFolder.Layout(folder.Path, 1);
        layout.Write();
        using Process node = ConvergeRun.Start("node", "--config", layout.ConfigurationFile, "--json", "--stop-with-input");

        JsonElement said = JsonDocument.Parse((await node.StandardOutput.ReadLineAsync())!).RootElement;
        node.StandardInput.Close();
        await node.WaitForExitAsync().WaitAsync(ConvergeRun.Patience);

        Assert.Equal($"http://{layout.Members[0].Http}/", said.GetProperty("url").GetString());
        Assert.Equal(node.Id, said.GetProperty("process").GetInt32());
        Assert.Equal(ExitCode.Success, node.ExitCode);
    }

    [Fact]
    public async Task A_node_stops_cleanly_on_the_termination_signal_and_keeps_what_it_had()
    {
        using TemporaryFolder folder = new();
        (LocalSwarmLayout layout, LedgerHead head) = await SingleNodeFolder.WithFactsAsync(folder.Path, 10);

        await using LocalSwarm again = await LocalSwarm.StartAsync(layout, CancellationToken.None);
        SwarmStatus status = await again.Nodes[0].Client.GetStatusAsync();
        IReadOnlyList<LedgerRecord> records = await again.Nodes[0].Client.ReadAsync(1, 1_000);

        Assert.Equal(10UL, status.Proposals);
        Assert.Equal(head.Hash, records[(int)head.Sequence - 1].Hash);
        Assert.True(await again.StopAsync());
        Assert.Equal(ExitCode.Success, await again.Nodes[0].Process!.Exited);
    }

    [Fact]
    public async Task A_data_folder_in_use_is_said_to_be()
    {
        using TemporaryFolder folder = new();
        LocalSwarmLayout layout = SingleNodeFolder.Layout(folder.Path, 1);
        await using LocalSwarm swarm = await LocalSwarm.StartAsync(layout, CancellationToken.None);

        CommandResult second = await ConvergeRun.ProcessAsync("node", "--config", layout.ConfigurationFile, "--log-level", "None");
        CommandResult verify = await ConvergeRun.InProcessAsync("verify", swarm.Nodes[0].DataFolder);

        second.AssertFault(ExitCode.InUse, $"in use by process {swarm.Nodes[0].Process!.Id}");
        verify.AssertFault(ExitCode.InUse, "verify its address instead");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_address_in_use_is_said_to_be(bool http)
    {
        using TemporaryFolder folder = new();
        LocalSwarmLayout layout = SingleNodeFolder.Layout(folder.Path, 1);
        layout.Write();
        IPEndPoint address = http ? layout.Members[0].Http! : layout.Members[0].Peer;
        using Socket other = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(address);
        other.Listen();

        CommandResult result = await ConvergeRun.ProcessAsync("node", "--config", layout.ConfigurationFile, "--log-level", "None");

        result.AssertFault(ExitCode.InUse, $"{address}");
    }

    [Fact]
    public async Task Damage_is_said_with_file_and_place_by_node_and_by_verify()
    {
        using TemporaryFolder folder = new();
        (LocalSwarmLayout layout, LedgerHead head) = await SingleNodeFolder.WithFactsAsync(folder.Path, 100);
        string data = layout.DataFolderOf(new NodeId(1));
        string headFile = folder.Write("head.json", System.Text.Encoding.UTF8.GetString(Core.Json.LedgerHeadJson.ToUtf8(head)));

        CommandResult whole = await ConvergeRun.InProcessAsync("verify", data, "--head", headFile, "--json");
        string segment = Directory.EnumerateFiles(Path.Combine(data, "ledger")).Order(StringComparer.Ordinal).First(file => new FileInfo(file).Length > 4_096);
        await using (FileStream file = new(segment, FileMode.Open))
        {
            file.Position = 2_000;
            int before = file.ReadByte();
            file.Position = 2_000;
            file.WriteByte((byte)(before ^ 0x40));
        }

        CommandResult damaged = await ConvergeRun.InProcessAsync("verify", data, "--json");
        CommandResult node = await ConvergeRun.ProcessAsync("node", "--config", layout.ConfigurationFile, "--log-level", "None");

        Assert.Equal(ExitCode.Success, whole.ExitCode);
        Assert.True(whole.Json.GetProperty("ok").GetBoolean());
        Assert.Equal(head.Sequence, whole.Json.GetProperty("records").GetUInt64());
        Assert.Equal(head.Root, whole.Json.GetProperty("root").GetString());
        Assert.Equal(head.Hash, whole.Json.GetProperty("head").GetProperty("hash").GetString());
        Assert.Equal(ExitCode.Failed, damaged.ExitCode);
        Assert.False(damaged.Json.GetProperty("ok").GetBoolean());
        Assert.Contains(segment, damaged.Json.GetProperty("problems")[0].GetString(), StringComparison.Ordinal);
        node.AssertFault(ExitCode.Damaged, segment);
        Assert.Matches("byte [0-9]+", node.Error);
        CommandFault swarm = await Assert.ThrowsAsync<CommandFault>(() => LocalSwarm.StartAsync(layout, CancellationToken.None));
        Assert.Equal(ExitCode.Damaged, swarm.ExitCode);
        Assert.Contains(segment, swarm.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_that_lost_records_does_not_match_a_head_saved_before()
    {
        using TemporaryFolder folder = new();
        (LocalSwarmLayout layout, LedgerHead head) = await SingleNodeFolder.WithFactsAsync(folder.Path, 5);
        LedgerHead later = head with { Sequence = head.Sequence + 1 };
        string headFile = folder.Write("head.json", System.Text.Encoding.UTF8.GetString(Core.Json.LedgerHeadJson.ToUtf8(later)));

        CommandResult result = await ConvergeRun.InProcessAsync("verify", layout.DataFolderOf(new NodeId(1)), "--head", headFile, "--json");

        Assert.Equal(ExitCode.Failed, result.ExitCode);
        Assert.Contains("saved head", result.Json.GetProperty("problems")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_of_another_node_is_not_touched()
    {
        using TemporaryFolder folder = new();
        (LocalSwarmLayout layout, _) = await SingleNodeFolder.WithFactsAsync(folder.Path, 1);
        LocalSwarmLayout other = layout with { Adjust = options => layout.Adjust(options) with { Cluster = "another" } };
        other.Write();

        CommandResult result = await ConvergeRun.ProcessAsync("node", "--config", layout.ConfigurationFile, "--log-level", "None");

        result.AssertFault(ExitCode.Usage, layout.DataFolderOf(new NodeId(1)));
    }
}
