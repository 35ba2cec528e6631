using System.Runtime.InteropServices;

namespace Converge.Swarm.Hosting;

/// <summary>
/// Work that waits for a disk, or for another machine, on a thread of its own. The thread pool begins with one thread a processor and adds one
/// each half second while all of them wait: a snapshot and a flush of the ledger at once would stop every commit for so long.
/// </summary>
internal static partial class OwnThread
{
    private const TaskCreationOptions Options =
        TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach | TaskCreationOptions.RunContinuationsAsynchronously;

    private const int OfProcess = 0;
    private const int Caller = 0;
    private const int Nice = 10;

    /// <summary>Does it; what it throws the task holds. Whoever awaits the task goes on elsewhere.</summary>
    /// <param name="work">What is to be done.</param>
    /// <param name="inBackground">Nobody waits for it: it is done on what processor others leave.</param>
    public static Task Run(Action work, bool inBackground = false) =>
        Run(() =>
        {
            if (inBackground)
            {
                LowerPriority();
            }

            work();
            return true;
        });

    /// <inheritdoc cref="Run(Action, bool)"/>
    public static Task<T> Run<T>(Func<T> work) => Task.Factory.StartNew(work, CancellationToken.None, Options, TaskScheduler.Default);

    /// <summary>For good: a thread may lower its priority, but not raise it again. It ends with its work.</summary>
    private static void LowerPriority()
    {
        if (OperatingSystem.IsLinux())
        {
            // There .NET's own property does nothing. A system that refuses has its reasons, and the work is done all the same.
            _ = SetPriority(OfProcess, Caller, Nice);
        }
        else
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
