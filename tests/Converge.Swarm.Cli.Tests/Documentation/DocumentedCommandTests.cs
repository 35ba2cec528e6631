using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Converge.Core;
using Converge.Swarm.Cli.Help;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Cli.Tests.Durability;

namespace Converge.Swarm.Cli.Tests.Documentation;

/// <summary>What the pages tell a reader to type is typed here, against a swarm of three processes.</summary>
[Collection(DurabilityCollection.Name)]
public sealed class DocumentedCommandTests
{
    /// <summary>A page may speak of a record by a number up to this.</summary>
    private const int RecordsThereAre = 60;

    /// <summary>A stream has no end: this long is listened, and it must have said something.</summary>
    private const string StreamSeconds = "3";

    private const int CurlTimedOut = 28;

    private const int TransferAttempts = 10;
    private const string InVain = "did not take over within";

    /// <summary>What a placeholder of the pages may stand for.</summary>
    private static readonly Dictionary<string, string> Placeholders = new(StringComparer.Ordinal)
    {
        ["COMMAND"] = "log",
        ["DIR"] = "data",
        ["FILE"] = "file",
        ["HEAD"] = "head.json",
        ["ID"] = "p1",
        ["KIND"] = "proposal_created",
        ["SEQUENCE"] = "42",
        ["SHELL"] = "bash",
        ["TOPIC"] = "exit-codes",
        ["URL"] = "http://127.0.0.1:7101",
    };

    public static TheoryData<string> WithCommands => [.. Pages.All().Where(page => DocumentedCommand.Of(page, Pages.Read(page)).Count > 0)];

    [ShellTheory]
    [MemberData(nameof(WithCommands))]
    public async Task What_a_page_says_to_type_does_what_it_says(string page)
    {
        await using ProcessSwarm swarm = await ProcessSwarm.StartAsync();
        await swarm.AgreeAsync();
        using TemporaryFolder folder = await PrepareAsync(swarm);
        foreach (DocumentedCommand command in DocumentedCommand.Of(page, Pages.Read(page)).Where(command => command.Line is not "./converge up"))
        {
            (int exitCode, string output) = await RunAsync(swarm, folder.Path, command);
            for (int attempt = 1; attempt < TransferAttempts && output.Contains(InVain, StringComparison.Ordinal); attempt++)
            {
                // A transfer may be in vain where the processors are busy with something else; then it is said so, and tried again.
                await swarm.AgreeAsync();
                (exitCode, output) = await RunAsync(swarm, folder.Path, command);
            }

            bool isStream = command.Line.Contains("curl -N", StringComparison.Ordinal);
            int expected = isStream ? CurlTimedOut : command.Remark.StartsWith("refused", StringComparison.Ordinal) ? ExitCode.Failed : ExitCode.Success;
            Assert.True(exitCode == expected, $"{page}: {command.Line}\nended with {exitCode}, not {expected}:\n{output}");
            Assert.True(!isStream || output.Contains("data: {", StringComparison.Ordinal), $"{page}: {command.Line}\nsaid nothing: {output}");
        }
    }

