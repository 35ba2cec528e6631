using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Tests.Hosting;

/// <summary>Keeps what a node says, and breaks where a test says: as good a way as any to have something unexpected happen within it.</summary>
internal sealed class ScriptedLogging : ILoggerFactory
{
    private readonly Lock _gate = new();
    private readonly List<(int Event, Exception? Exception)> _said = [];

    /// <summary>Which events cannot be said, and what is thrown then.</summary>
    public Func<int, Exception?> Breaks { get; init; } = _ => null;

    /// <summary>The events that were said so far, in their order.</summary>
    public IReadOnlyList<int> Events
    {
        get
        {
            lock (_gate)
            {
                return [.. _said.Select(said => said.Event)];
            }
        }
    }

    /// <summary>Whether an event was said about an exception.</summary>
    public bool Said(int @event, Exception about)
    {
        lock (_gate)
        {
            return _said.Contains((@event, about));
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
        // Holds nothing.
    }

    private void Say(int @event, Exception? exception)
    {
        lock (_gate)
        {
            _said.Add((@event, exception));
        }

        if (Breaks(@event) is { } broken)
        {
            throw broken;
        }
    }

    private sealed class Logger(ScriptedLogging owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner.Say(eventId.Id, exception);
    }
}
