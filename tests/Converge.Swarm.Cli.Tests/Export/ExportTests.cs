using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Verify;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Cli.Tests.Export;

public sealed class ExportTests
{
    [Fact]
    public async Task An_export_verifies_and_has_the_head_of_the_swarm()
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(600);
        string file = swarm.File("ledger.jsonl");
        string head = swarm.File("head.json");
        await File.WriteAllBytesAsync(head, LedgerHeadJson.ToUtf8(await swarm.Node.GetHeadAsync()));

        Assert.Equal((0, ""), Result(await ConvergeRun.InProcessAsync("export", "--out", file, "--url", swarm.Url)));
        CommandResult verified = await ConvergeRun.InProcessAsync("verify", file, "--head", head, "--json");

        Assert.Equal(0, verified.ExitCode);
        JsonElement json = verified.Json;
        Assert.Equal(1_200, json.GetProperty("records").GetInt32());
        Assert.Equal((await swarm.Node.GetHeadAsync()).Root, json.GetProperty("root").GetString());
        Assert.Equal([Path.GetFileName(head), Path.GetFileName(file)], Directory.GetFiles(swarm.Folder).Select(path => Path.GetFileName(path)).Order());
    }

    [Fact]
    public async Task To_the_standard_output_goes_the_same_as_into_a_file()
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(3);
        string file = swarm.File("ledger.jsonl");
        await ConvergeRun.InProcessAsync("export", "--out", file, "--url", swarm.Url);
        CommandResult printed = await ConvergeRun.InProcessAsync("export", "--url", swarm.Url);
        Assert.Equal(await File.ReadAllTextAsync(file), printed.Output);
        Assert.Equal(6, printed.Output.Count(character => character == '\n'));
    }

    [Fact]
    public async Task An_excerpt_verifies_as_one()
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(10);
        string file = swarm.File("part.jsonl");
        string head = swarm.File("head.json");
        await File.WriteAllBytesAsync(head, LedgerHeadJson.ToUtf8(await swarm.Node.GetHeadAsync()));
        Assert.Equal(0, (await ConvergeRun.InProcessAsync("export", "--from", "5", "--to", "9", "--out", file, "--url", swarm.Url)).ExitCode);

        CommandResult shown = await ConvergeRun.InProcessAsync("verify", file);
        CommandResult verified = await ConvergeRun.InProcessAsync("verify", file, "--json");
        CommandResult behind = await ConvergeRun.InProcessAsync("verify", file, "--head", head);

        Assert.Equal((0, 0, 1), (shown.ExitCode, verified.ExitCode, behind.ExitCode));
        Assert.Contains("An excerpt from record 5 on", shown.Output, StringComparison.Ordinal);
        JsonElement json = verified.Json;
        Assert.Equal((5, 5, 9), (json.GetProperty("records").GetInt32(), json.GetProperty("first").GetInt32(), json.GetProperty("last").GetInt32()));
        Assert.False(json.TryGetProperty("root", out _));
    }

    [Fact]
    public async Task Any_flipped_byte_of_an_export_is_noticed_or_changes_nothing()
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(2);
        LedgerHead head = await swarm.Node.GetHeadAsync();
        string file = swarm.File("ledger.jsonl");
        await ConvergeRun.InProcessAsync("export", "--out", file, "--url", swarm.Url);
        byte[] sound = await File.ReadAllBytesAsync(file);
        Assert.True((await LedgerFile.VerifyAsync(new FileInfo(file), head, CancellationToken.None)).Ok);
        int harmless = 0;
        for (int at = 0; at < sound.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. sound];
                flipped[at] ^= (byte)(1 << bit);
                await File.WriteAllBytesAsync(file, flipped);
                LedgerVerification verification = await LedgerFile.VerifyAsync(new FileInfo(file), saved: null, CancellationToken.None);
                if (verification.Ok)
                {
                    // White space behind the last record, and the case of a hexadecimal digit in an escape.
                    harmless++;
                    Assert.Equal(head, verification.Head);
                }
            }
        }

        Assert.InRange(harmless, 0, 8);
    }

    [Fact]
    public async Task An_export_is_imported_into_another_swarm_once()
    {
        await using SmallSwarm from = await SmallSwarm.StartAsync(40);
        await using SmallSwarm to = await SmallSwarm.StartAsync(0);
        string file = from.File("ledger.jsonl");
        await ConvergeRun.InProcessAsync("export", "--out", file, "--url", from.Url);

        CommandResult first = await ConvergeRun.InProcessAsync("import", file, "--to", to.Url, "--json");
        CommandResult second = await ConvergeRun.InProcessAsync("import", file, "--to", to.Url, "--json");

        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.Equal(80, first.Json.GetProperty("accepted").GetInt32());
        Assert.Equal(80, second.Json.GetProperty("repeated").GetInt32());
        IReadOnlyList<LedgerRecord> original = await from.Node.ReadAsync(1, 1_000);
        IReadOnlyList<LedgerRecord> copied = await to.Node.ReadAsync(1, 1_000);
        Assert.Equal(FactsOf(original), FactsOf(copied));
        Assert.Equal(
            original.Where(record => record.CommandId is not null).Select(record => record.CommandId).ToHashSet(),
            copied.Where(record => record.CommandId?.Session is "first").Select(record => record.CommandId).ToHashSet());
    }

    [Fact]
    public async Task Records_that_are_no_facts_are_stepped_over_by_an_import()
    {
        await using SmallSwarm to = await SmallSwarm.StartAsync(0);
        string file = to.File("ledger.jsonl");
        string zeros = new('0', 64);
        await File.WriteAllTextAsync(
            file,
            $$$"""
            {"sequence":1,"index":2,"term":1,"committed_at":1700000000.000,"lamport":{"counter":1,"node":1},"kind":"authority","leader":1,"previous_hash":"{{{zeros}}}","hash":"{{{zeros}}}"}
            {"sequence":2,"index":3,"term":1,"committed_at":1700000000.000,"lamport":{"counter":2,"node":1},"kind":"fact","fact":{"type":"proposal_created","proposal_id":"p","author":"a"},"previous_hash":"{{{zeros}}}","hash":"{{{zeros}}}"}
            {"sequence":3,"index":4}

            """);
        CommandResult imported = await ConvergeRun.InProcessAsync("import", file, "--to", to.Url, "--json");
        Assert.Equal(1, imported.ExitCode);
        JsonElement json = imported.Json;
        Assert.Equal((1, 1), (json.GetProperty("accepted").GetInt32(), json.GetProperty("failed").GetInt32()));
    }

    [Theory]
    [InlineData(ExitCode.Usage, "from 1", "--from", "0")]
    [InlineData(ExitCode.Usage, "not before", "--from", "4", "--to", "2")]
    [InlineData(ExitCode.Failed, "ends with record 6; there is no record 7", "--to", "7")]
    [InlineData(ExitCode.Failed, "ends with record 6; there is no record 8", "--from", "8")]
    [InlineData(ExitCode.Failed, "ends with record 6; there is no record 18446744073709551615", "--to", "18446744073709551615")]
    public async Task What_is_not_there_is_not_exported(int code, string message, params string[] range)
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(3);
        CommandResult run = await ConvergeRun.InProcessAsync(["export", "--url", swarm.Url, "--out", swarm.File("out"), .. range]);
        run.AssertFault(code, message);
        Assert.Equal("", run.Output);
        Assert.Empty(Directory.GetFiles(swarm.Folder));
    }

    [Fact]
    public async Task A_swarm_that_breaks_off_leaves_no_half_of_a_file_and_the_one_before_stays()
    {
        await using SmallSwarm swarm = await SmallSwarm.StartAsync(600);
        string file = swarm.File("ledger.jsonl");
        await File.WriteAllTextAsync(file, "before");
        int asked = 0;
        swarm.Node.Before = _ =>
        {
            swarm.Node.Fault = ++asked > 2 ? new SwarmUnavailableException(NotCommittedReason.Stopping, "Stopping.") : null;
            return Task.CompletedTask;
        };

        CommandResult run = await ConvergeRun.InProcessAsync("export", "--out", file, "--url", swarm.Url);

        Assert.Equal(3, run.ExitCode);
        Assert.Equal("before", await File.ReadAllTextAsync(file));
        Assert.Single(Directory.GetFiles(swarm.Folder));
    }

    [Fact]
    public async Task A_node_that_lags_behind_is_passed_over_when_the_one_asked_first_is_gone()
    {
        await using SmallSwarm going = await SmallSwarm.StartAsync(3);
        await using SmallSwarm lagging = await SmallSwarm.StartAsync(0);
        await using SmallSwarm whole = await SmallSwarm.StartAsync(3);
        int asked = 0;
        going.Node.Before = _ =>
        {
            going.Node.Fault = ++asked > 1 ? new SwarmUnavailableException(NotCommittedReason.Stopping, "Stopping.") : null;
            return Task.CompletedTask;
        };

        CommandResult exported = await ConvergeRun.InProcessAsync("export", "--url", going.Url, lagging.Url, whole.Url);

        Assert.Equal(0, exported.ExitCode);
        Assert.Equal((await ConvergeRun.InProcessAsync("export", "--url", whole.Url)).Output, exported.Output);
    }

    [Fact]
    public async Task Records_that_no_node_has_any_more_are_a_reason_to_try_again()
    {
        await using SmallSwarm going = await SmallSwarm.StartAsync(3);
        await using SmallSwarm lagging = await SmallSwarm.StartAsync(0);
        int asked = 0;
        going.Node.Before = _ =>
        {
            going.Node.Fault = ++asked > 1 ? new SwarmUnavailableException(NotCommittedReason.Stopping, "Stopping.") : null;
            return Task.CompletedTask;
        };

        (await ConvergeRun.InProcessAsync("export", "--url", going.Url, lagging.Url)).AssertFault(ExitCode.Unavailable, "Stopping.");
    }

    private static (int Code, string Out) Result(CommandResult run) => (run.ExitCode, run.Output);

    private static IEnumerable<string> FactsOf(IEnumerable<LedgerRecord> records) =>
        records.Select(record => System.Text.Encoding.UTF8.GetString(FactJson.ToUtf8(record.Submission! with { CommandId = null }))).Order(StringComparer.Ordinal);
}
