using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text;
using Converge.Swarm.Cli.Connection;

namespace Converge.Swarm.Cli.Help;

/// <summary>All commands as one page for <c>man</c>: roff with the man macros, made of what the commands say of themselves.</summary>
internal static class ManualPage
{
    public const string UrlVariable = "The nodes that a command speaks to unless they are named, separated by commas.";

    /// <summary>Writes the page.</summary>
    /// <param name="root">The program.</param>
    /// <param name="output">Where to.</param>
    public static void Write(Command root, TextWriter output)
    {
        string version = typeof(ManualPage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";
        output.WriteLine($".TH CONVERGE 1 \"\" \"Converge Swarm {Escaped(version)}\" \"User Commands\"");
        Section(output, "NAME");
        output.WriteLine("converge \\- an agreed, durable, tamper\\-evident ledger of governance facts");
        Section(output, "SYNOPSIS");
        output.WriteLine(".B converge\n.I COMMAND\n.RI [ options ]");
        Section(output, "DESCRIPTION");
        Text(output, (root.Description ?? "").ReplaceLineEndings("\n"));
        Section(output, "COMMANDS");
        foreach (CommandPath command in CommandPath.All(root).Where(command => command.Command.Subcommands.Count == 0))
        {
            Write(command, output);
        }

        Section(output, "EXIT STATUS");
        foreach ((int code, string meaning) in ExitCodes.All)
        {
            Item(output, code.ToString(CultureInfo.InvariantCulture), $"{meaning}.");
        }

        Section(output, "ENVIRONMENT");
        Item(output, SwarmUrls.EnvironmentVariable, UrlVariable);
    }

    private static void Write(CommandPath command, TextWriter output)
    {
        string arguments = string.Concat(command.Command.Arguments.Select(argument => $" {argument.HelpName ?? argument.Name.ToUpperInvariant()}"));
        output.WriteLine($".SS \"{Escaped(command.Path + arguments)}\"");
        Text(output, command.Summary);
        foreach (Argument argument in command.Command.Arguments)
        {
            Item(output, argument.HelpName ?? argument.Name.ToUpperInvariant(), argument.Description);
        }

        foreach (Option option in command.Command.Options.Where(option => !option.Hidden))
        {
            string value = option.Arity.MaximumNumberOfValues == 0 || option is Option<bool> ? "" : $" {option.HelpName ?? option.Name.TrimStart('-').ToUpperInvariant()}";
            Item(output, string.Join(", ", option.Aliases.Prepend(option.Name)) + value, option.Description);
        }

        if (command.Examples is { } examples)
        {
            output.WriteLine(".PP");
            Text(output, examples);
        }

        output.WriteLine(".PP");
        output.WriteLine($"Ends with {string.Join(", ", ExitCodes.Of(command.Path).Select(entry => entry.Code.ToString(CultureInfo.InvariantCulture)))}.");
    }

    private static void Section(TextWriter output, string title) => output.WriteLine($".SH {title}");

    private static void Item(TextWriter output, string name, string? text)
    {
        output.WriteLine(".TP");
        output.WriteLine($".B {Escaped(name)}");
        output.WriteLine(Escaped(text ?? ""));
    }

    /// <summary>Paragraphs; lines that are indented keep their breaks.</summary>
    private static void Text(TextWriter output, string text)
    {
        bool verbatim = false;
        foreach (string line in text.Split('\n'))
        {
            if (verbatim != line.StartsWith("  ", StringComparison.Ordinal))
            {
                verbatim = !verbatim;
                output.WriteLine(verbatim ? ".nf" : ".fi");
            }

            output.WriteLine(line.Length == 0 ? ".PP" : Escaped(line));
        }

        if (verbatim)
        {
            output.WriteLine(".fi");
        }
    }

    private static string Escaped(string text)
    {
        string escaped = new StringBuilder(text).Replace("\\", "\\e").Replace("-", "\\-").Replace("\"", "\\(dq").Replace("…", "...").Replace("\n", " ").ToString();
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? $"\\&{escaped}" : escaped;
    }
}
