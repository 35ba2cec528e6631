using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Projection;

public sealed partial class LedgerProjection
{
    [LoggerMessage(1, LogLevel.Information, "The projection ({Store}) is at record {Sequence}; the ledger has {Records}.")]
    private static partial void LogOpened(ILogger logger, string store, ulong sequence, ulong records);

    [LoggerMessage(2, LogLevel.Information, "The projection ({Store}) has caught up at record {Sequence}, {RecordsPerSecond} records a second.")]
    private static partial void LogCaughtUp(ILogger logger, string store, ulong sequence, long recordsPerSecond);

    [LoggerMessage(3, LogLevel.Warning, "The projection ({Store}) does not follow the ledger; commits do not need it, and it is tried again in {Seconds} s: {Reason}")]
    private static partial void LogFailed(ILogger logger, string store, double seconds, string reason);

    [LoggerMessage(4, LogLevel.Warning, "The projection ({Store}) did not stop in time; the process will end it.")]
    private static partial void LogLeftBehind(ILogger logger, string store);
}
