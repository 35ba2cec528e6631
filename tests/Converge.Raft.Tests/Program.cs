using Converge.Raft.Tests.Exhaustion;
using Converge.Raft.Tests.ScriptRunner;

namespace Converge.Raft.Tests;

/// <summary>
/// Replays a folder of protocol scripts: <c>dotnet Converge.Raft.Tests.dll FOLDER [--differences]</c>. Prints a line for each file and a
/// total; ends with 0 when there is no difference, 1 when there is, 2 when there is nothing to replay. With <c>--rewrite</c> the files are
/// made to expect what they put out now. With <c>exhaust</c> as the first argument: <see cref="ExhaustionCommand"/>.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["exhaust", ..])
        {
            return ExhaustionCommand.Run(arguments[1..], Console.Out, Console.Error);
        }

        string? folder = arguments.FirstOrDefault(argument => !argument.StartsWith("--", StringComparison.Ordinal));
        if (folder is null || !Directory.Exists(folder))
        {
            Console.Error.WriteLine(folder is null ? "Which folder?" : $"There is no folder {folder}.");
            return 2;
        }

        if (arguments.Contains("--rewrite", StringComparer.Ordinal))
        {
            foreach (string path in Directory.EnumerateFiles(folder, "*.txt", SearchOption.AllDirectories))
            {
                ScriptReplay.Rewrite(path);
            }
        }

        IReadOnlyList<ScriptOutcome> outcomes = ScriptReplay.ReplayFolder(folder, Console.Out, arguments.Contains("--differences", StringComparer.Ordinal));
        if (outcomes.Count == 0)
        {
            return 2;
        }

        return outcomes.All(outcome => outcome.Passed) ? 0 : 1;
    }
}
