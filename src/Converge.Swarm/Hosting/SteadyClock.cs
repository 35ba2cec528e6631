using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Hosting;

/// <summary>
/// The clock that leases are counted on: it never jumps, and it goes on while the process is stopped and while the machine sleeps.
/// </summary>
/// <remarks>
/// On Linux <c>CLOCK_BOOTTIME</c>; the monotonic clock of .NET stands still there while the machine sleeps, and a leader that woke up
/// would take its lease for a fresh one. Elsewhere .NET's own clock: on Windows it goes on; on macOS it does not, so that leased reads must
/// not be used on a machine that sleeps.
/// </remarks>
internal static partial class SteadyClock
{
    private const int BootTime = 7;

    /// <summary>How many whole ticks of a length have passed since some moment.</summary>
    public static long Ticks(TimeSpan tick) => Nanoseconds() / (tick.Ticks * TimeSpan.NanosecondsPerTick);

    private static long Nanoseconds()
    {
        if (!OperatingSystem.IsLinux())
        {
            return Stopwatch.GetElapsedTime(0).Ticks * TimeSpan.NanosecondsPerTick;
        }

        return ClockGetTime(BootTime, out TimeSpec time) == 0
            ? (time.Seconds * TimeSpan.NanosecondsPerTick * TimeSpan.TicksPerSecond) + time.Nanoseconds
            : throw new Win32Exception(Marshal.GetLastPInvokeError(), "The system has no clock that goes on while it sleeps.");
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int ClockGetTime(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
