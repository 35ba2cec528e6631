using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Converge.Core;

namespace Converge.Swarm.Cli.Tests.Import;

public sealed class ImportCommandTests
{
    [Fact]
    public async Task A_file_is_committed_in_the_order_of_each_proposal()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        using TemporaryFolder folder = new();

        CommandResult result = await swarm.RunAsync("import", folder.Write("facts.jsonl", Facts.Interleaved(300)), "--json");

        Assert.Equal((900, 900, 0, 0), CountsOf(result));
        Assert.Equal(ExitCode.Success, result.ExitCode);
        Assert.Empty(result.Json.GetProperty("refused").EnumerateObject());
        Assert.Equal(900, (await swarm.Node.ReadAsync(1, 10_000)).Count);
    }

    [Fact]
    public async Task A_second_import_changes_nothing_and_says_so()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        using TemporaryFolder folder = new();
        string facts = Facts.Interleaved(50) + Facts.Line(new ProposalCreated("p1", "ann"));
        string plain = folder.Write("facts.jsonl", facts);
        string zipped = folder["facts.jsonl.gz"];
        await using (GZipStream zip = new(File.Create(zipped), CompressionLevel.Fastest))
        {
            await zip.WriteAsync(Encoding.UTF8.GetBytes(facts));
        }

        CommandResult first = await swarm.RunAsync("import", plain, "--json");
        CommandResult second = await swarm.RunAsync("import", zipped, "--json");

        Assert.Equal((151, 150, 0, 0), CountsOf(first));
        Assert.Equal((151, 0, 150, 0), CountsOf(second));
        Assert.Equal(1, first.Json.GetProperty("refused").GetProperty("already_exists").GetInt32());
        Assert.Equal(1, second.Json.GetProperty("refused").GetProperty("already_exists").GetInt32());
        Assert.Equal(ExitCode.Success, second.ExitCode);
        Assert.Equal(150, (await swarm.Node.ReadAsync(1, 10_000)).Count);
    }

    [Fact]
    public async Task A_malformed_line_fails_with_its_number_and_stops_nothing()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        using TemporaryFolder folder = new();
        string facts = $"{Facts.Line(new ProposalCreated("p1", "ann"))}\nnonsense\n{Facts.Line(new ProposalCreated("p2", "ann"))}{new string('x', FactLimits.MaxFactBytes + 5)}";

        CommandResult result = await swarm.RunAsync("import", folder.Write("facts.jsonl", facts), "--json");

        Assert.Equal((4, 2, 0, 2), CountsOf(result));
        Assert.Equal(ExitCode.Failed, result.ExitCode);
        JsonElement[] failures = [.. result.Json.GetProperty("failures").EnumerateArray()];
        Assert.Equal([3, 5], failures.Select(failure => failure.GetProperty("line").GetInt32()));
        Assert.Equal("invalid_json", failures[0].GetProperty("code").GetString());
        Assert.Equal("too_large", failures[1].GetProperty("code").GetString());
    }

    [Fact]
    public async Task Facts_keep_their_own_command_ids()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        using TemporaryFolder folder = new();
        CommandId own = new("mine", 7);
        await swarm.RunAsync("import", folder.Write("facts.jsonl", Facts.Line(new ProposalCreated("p1", "ann"), own) + Facts.Line(new ValidationPassed("p1", "ci"))));

        IReadOnlyList<LedgerRecord> records = await swarm.Node.ReadAsync(1, 10);

        Assert.Equal(own, records[0].CommandId);
        Assert.StartsWith("import-", records[1].CommandId!.Session, StringComparison.Ordinal);
        Assert.Equal(2UL, records[1].CommandId!.Number);
    }

    [Fact]
    public async Task A_troubled_swarm_is_asked_again_until_every_fact_is_recorded_once_and_in_order()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync(addresses: 3);
        using TemporaryFolder folder = new();
        Random random = new(7);
        HashSet<CommandId> lostAnswers = [];
        swarm.Node.Answer = submission => random.Next(4) switch
        {
            0 => new FactNotCommitted(NotCommittedReason.Superseded, "Try again."),
            1 when lostAnswers.Add(submission.CommandId!) => Forget(swarm, submission),
            _ => null,
        };

        CommandResult result = await ConvergeRun.InProcessAsync(
            ["import", folder.Write("facts.jsonl", Facts.Interleaved(200)), "--json", "--to", .. swarm.Urls, TestSwarm.NobodyThere()]);

        Assert.Equal((600, 600, 0, 0), CountsOf(result));
        swarm.Node.Answer = null;
        IReadOnlyList<LedgerRecord> records = await swarm.Node.ReadAsync(1, 10_000);
        Assert.Equal(600, records.Count);
        Assert.All(
            records.GroupBy(record => record.Submission!.Fact.ProposalId, StringComparer.Ordinal),
            facts => Assert.Equal([FactKind.ProposalCreated, FactKind.ValidationPassed, FactKind.PromotionApproved], facts.Select(fact => fact.Submission!.Fact.Kind)));
    }

    [Fact]
    public async Task Answers_that_are_no_longer_kept_are_looked_up_in_the_ledger()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        using TemporaryFolder folder = new();
        string file = folder.Write("facts.jsonl", Facts.Interleaved(5) + Facts.Line(new ProposalCreated("p1", "ann")));
        await swarm.RunAsync("import", file);
        swarm.Node.Answer = _ => new FactRefused(RefusalCode.CommandExpired, 3);

        CommandResult result = await swarm.RunAsync("import", file, "--json");

        Assert.Equal((16, 0, 15, 0), CountsOf(result));
        Assert.Equal(1, result.Json.GetProperty("refused").GetProperty("command_expired").GetInt32());
        Assert.Equal(ExitCode.Success, result.ExitCode);
    }

    [Theory]
    [InlineData(false, ExitCode.Unavailable, "no_leader")]
    [InlineData(true, ExitCode.OutcomeUnknown, "outcome_unknown")]
    public async Task A_swarm_that_stops_answering_ends_the_import_with_what_is_known(bool unknown, int exitCode, string code)
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync();
        using TemporaryFolder folder = new();
        swarm.Node.Answer = submission => submission.Fact.Kind == FactKind.ProposalCreated ? null
            : unknown ? new FactOutcomeUnknown("Who knows.")
            : new FactNotCommitted(NotCommittedReason.NoLeader, "Nobody leads.");

        CommandResult result = await swarm.RunAsync("import", folder.Write("facts.jsonl", Facts.Interleaved(2)), "--json", "--timeout", "0.2");

        Assert.Equal((6, 2, 0, 4), CountsOf(result));
        result.AssertFault(exitCode, "gave up");
        Assert.Equal(code, result.Json.GetProperty("failures")[0].GetProperty("code").GetString());
    }

    [Fact]
    public async Task Without_any_node_nothing_is_read()
    {
        using TemporaryFolder folder = new();

        CommandResult result = await ConvergeRun.InProcessAsync(
            "import", folder.Write("facts.jsonl", Facts.Interleaved(1)), "--to", TestSwarm.NobodyThere(), "--timeout", "0.1");

        result.AssertFault(ExitCode.Unavailable, "cannot be reached");
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_a_usage_fault()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder["broken.gz"], [0x1F, 0x8B, 1, 2, 3, 4]);

        (await ConvergeRun.InProcessAsync("import", folder["none.jsonl"])).AssertFault(ExitCode.Usage, "cannot be read");
        (await ConvergeRun.InProcessAsync("import", folder["broken.gz"])).AssertFault(ExitCode.Usage, "cannot be read");
    }

    [Fact]
    public async Task The_sample_comes_out_as_it_says()
    {
        await using TestSwarm swarm = await TestSwarm.StartAsync(addresses: 3);
        JsonElement expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "governance-sample.expected.json"))).RootElement;

        CommandResult result = await ConvergeRun.InProcessAsync(
            ["import", Path.Combine(AppContext.BaseDirectory, "governance-sample.jsonl"), "--json", "--to", .. swarm.Urls]);

        Assert.Equal(expected.GetProperty("facts").GetInt32(), result.Json.GetProperty("read").GetInt32());
        Assert.Equal(expected.GetProperty("accepted").GetInt32(), result.Json.GetProperty("accepted").GetInt32());
        Assert.True(JsonElement.DeepEquals(expected.GetProperty("refused"), result.Json.GetProperty("refused")), result.Output);
        Assert.Equal(ExitCode.Success, result.ExitCode);
    }

    /// <summary>Records the fact, and lets the answer get lost.</summary>
    private static FactOutcomeUnknown Forget(TestSwarm swarm, FactSubmission submission)
    {
        swarm.Node.ApplyUnseen(submission);
        return new FactOutcomeUnknown("The answer got lost.");
    }

    private static (int Read, int Accepted, int Repeated, int Failed) CountsOf(CommandResult result)
    {
        Assert.True(result.Json.GetProperty("seconds").GetDouble() >= 0);
        return (
            result.Json.GetProperty("read").GetInt32(),
            result.Json.GetProperty("accepted").GetInt32(),
            result.Json.GetProperty("repeated").GetInt32(),
            result.Json.GetProperty("failed").GetInt32());
    }
}
