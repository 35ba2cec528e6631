using System.CommandLine;
using System.Globalization;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;

namespace Converge.Swarm.Cli.Help;

/// <summary><c>converge help</c>: the manual, in pieces or as a page for <c>man</c>.</summary>
internal static class HelpCommand
{
    private const string ExitCodesTopic = "exit-codes";
    private const string EnvironmentTopic = "environment";

    /// <summary>Builds the command.</summary>
    /// <param name="terminal">Where it writes.</param>
    /// <param name="run">Runs another command line.</param>
    public static Command Build(CommandTerminal terminal, Func<string[], CancellationToken, Task<int>> run)
    {
        Argument<string[]> topic = new("topic")
        {
            Description = $"A command, such as 'receipt verify', or one of {ExitCodesTopic}, {EnvironmentTopic}; without it, the program as a whole.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<bool> man = new("--man") { Description = "Writes all of it as a manual page, for man." };
        Command command = new(
            "help",
            """
            Explains a command or a topic. Works without any node.

            Examples:
              converge help receipt verify
              converge help exit-codes
              converge help --man >converge.1
            """)
        {
            topic, man,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string[] words = parsed.GetValue(topic) ?? [];
            if (parsed.GetValue(man))
            {
                ManualPage.Write(parsed.RootCommandResult.Command, terminal.Out);
                return ExitCode.Success;
            }

            switch (words)
            {
                case [ExitCodesTopic]:
                    WriteExitCodes(terminal.Out);
                    return ExitCode.Success;
                case [EnvironmentTopic]:
                    WriteEnvironment(terminal.Out);
                    return ExitCode.Success;
                default:
                    return IsCommand(parsed.RootCommandResult.Command, words)
                        ? await run([.. words, "--help"], cancellation)
                        : throw new CommandFault(ExitCode.Usage, $"There is no help on '{string.Join(' ', words)}'. Try '{CommandPath.Program} --help'.");
            }
        });
        return command;
    }

    private static bool IsCommand(Command root, string[] words) =>
        CommandPath.All(root).Any(command => string.Equals(command.Path, string.Join(' ', words.Prepend(CommandPath.Program)), StringComparison.Ordinal));

    private static void WriteExitCodes(TextWriter output)
    {
        foreach ((int code, string meaning) in ExitCodes.All)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{code,-3}  {meaning}"));
        }
    }

    private static void WriteEnvironment(TextWriter output) => output.WriteLine($"{SwarmUrls.EnvironmentVariable}  {ManualPage.UrlVariable}");
}
