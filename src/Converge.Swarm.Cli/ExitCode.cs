namespace Converge.Swarm.Cli;

/// <summary>What the program's exit code means, the same for every command; <c>docs/cli.md</c> lists them.</summary>
internal static class ExitCode
{
    /// <summary>Done, and what was asked about is so.</summary>
    public const int Success = 0;

    /// <summary>It failed, or what was asked about is not so.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration is not understood. Nothing was done.</summary>
    public const int Usage = 2;

    /// <summary>The swarm cannot be reached, or cannot agree now. Trying again is safe.</summary>
    public const int Unavailable = 3;

    /// <summary>A fact was handed on and its outcome is not known. Repeating it under the same command id is safe and tells.</summary>
    public const int OutcomeUnknown = 4;

    /// <summary>Another process has the data folder or the address.</summary>
    public const int InUse = 5;

    /// <summary>Files on this node are damaged, or the node's state differs from the swarm's.</summary>
    public const int Damaged = 6;

    /// <summary>A fault of the program itself, said with all that is known about it.</summary>
    public const int ProgramFault = 70;

    /// <summary>Ended by Ctrl-C or a termination signal before it was done.</summary>
    public const int Interrupted = 130;
}
