using System.Text.Json;
using Converge.Core.Json;

namespace Converge.Swarm.Cli.Tests.Receipt;

public sealed class ReceiptCommandTests
{
    [Fact]
    public async Task A_receipt_is_fetched_and_verified_without_a_node()
    {
        using TemporaryFolder folder = new();
        string receipt = folder["r5.json"];
        await using (SmallSwarm swarm = await SmallSwarm.StartAsync(6))
        {
            await File.WriteAllBytesAsync(folder["head.json"], LedgerHeadJson.ToUtf8(await swarm.Node.GetHeadAsync()));
            Assert.Equal(new CommandResult(0, "", ""), await ConvergeRun.InProcessAsync("receipt", "get", "5", "--out", receipt, "--url", swarm.Url));
        }

        CommandResult alone = await ConvergeRun.InProcessAsync("receipt", "verify", receipt);
        CommandResult compared = await ConvergeRun.InProcessAsync("receipt", "verify", receipt, "--head", folder["head.json"], "--json");
        Assert.Equal((0, 0), (alone.ExitCode, compared.ExitCode));
        Assert.Contains("It holds.", alone.Output, StringComparison.Ordinal);
        JsonElement json = compared.Json;
        Assert.True(json.GetProperty("ok").GetBoolean() && json.GetProperty("compared_with_head").GetBoolean());
        Assert.Equal((5, 12), (json.GetProperty("sequence").GetInt32(), json.GetProperty("head").GetProperty("sequence").GetInt32()));
    }

    [Fact]
    public async Task A_receipt_can_be_had_for_a_head_that_was_saved_earlier()
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(6);
        string head = swarm.File("head.json");
        string receipt = swarm.File("r5.json");
        await File.WriteAllBytesAsync(head, LedgerHeadJson.ToUtf8((await swarm.Node.GetReceiptAsync(1, 7)).Head));

        Assert.Equal(0, (await ConvergeRun.InProcessAsync("receipt", "get", "5", "--url", swarm.Url, "--out", receipt)).ExitCode);
        CommandResult later = await ConvergeRun.InProcessAsync("receipt", "verify", receipt, "--head", head);
        Assert.Equal(1, later.ExitCode);
        Assert.Contains("the saved one 7", later.Output, StringComparison.Ordinal);

        Assert.Equal(0, (await ConvergeRun.InProcessAsync("receipt", "get", "5", "--url", swarm.Url, "--out", receipt, "--head", head)).ExitCode);
        Assert.Equal(0, (await ConvergeRun.InProcessAsync("receipt", "verify", receipt, "--head", head)).ExitCode);
    }

    [Fact]
    public async Task Any_flipped_byte_ends_with_1()
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(2);
        string file = swarm.File("r2.json");
        CommandResult printed = await ConvergeRun.InProcessAsync("receipt", "get", "2", "--url", swarm.Url);
        byte[] sound = System.Text.Encoding.UTF8.GetBytes(printed.Output);
        await File.WriteAllBytesAsync(file, sound);
        Assert.Equal(0, (await ConvergeRun.InProcessAsync("receipt", "verify", file)).ExitCode);
        for (int at = 0; at < sound.Length; at++)
        {
            byte[] flipped = [.. sound];
            flipped[at] ^= 1;
            await File.WriteAllBytesAsync(file, flipped);
            Assert.Equal(1, (await ConvergeRun.InProcessAsync("receipt", "verify", file)).ExitCode);
        }
    }

    [Fact]
    public async Task What_cannot_be_had_or_read_is_said()
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(2);
        string large = swarm.File("large");
        await File.WriteAllBytesAsync(large, new byte[LedgerReceiptJson.MaxBytes + 2]);
        Assert.Equal(1, (await ConvergeRun.InProcessAsync("receipt", "get", "5", "--url", swarm.Url)).ExitCode);
        Assert.Equal(2, (await ConvergeRun.InProcessAsync("receipt", "get", "0", "--url", swarm.Url)).ExitCode);
        Assert.Equal(2, (await ConvergeRun.InProcessAsync("receipt", "verify", swarm.File("missing"))).ExitCode);
        Assert.Equal(2, (await ConvergeRun.InProcessAsync("receipt", "verify", large)).ExitCode);
        Assert.Equal(2, (await ConvergeRun.InProcessAsync("receipt", "get", "1", "--url", swarm.Url, "--out", Path.Combine(swarm.Folder, "no", "folder"))).ExitCode);
        Assert.Equal(2, (await ConvergeRun.InProcessAsync("receipt")).ExitCode);
    }

    [Fact]
    public async Task What_has_no_end_is_too_large()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        (await ConvergeRun.InProcessAsync("receipt", "verify", "/dev/zero")).AssertFault(ExitCode.Usage, "too large to be a receipt");
    }
}
