using System.Diagnostics;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Commands;

/// <summary>What a shell is told when somebody presses the tabulator, without any node.</summary>
public sealed class CompletionTests
{
    [Theory]
    [InlineData("converge pro", "proposal", "propose")]
    [InlineData("converge receipt ", "get", "verify")]
    [InlineData("converge propose proposal_created p --au", "--author")]
    [InlineData("converge log --he", "--head", "--help")]
    [InlineData("converge completion ", "bash", "fish", "pwsh", "zsh")]
    [InlineData("./converge stat", "status")]
    public async Task The_program_says_what_can_come_next(string line, params string[] expected)
    {
        CommandResult answer = await ConvergeRun.ProcessAsync($"[suggest:{line.Length}]", line);

        Assert.Equal(ExitCode.Success, answer.ExitCode);
        string[] offered = answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.All(expected, word => Assert.Contains(word, offered));
    }

    [Theory]
    [InlineData("bash", "complete ")]
    [InlineData("zsh", "compdef ")]
    [InlineData("fish", "complete -c converge")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public async Task There_is_a_script_for_every_shell(string shell, string registers)
    {
        CommandResult script = await ConvergeRun.InProcessAsync("completion", shell);

        Assert.Equal(ExitCode.Success, script.ExitCode);
        Assert.Contains(registers, script.Output, StringComparison.Ordinal);
        Assert.Contains("[suggest:", script.Output, StringComparison.Ordinal);
        Assert.Empty(script.Error);
    }

    [Fact]
    public async Task A_shell_there_is_no_script_for_is_not_understood() =>
        (await ConvergeRun.InProcessAsync("completion", "csh")).AssertFault(ExitCode.Usage, "csh");

    /// <summary>The script as bash itself runs it, in a folder with a <c>converge</c> that is the built program.</summary>
    [BashTheory]
    [InlineData("converge pro", "projection proposal propose ")]
    [InlineData("converge receipt v", "verify ")]
    [InlineData("converge leader transfer --t", "--to ")]
    public async Task Bash_completes(string line, string expected)
    {
        using TemporaryFolder folder = new();
        ProcessStartInfo program = ProgramFile.Start([]);
        string command = string.Join(' ', program.ArgumentList.Prepend(program.FileName).Select(word => $"'{word}'"));
        string wrapper = folder["converge"];
        await File.WriteAllTextAsync(wrapper, $"#!/bin/sh\nexec {command} \"$@\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(wrapper, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        string script = (await ConvergeRun.InProcessAsync("completion", "bash")).Output;
        string[] words = line.Split(' ');
        string play = $$"""
            PATH={{folder.Path}}:$PATH
            {{script}}
            COMP_LINE='{{line}}' COMP_POINT={{line.Length}}
            _converge_complete converge '{{words[^1]}}' '{{words[^2]}}'
            printf '%s ' $(printf '%s\n' "${COMPREPLY[@]}" | sort)
            """;
        ProcessStartInfo start = new("bash", ["-c", play]) { UseShellExecute = false, RedirectStandardOutput = true };
        using Process bash = Process.Start(start)!;
        string output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync().WaitAsync(ConvergeRun.Patience);

        Assert.Equal(expected, output);
    }
}

/// <summary>A test that needs bash; skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BashTheoryAttribute : TheoryAttribute
{
    public BashTheoryAttribute() => Skip = File.Exists("/bin/bash") ? null : "There is no bash here.";
}
