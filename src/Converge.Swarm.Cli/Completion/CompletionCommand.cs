using System.CommandLine;
using Converge.Swarm.Cli.Terminal;

namespace Converge.Swarm.Cli.Completion;

/// <summary><c>converge completion</c>: lets a shell complete commands, options and their values.</summary>
internal static class CompletionCommand
{
    public static Command Build(CommandTerminal terminal)
    {
        Argument<string> shell = new("shell") { Description = $"One of {string.Join(", ", ShellScripts.Shells)}." };
        shell.CompletionSources.Add([.. ShellScripts.Shells]);
        shell.Validators.Add(given =>
        {
            if (given.Tokens.Count > 0 && !ShellScripts.Shells.Contains(given.Tokens[0].Value, StringComparer.Ordinal))
            {
                given.AddError($"There is no script for '{given.Tokens[0].Value}'; there are some for {string.Join(", ", ShellScripts.Shells)}.");
            }
        });
        Command command = new(
            "completion",
            """
            Writes a script that lets a shell complete what is typed after 'converge'. The script asks the program itself, which looks
            at nothing but the line: no node is needed.

            Examples:
              source <(converge completion bash)                                      in ~/.bashrc
              source <(converge completion zsh)                                       in ~/.zshrc, after compinit
              converge completion fish | source                                       in ~/.config/fish/config.fish
              converge completion pwsh | Out-String | Invoke-Expression               in $PROFILE
            """)
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            terminal.Out.Write(ShellScripts.For(parsed.GetRequiredValue(shell)));
            return ExitCode.Success;
        });
        return command;
    }
}
