using Converge.Raft.Tests.ScriptRunner;
using Xunit.Abstractions;

namespace Converge.Raft.Tests.Conformance;

public sealed class ScriptTests(ITestOutputHelper output)
{
    public static TheoryData<string> OwnScripts =>
    [
        .. Directory.EnumerateFiles(OwnFolder, "*.txt", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => Path.GetRelativePath(OwnFolder, path)),
    ];

    private static string OwnFolder => Path.Combine(AppContext.BaseDirectory, "scripts");

    [Theory]
    [MemberData(nameof(OwnScripts))]
    public void A_script_of_this_project_has_no_difference(string file)
    {
        ScriptOutcome outcome = ScriptReplay.ReplayFile(Path.Combine(OwnFolder, file));
        Assert.True(outcome.Passed, string.Join('\n', outcome.Differences));
        Assert.NotEqual(0, outcome.Blocks);
    }

    [ConformanceFact]
    public void The_scripts_of_the_given_folder_have_no_difference()
    {
        using var report = new StringWriter();
        IReadOnlyList<ScriptOutcome> outcomes = ScriptReplay.ReplayFolder(ConformanceFactAttribute.Folder!, report, showsDifferences: true);
        output.WriteLine(report.ToString());
        Assert.NotEmpty(outcomes);
        Assert.True(outcomes.All(outcome => outcome.Passed), report.ToString());
    }

    [Fact]
    public void A_replay_finds_what_differs()
    {
        string folder = Directory.CreateTempSubdirectory("converge-scripts-").FullName;
        try
        {
            string script = File.ReadAllText(Path.Combine(OwnFolder, "a_follower_that_lost_its_log_is_found_out.txt"));
            File.WriteAllText(Path.Combine(folder, "right.txt"), script);
            File.WriteAllText(Path.Combine(folder, "wrong.txt"), script.Replace("3: StateReplicate match=12", "3: StateReplicate match=13", StringComparison.Ordinal));
            File.WriteAllText(Path.Combine(folder, "short.txt"), script.Replace("2: StateReplicate match=12 next=13\n", string.Empty, StringComparison.Ordinal));
            File.WriteAllText(Path.Combine(folder, "unknown.txt"), "fly-to-the-moon 1\n----\nok\n");
            File.WriteAllText(Path.Combine(folder, "broken.txt"), "campaign 1\n----\nok\n");

            using var report = new StringWriter();
            IReadOnlyList<ScriptOutcome> outcomes = ScriptReplay.ReplayFolder(folder, report, showsDifferences: false);
            Assert.Equal(
                ["broken.txt", "right.txt", "short.txt", "unknown.txt", "wrong.txt"],
                outcomes.Select(outcome => Path.GetFileName(outcome.File)),
                StringComparer.Ordinal);
            Assert.Equal([1, 0, 1, 1, 1], outcomes.Select(outcome => outcome.Differences.Count));
            Assert.Contains("1 of 5 files pass", report.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("fly-to-the-moon 1\n----\nok\n", "unknown command")]
    [InlineData("add-nodes many\n----\nok\n", "'many' is not a number")]
    [InlineData("add-nodes 1 voters=(1) index=2 prevot=true\n----\nok\n", "there is no argument 'prevot'")]
    [InlineData("add-nodes 1 voters=(1) index=2 prevote=perhaps\n----\nok\n", "'perhaps' is neither true nor false")]
    [InlineData("add-nodes 1 voters=(1) learners=(1) index=2\n----\nok\n", "voter and learner at once")]
    [InlineData("campaign\n----\nok\n", "argument 1 is missing")]
    [InlineData("campaign 7\n----\nok\n", "There is no node 7")]
    [InlineData("deliver-msgs 1 type=MsgAppp\n----\nok\n", "there is no kind of message 'MsgAppp'")]
    [InlineData("deliver-msgs 1 drop=(1)\n----\nok\n", "both delivered and dropped")]
    [InlineData("transfer-leadership from=1\n----\nok\n", "There is no node 1")]
    [InlineData("status 1 a=(\n----\nok\n", "A parenthesis is not closed")]
    public void What_a_script_gets_wrong_is_named_with_file_and_line(string script, string fault)
    {
        string folder = Directory.CreateTempSubdirectory("converge-scripts-").FullName;
        try
        {
            string path = Path.Combine(folder, "wrong.txt");
            File.WriteAllText(path, $"# One line.\n# Another.\n{script}\ncampaign 1\n----\nok\n");
            using var report = new StringWriter();
            Assert.False(Assert.Single(ScriptReplay.ReplayFolder(folder, report, showsDifferences: true)).Passed);
            Assert.Contains($"{path}:3: ", report.ToString(), StringComparison.Ordinal);
            Assert.Contains(fault, report.ToString(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Settings_that_the_original_refuses_are_refused_in_its_words()
    {
        IReadOnlyList<ScriptBlock> blocks = ScriptParser.Parse("""
            add-nodes 1 voters=(1) index=2 inflight=0
            ----

            add-nodes 1 voters=(1) index=2 read-only=lease-based
            ----

            add-nodes 1 voters=(1) index=2 prevote=T checkquorum=1 max-committed-size-per-ready=0
            ----

            report-unreachable 1
            ----

            propose-conf-change 1 transition=sideways
            v2
            ----

            propose-conf-change 1 v2=true
            v2
            ----

            propose-conf-change 1
            v2 x3
            ----

            propose-conf-change 1
            vtwo
            ----
            """);
        var commands = new ClusterCommands();
        Assert.Equal(
            [
                "max inflight messages must be greater than 0",
                "CheckQuorum must be enabled when ReadOnlyOption is ReadOnlyLeaseBased",
                "ok",
                "must specify exactly two node indexes: node on which to report, and reported node",
                "unknown transition sideways",
                "unknown command v2",
                "unknown input: x3",
                "strconv.ParseUint: parsing \"two\": invalid syntax",
            ],
            blocks.Select(commands.Run),
            StringComparer.Ordinal);
    }

    [Fact]
    public void Log_lines_are_not_compared_and_a_block_left_empty_equals_ok()
    {
        IReadOnlyList<ScriptBlock> blocks = ScriptParser.Parse("""
            # A comment.
            status 1 key=(1, 2) \
              more
            with input
            ----
              INFO one
            DEBUG two

            campaign 2
            ----
            ----
            a

            b
            ----
            ----
            """);
        Assert.Equal(2, blocks.Count);
        Assert.Equal("status", blocks[0].Command);
        Assert.Equal(["1", "more"], blocks[0].Positional);
        Assert.Equal(["1", "2"], blocks[0].Arguments[1].Values);
        Assert.Equal("with input", blocks[0].Input);
        Assert.Equal("a\n\nb\n", blocks[1].Expected);
    }
}

/// <summary>Runs only when a folder of scripts was given, and says so when none was.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ConformanceFactAttribute : FactAttribute
{
    private const string Variable = "CONVERGE_CONFORMANCE";

    public ConformanceFactAttribute()
    {
        if (Folder is null)
        {
            Skip = $"No folder of conformance scripts was given: set {Variable}. Only the project's own scripts were replayed.";
        }
    }

    public static string? Folder => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } folder ? folder : null;
}
