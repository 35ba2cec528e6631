namespace Converge.Swarm.Cli.Completion;

/// <summary>
/// The scripts. Each hands the whole line and the place of the cursor in it to the program, by System.CommandLine's directive
/// <c>[suggest:N]</c>, and offers what comes back, one word a line; files where nothing does.
/// </summary>
internal static class ShellScripts
{
    private const string Bash =
        """
        # Completion of converge for bash: source <(converge completion bash)
        _converge_complete()
        {
            local IFS=$'\n'
            local line=${COMP_LINE:0:$COMP_POINT}
            COMPREPLY=($(compgen -W "$("$1" "[suggest:${#line}]" "$line" 2>/dev/null)" -- "$2"))
        }
        complete -o default -F _converge_complete converge

        """;

    private const string Zsh =
        """
        # Completion of converge for zsh: source <(converge completion zsh)
        _converge_complete()
        {
            local line=${BUFFER[1,$CURSOR]}
            local -a suggestions
            suggestions=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
            suggestions=(${suggestions:#})
            if (( ${#suggestions} ))
            then
                compadd -a suggestions
            else
                _files
            fi
        }
        compdef _converge_complete converge

        """;

    private const string Fish =
        """
        # Completion of converge for fish: converge completion fish | source
        function _converge_complete
            set -l line (commandline -cp)
            set -l program (commandline -opc)[1]
            $program "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c converge -a '(_converge_complete)'

        """;

    private const string PowerShell =
        """
        # Completion of converge for PowerShell: converge completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName converge -ScriptBlock {
            param($word, $tree, $cursor)
            $line = $tree.ToString().PadRight($cursor).Substring(0, $cursor)
            $program = $tree.CommandElements[0].ToString()
            & $program "[suggest:$cursor]" "$line" 2>$null | Where-Object { $_ -like "$word*" } | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }

        """;

    /// <summary>The shells there are scripts for.</summary>
    public static IReadOnlyList<string> Shells { get; } = ["bash", "zsh", "fish", "pwsh"];

    /// <summary>The script for a shell.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is none.</exception>
    public static string For(string shell) => shell switch
    {
        "bash" => Bash,
        "zsh" => Zsh,
        "fish" => Fish,
        "pwsh" => PowerShell,
        _ => throw new ArgumentOutOfRangeException(nameof(shell), shell, "There is no script for this shell."),
    };
}
