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
