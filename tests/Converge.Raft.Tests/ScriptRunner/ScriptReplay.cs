using System.Globalization;
using System.Text;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>A block whose output is not the expected one.</summary>
internal sealed record ScriptDifference(string File, int Line, string Command, string Expected, string Actual)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{File}:{Line}: {Command}\n--- expected\n{Expected}\n--- actual\n{Actual}\n");
}

/// <summary>How the replay of one file went.</summary>
internal sealed record ScriptOutcome(string File, int Blocks, IReadOnlyList<ScriptDifference> Differences)
{
    public bool Passed => Differences.Count == 0;
}

/// <summary>Replays scripts and compares, log lines aside, what they put out with what they expect.</summary>
internal static class ScriptReplay
{
    private static readonly string[] LogLevels = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

    public static ScriptOutcome ReplayFile(string path)
    {
        List<ScriptDifference> differences = [];
        IReadOnlyList<ScriptBlock> blocks = [];
        try
        {
            blocks = ScriptParser.Parse(File.ReadAllText(path));
            Replay(path, CommandsFor(path, blocks), blocks, differences);
        }
        catch (ScriptFormatException fault)
        {
            differences.Add(new ScriptDifference(path, fault.Line, "(unreadable)", string.Empty, fault.Message));
        }

        return new ScriptOutcome(path, blocks.Count, differences);
    }

    /// <summary>
    /// Puts what a script puts out now in place of what it expects, for a script that is being written: whoever does it answers for
    /// every line of the difference.
    /// </summary>
    public static void Rewrite(string path)
    {
        string text = File.ReadAllText(path);
        List<string> lines = [.. text.Split('\n')];
        IReadOnlyList<ScriptBlock> blocks = ScriptParser.Parse(text);
        IScriptCommands commands = CommandsFor(path, blocks);
        int shift = 0;
        foreach (ScriptBlock block in blocks)
        {
            string[] actual = Comparable(commands.Run(block)).Split('\n');
            lines.RemoveRange(block.OutputLines.From + shift, block.OutputLines.To - block.OutputLines.From);
            lines.InsertRange(block.OutputLines.From + shift, actual);
            shift += actual.Length - (block.OutputLines.To - block.OutputLines.From);
        }

        File.WriteAllText(path, string.Join('\n', lines));
    }

    /// <summary>Replays every file below a folder; prints a line for each and a total, and what differs when asked to.</summary>
    /// <returns>The outcomes, in the order of the paths.</returns>
    public static IReadOnlyList<ScriptOutcome> ReplayFolder(string folder, TextWriter output, bool showsDifferences)
    {
        List<ScriptOutcome> outcomes = [];
        foreach (string path in Directory.EnumerateFiles(folder, "*.txt", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            ScriptOutcome outcome = ReplayFile(path);
            outcomes.Add(outcome);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(outcome.Passed ? "pass" : "FAIL")}  {Path.GetRelativePath(folder, path)}  {outcome.Blocks} blocks, {outcome.Differences.Count} differences"));
            foreach (ScriptDifference difference in showsDifferences ? outcome.Differences : [])
            {
                output.WriteLine(difference);
            }
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{outcomes.Count(outcome => outcome.Passed)} of {outcomes.Count} files pass, {outcomes.Sum(outcome => outcome.Blocks)} blocks, {outcomes.Sum(outcome => outcome.Differences.Count)} differences"));
        return outcomes;
    }

    private static void Replay(string path, IScriptCommands commands, IReadOnlyList<ScriptBlock> blocks, List<ScriptDifference> differences)
    {
        foreach (ScriptBlock block in blocks)
        {
            string actual;
            bool isBroken = false;
            try
            {
                actual = commands.Run(block);
            }
            catch (ScriptFormatException fault)
            {
                // Whatever comes after a command that cannot be carried out means nothing.
                actual = $"error: {fault.Message}";
                isBroken = true;
            }
            catch (Exception fault)
            {
                actual = fault.ToString();
                isBroken = true;
            }

            string expected = Comparable(block.Expected);
            actual = Comparable(actual);
            if (!string.Equals(expected, actual, StringComparison.Ordinal))
            {
                differences.Add(new ScriptDifference(path, block.Line, block.Command, expected, actual));
            }

            if (isBroken)
            {
                return;
            }
        }
    }

    private static string Comparable(string output)
    {
        var text = new StringBuilder();
        foreach (string line in output.Split('\n'))
        {
            string word = line.TrimStart().Split(' ')[0];
            if (line.Length > 0 && !LogLevels.Contains(word, StringComparer.Ordinal))
            {
                text.Append(line).Append('\n');
            }
        }

        return text.Length == 0 ? "ok" : text.ToString().TrimEnd('\n');
    }

    private static IScriptCommands CommandsFor(string path, IReadOnlyList<ScriptBlock> blocks)
    {
        bool UsesOnly(IReadOnlyList<string> names) => blocks.Count > 0 && blocks.All(block => names.Contains(block.Command, StringComparer.Ordinal));
        return Path.GetFileName(Path.GetDirectoryName(path)) switch
        {
            "quorum" => new QuorumCommands(),
            "confchange" => new ConfigurationCommands(),
            "interaction" => new ClusterCommands(),
            _ when UsesOnly(QuorumCommands.Names) => new QuorumCommands(),
            _ when UsesOnly(ConfigurationCommands.Names) => new ConfigurationCommands(),
            _ => new ClusterCommands(),
        };
    }
}
