using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Transport;

/// <summary>
/// Lets callers in, one after the other. While the process has no handle left for one it waits, longer each time up to a bound: those who
/// call wait in the system's queue meanwhile, and whatever gives a handle back needs the processor.
/// </summary>
/// <param name="accept">Waits for the next caller.</param>
/// <param name="serve">Takes a caller over; returns at once.</param>
/// <param name="time">The clock for the waits.</param>
/// <param name="logger">Where it is said that nobody can be let in.</param>
internal sealed partial class AcceptLoop(Func<CancellationToken, ValueTask<Socket>> accept, Action<Socket> serve, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    /// <summary>A process at its limit is now at it, now below: it is said once in so long.</summary>
    private static readonly TimeSpan SilenceAfterWarning = TimeSpan.FromMinutes(1);

    private long? _warnedAt;

    /// <summary>Lets callers in until it is told to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        TimeSpan pause = FirstPause;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                serve(await accept(stop));
                pause = FirstPause;
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                // The caller was gone before it was heard; the next one need not wait for that.
            }
            catch (SocketException e)
            {
                Warn(e.Message);
                await Task.Delay(pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
            }
        }
    }

    private void Warn(string reason)
    {
        if (_warnedAt is { } warned && time.GetElapsedTime(warned) < SilenceAfterWarning)
        {
            return;
        }

        _warnedAt = time.GetTimestamp();
        LogCannotAccept(logger, reason);
    }

    [LoggerMessage(109, LogLevel.Error, "Nobody can be let in at the moment: {Reason} Who calls waits; it is tried again and again.")]
    private static partial void LogCannotAccept(ILogger logger, string reason);
}
