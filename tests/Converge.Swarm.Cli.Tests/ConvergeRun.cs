using System.Diagnostics;
using System.Text.Json;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Terminal;

namespace Converge.Swarm.Cli.Tests;

/// <summary>The program, run inside this process or as one of its own.</summary>
internal static class ConvergeRun
{
    /// <summary>So long may anything take before a test fails instead of hanging.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Runs a command line inside this process.</summary>
    public static Task<CommandResult> InProcessAsync(params string[] arguments) => InProcessAsync(CancellationToken.None, arguments);

    /// <summary>Runs a command line inside this process until it ends or is cancelled.</summary>
    public static async Task<CommandResult> InProcessAsync(CancellationToken stopping, params string[] arguments)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        int exitCode = await ConvergeProgram.RunAsync(arguments, new CommandTerminal(output, false, error, false), stopping);
        return new CommandResult(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Runs the built program to its end.</summary>
    public static async Task<CommandResult> ProcessAsync(params string[] arguments)
    {
        using Process process = Start(arguments);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return new CommandResult(process.ExitCode, await output, await error);
    }

    /// <summary>Starts the built program.</summary>
    public static Process Start(params string[] arguments) =>
        Process.Start(ProgramFile.Start(arguments)) ?? throw new InvalidOperationException("The program did not start.");
}

/// <summary>What a command said and how it ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    /// <summary>Asserts that the command failed with one clear sentence and no result.</summary>
    public void AssertFault(int exitCode, string partOfMessage)
    {
        Assert.Contains(partOfMessage, Error, StringComparison.Ordinal);
        Assert.Equal(exitCode, ExitCode);
        Assert.Equal(1, Error.Split("converge: ").Length - 1);
        Assert.EndsWith("\n", Error, StringComparison.Ordinal);
    }
}
