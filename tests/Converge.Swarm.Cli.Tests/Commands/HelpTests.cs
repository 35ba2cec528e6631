using System.CommandLine;
using Converge.Swarm.Cli.Help;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Tests;

namespace Converge.Swarm.Cli.Tests.Commands;

/// <summary>Whoever looks for help finds it: at every command, in the manual page, on the page of the documentation.</summary>
public sealed class HelpTests
{
    private static readonly string Page = File.ReadAllText(RepositoryFiles.Find("docs", "cli.md"));

    public static TheoryData<string> Leaves => [.. Commands().Where(command => command.Command.Subcommands.Count == 0).Select(command => command.Path)];

    [Theory]
    [MemberData(nameof(Leaves))]
    public async Task The_help_of_a_command_has_a_summary_examples_options_and_exit_codes(string path)
    {
        CommandPath command = Find(path);
        CommandResult help = await ConvergeRun.InProcessAsync([.. path.Split(' ').Skip(1), "--help"]);

        Assert.Equal(ExitCode.Success, help.ExitCode);
        Assert.NotEmpty(command.Summary);
        Assert.Contains("Example", help.Output, StringComparison.Ordinal);
        Assert.Contains($"  {path.Split(' ')[0]} ", help.Output, StringComparison.Ordinal);
        Assert.All(command.Command.Options.Where(option => !option.Hidden), option => Assert.Contains(option.Name, help.Output, StringComparison.Ordinal));
        Assert.Contains("Exit codes:", help.Output, StringComparison.Ordinal);
        Assert.True(ExitCodes.AreKnown(path), $"It is not laid down with which codes '{path}' ends.");
        Assert.All(ExitCodes.Of(path), code => Assert.Contains($"  {code.Code,-3}  {code.Meaning}", help.Output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_overview_has_one_line_a_command()
    {
        string[] lines = (await ConvergeRun.InProcessAsync("--help")).Output.ReplaceLineEndings("\n").Split('\n');
        string[] listed = [.. lines.SkipWhile(line => line is not "Commands:").Skip(1).TakeWhile(line => line.Length > 0)];

        Assert.Equal(Find("converge").Command.Subcommands.Select(command => command.Name), listed.Select(line => line.Trim().Split(' ')[0]));
        Assert.All(listed, line => Assert.EndsWith(".", line, StringComparison.Ordinal));
        Assert.All(listed, line => Assert.True(line.Length <= 160, line));
    }

    /// <summary>What a command writes is text for a person, unless it is JSON anyway or a script; then nobody need ask for JSON.</summary>
    [Fact]
    public void Every_command_whose_result_is_for_people_gives_it_as_JSON_too() => Assert.Equal(
        ["converge export", "converge receipt get", "converge completion", "converge help"],
        Commands()
            .Where(command => command.Command.Subcommands.Count == 0 && !command.Command.Options.Any(option => option.Name is "--json"))
            .Select(command => command.Path));

    [Fact]
    public void Every_command_option_and_argument_is_described()
    {
        foreach (CommandPath command in Commands())
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Command.Description), command.Path);
            Assert.All(command.Command.Options, option => Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{command.Path} {option.Name}"));
            Assert.All(command.Command.Arguments, argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), $"{command.Path} {argument.Name}"));
        }
    }

    /// <summary>The lines of the page's tables of options are those that the program itself would write.</summary>
    [Fact]
    public void Every_command_and_option_stands_on_the_page()
    {
        List<string> missing = [];
        foreach (CommandPath command in Commands().Where(command => command.Command.Subcommands.Count == 0))
        {
            string heading = $"### `{command.Path}`";
            int start = Page.IndexOf($"{heading}\n", StringComparison.Ordinal);
            if (start < 0)
            {
                missing.Add(heading);
            }

            int end = start < 0 ? 0 : Page.IndexOf("\n#", start + 1, StringComparison.Ordinal);
            string section = start < 0 ? "" : end < 0 ? Page[start..] : Page[start..end];
            missing.AddRange(command.Command.Options.Where(IsOwn).Select(Row).Where(row => !section.Contains(row, StringComparison.Ordinal)));
        }

        Assert.True(missing.Count == 0, $"docs/cli.md lacks:\n{string.Join('\n', missing)}");
    }

    [Fact]
    public void Every_exit_code_stands_on_the_page() =>
        Assert.All(ExitCodes.All, code => Assert.Contains($"\n| {code.Code} | {code.Meaning} |\n", Page, StringComparison.Ordinal));

    [Fact]
    public async Task Help_explains_commands_and_topics_and_says_what_it_does_not_know()
    {
        CommandResult verify = await ConvergeRun.InProcessAsync("help", "receipt", "verify");
        Assert.Equal((await ConvergeRun.InProcessAsync("receipt", "verify", "--help")).Output, verify.Output);
        Assert.Equal((await ConvergeRun.InProcessAsync("--help")).Output, (await ConvergeRun.InProcessAsync("help")).Output);
        Assert.Contains("\n130  ", (await ConvergeRun.InProcessAsync("help", "exit-codes")).Output, StringComparison.Ordinal);
        Assert.StartsWith("CONVERGE_URL ", (await ConvergeRun.InProcessAsync("help", "environment")).Output, StringComparison.Ordinal);
        (await ConvergeRun.InProcessAsync("help", "nonsense")).AssertFault(ExitCode.Usage, "no help on 'nonsense'");
    }

    [Fact]
    public async Task The_manual_page_names_every_command_and_option()
    {
        CommandResult page = await ConvergeRun.InProcessAsync("help", "--man");

        Assert.Equal(ExitCode.Success, page.ExitCode);
        string plain = page.Output.Replace("\\-", "-", StringComparison.Ordinal);
        string[] lines = plain.Split('\n');
        Assert.StartsWith(".TH CONVERGE 1 ", lines[0], StringComparison.Ordinal);
        foreach (string section in new[] { "NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "ENVIRONMENT" })
        {
            Assert.Contains($".SH {section}", lines);
        }

        foreach (CommandPath command in Commands().Where(command => command.Command.Subcommands.Count == 0))
        {
            Assert.Contains(lines, line => line.StartsWith($".SS \"{command.Path}", StringComparison.Ordinal));
            Assert.All(command.Command.Options.Where(IsOwn), option => Assert.Contains(lines, line => line.StartsWith($".B {option.Name}", StringComparison.Ordinal)));
        }

        // A line that begins with a dot and is no request of ours would vanish from the page.
        string[] requests = [".TH", ".SH", ".SS", ".B", ".I", ".RI", ".TP", ".PP", ".nf", ".fi"];
        Assert.All(lines.Where(line => line.StartsWith('.')), line => Assert.Contains(line.Split(' ')[0], requests));
    }

    private static bool IsOwn(Option option) => !option.Hidden;

    private static string Row(Option option) => $"| `{string.Join("`, `", option.Aliases.Prepend(option.Name))}` | {option.Description} |";

    private static CommandPath Find(string path) => Commands().Single(command => string.Equals(command.Path, path, StringComparison.Ordinal));

    private static IEnumerable<CommandPath> Commands() =>
        CommandPath.All(ConvergeProgram.Root(new CommandTerminal(TextWriter.Null, false, TextWriter.Null, false)));
}
