using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Converge.Swarm.Cli.Processes;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>POSIX signals to a node's process.</summary>
internal static class Signals
{
    private const int Terminate = 15;

    private static int Stop => OperatingSystem.IsMacOS() ? 17 : 19;

    private static int Continue => OperatingSystem.IsMacOS() ? 19 : 18;

    /// <summary>The process stands still: it neither runs nor ends, and its connections stay open.</summary>
    public static void Pause(NodeProcess process) => Send(process, Stop);

    /// <summary>The process goes on where it stood still.</summary>
    public static void Resume(NodeProcess process) => Send(process, Continue);

    /// <summary>The process is asked to end.</summary>
    public static void AskToEnd(NodeProcess process) => Send(process, Terminate);

    /// <summary>The process is asked to end.</summary>
    public static void AskToEnd(Process process) => Assert.Equal(0, Kill(process.Id, Terminate));

    private static void Send(NodeProcess process, int signal) => Assert.Equal(0, Kill(process.Id, signal));

    [DllImport("libc", EntryPoint = "kill")]
    [SuppressMessage("Interoperability", "SYSLIB1054", Justification = "The generated form needs unsafe code in this project, for two integers.")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int Kill(int processId, int signal);
}
