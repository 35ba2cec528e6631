using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;

namespace Converge.Swarm.Cli.Help;

/// <summary>The help of a command, and below it with which codes it ends.</summary>
internal sealed class HelpWithExitCodes(HelpAction help) : SynchronousCommandLineAction
{
    /// <summary>Takes the place of the help of a command and of all below it.</summary>
    public static void AddTo(RootCommand root)
    {
        HelpOption option = root.Options.OfType<HelpOption>().Single();
        option.Action = new HelpWithExitCodes((HelpAction)option.Action!);
    }

    public override int Invoke(ParseResult parseResult)
    {
        int result = InvokeWithOneLineACommand(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Exit codes:");
        foreach ((int code, string meaning) in ExitCodes.Of(CommandPath.Of(parseResult.CommandResult.Command)))
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {code,-3}  {meaning}"));
        }

        return result;
    }

    /// <summary>The help of a command shows all that those below it say of themselves; in a list, a sentence is enough.</summary>
    private int InvokeWithOneLineACommand(ParseResult parseResult)
    {
        (Command Command, string? Description)[] below = [.. parseResult.CommandResult.Command.Subcommands.Select(command => (command, command.Description))];
        foreach ((Command command, _) in below)
        {
            command.Description = new CommandPath(CommandPath.Of(command), command).FirstSentence;
        }

        try
        {
            return help.Invoke(parseResult);
        }
        finally
        {
            foreach ((Command command, string? description) in below)
            {
                command.Description = description;
            }
        }
    }
}
