namespace Converge.Build;

/// <summary>One thing the driver can be asked to do.</summary>
/// <param name="Name">What is typed.</param>
/// <param name="Options">What may follow it.</param>
/// <param name="Help">One line.</param>
/// <param name="Run">Does it and returns the exit code.</param>
internal sealed record Word(string Name, string Options, string Help, Func<string[], int> Run);

/// <summary>What the driver's exit code means.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int Usage = 2;
    public const int Interrupted = 130;
}

/// <summary>The driver was called in a way it does not understand.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The driver was told to stop.</summary>
internal sealed class InterruptedException : Exception;