    /// <summary>What is only mentioned, and what the help gives as examples, is at least what the program understands.</summary>
    [Fact]
    public void Every_call_that_is_mentioned_anywhere_is_understood()
    {
        RootCommand root = ConvergeProgram.Root(new CommandTerminal(TextWriter.Null, false, TextWriter.Null, false));
        List<(string Where, string Line)> calls =
        [
            .. Pages.All().SelectMany(page => DocumentedCommand.Mentioned(Pages.Read(page)).Select(line => (page, line))),
            .. Pages.All().SelectMany(page => DocumentedCommand.Of(page, Pages.Read(page)).Where(command => command.Program is "converge" or "./converge").Select(command => (page, command.Line))),
            .. CommandPath.All(root).SelectMany(command => ExamplesOf(command).Select(line => (command.Path, line))),
        ];

        Assert.True(calls.Count > 60, $"Only {calls.Count} calls were found.");
        List<string> wrong = [];
        foreach ((string where, string line) in calls)
        {
            string[] words = [.. CommandLineParser.SplitCommandLine(line).Skip(1).TakeWhile(word => word[0] is not ('>' or '|' or '<')).Select(Filled)];
            ParseResult parsed = root.Parse(words);

            // A sentence may name a command without what it needs.
            IEnumerable<string> errors = parsed.Errors.Select(error => error.Message).Where(error => !error.Contains("required", StringComparison.OrdinalIgnoreCase));
            wrong.AddRange(parsed.UnmatchedTokens.Select(token => $"'{token}' is not understood.").Concat(errors).Select(error => $"{where}: {line}: {error}"));
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static string Filled(string word) => Placeholders.GetValueOrDefault(word, word);

    private static IEnumerable<string> ExamplesOf(CommandPath command) =>
        (command.Examples ?? "").Split('\n').Where(line => line.StartsWith("  converge ", StringComparison.Ordinal)).Select(line => line.Trim().Split("   ")[0]);

    /// <summary>A folder as a reader's, with what the pages speak of; and a swarm with some records.</summary>
    private static async Task<TemporaryFolder> PrepareAsync(ProcessSwarm swarm)
    {
        TemporaryFolder folder = new();
        await File.WriteAllTextAsync(folder["facts.jsonl"], Facts.Line(new ProposalCreated("from-a-file", "ann")) + Facts.Line(new PromotionApproved("from-a-file", "bob")));
        Directory.CreateDirectory(folder["data"]);
        Directory.CreateSymbolicLink(folder["data/up"], swarm.Layout.Folder);
        await File.WriteAllTextAsync(folder["converge"], $"#!/bin/sh\nexec {Quoted(ProgramFile.Start([]))} \"$@\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder["converge"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        IReadOnlyList<CommitAnswer> answers = await swarm.Nodes[0].Client.CommitAsync(
            [.. Enumerable.Range(1, RecordsThereAre).Select(i => new FactSubmission(new ProposalCreated(string.Create(CultureInfo.InvariantCulture, $"earlier-{i}"), "ann")))]);
        Assert.All(answers, answer => Assert.IsType<FactAccepted>(answer));
        await swarm.AgreeAsync();
        return folder;
    }

    private static string Quoted(ProcessStartInfo program) => string.Join(' ', program.ArgumentList.Prepend(program.FileName).Select(word => $"'{word}'"));

    private static async Task<(int ExitCode, string Output)> RunAsync(ProcessSwarm swarm, string folder, DocumentedCommand command)
    {
        StringBuilder line = new(command.Line);
        for (int i = 0; i < swarm.Urls.Count; i++)
        {
            line.Replace(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{7101 + i}"), swarm.Urls[i].GetLeftPart(UriPartial.Authority));
        }

        // A reader sees what the answer says; here it is the exit code that tells.
        line.Replace("curl -N", $"curl -N --max-time {StreamSeconds}").Replace("curl ", "curl --silent --show-error --fail-with-body --noproxy '*' ");
        ProcessStartInfo start = new("bash", ["-c", $"({line}) 2>&1"]) { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{folder}{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["CONVERGE_URL"] = string.Join(',', swarm.Urls);
        using Process shell = Process.Start(start)!;
        shell.StandardInput.Close();
        string output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync().WaitAsync(ConvergeRun.Patience);
        return (shell.ExitCode, output);
    }
}

/// <summary>A test that needs what the pages call beside <c>converge</c>; skipped, with what is missing, where it is not there.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ShellTheoryAttribute : TheoryAttribute
{
    private static readonly string[] Needed = ["bash", "curl", "sqlite3"];

    public ShellTheoryAttribute()
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        string[] missing = [.. Needed.Where(program => !folders.Any(folder => File.Exists(Path.Combine(folder, program))))];
        Skip = missing.Length == 0 ? null : $"Not installed here: {string.Join(", ", missing)}.";
    }
}
