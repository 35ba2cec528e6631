using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Converge.Swarm.Cli.Nodes;

/// <summary>A node's log: one line an event, on the error stream.</summary>
internal static class NodeLogging
{
    public static ILoggerFactory ToErrorStream(LogLevel level) => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(level)

        // The web server's own events are about bytes, not about the swarm.
        .AddFilter("Microsoft", level < LogLevel.Information ? level : (LogLevel)Math.Max((int)level, (int)LogLevel.Warning))
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
        })
        .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
}
