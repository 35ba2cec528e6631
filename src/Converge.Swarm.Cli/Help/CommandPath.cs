using System.CommandLine;

namespace Converge.Swarm.Cli.Help;

/// <summary>A command with the names that lead to it.</summary>
/// <param name="Path">As a person types it: <c>converge receipt verify</c>.</param>
/// <param name="Command">The command.</param>
internal sealed record CommandPath(string Path, Command Command)
{
    /// <summary>The name of the program, whatever its file is called.</summary>
    public const string Program = "converge";

    /// <summary>The program, and every command below it in the order in which it offers them.</summary>
    public static IEnumerable<CommandPath> All(Command root) => Below(new CommandPath(Program, root));

    /// <summary>The path of a command.</summary>
    public static string Of(Command command)
    {
        Command? above = command.Parents.OfType<Command>().FirstOrDefault();
        return above is null ? Program : $"{Of(above)} {command.Name}";
    }

    /// <summary>What it does, without the examples.</summary>
    public string Summary => Examples is { } examples ? Text[..^examples.Length].TrimEnd() : Text;

    /// <summary>The first sentence of it, in one line.</summary>
    public string FirstSentence
    {
        get
        {
            string line = Summary.Replace('\n', ' ');
            int end = line.IndexOf(". ", StringComparison.Ordinal);
            return end < 0 ? line : line[..(end + 1)];
        }
    }

    /// <summary>The examples, with the line above them; null when there are none.</summary>
    public string? Examples
    {
        get
        {
            int start = Text.LastIndexOf("\nExample", StringComparison.Ordinal);
            return start < 0 ? null : Text[(start + 1)..];
        }
    }

    private string Text => (Command.Description ?? "").ReplaceLineEndings("\n");

    private static IEnumerable<CommandPath> Below(CommandPath above) =>
        above.Command.Subcommands.SelectMany(command => Below(new CommandPath($"{above.Path} {command.Name}", command))).Prepend(above);
}
