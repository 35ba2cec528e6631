namespace Converge.Swarm.Cli;

/// <summary>Ends a command with one sentence on the error stream and an exit code.</summary>
/// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
/// <param name="message">What went wrong and, where it can be said, what to do.</param>
/// <param name="details">More, a line each.</param>
internal sealed class CommandFault(int exitCode, string message, params IReadOnlyList<string> details) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public IReadOnlyList<string> Details { get; } = details;
}
