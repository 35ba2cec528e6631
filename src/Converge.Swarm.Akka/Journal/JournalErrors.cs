namespace Converge.Swarm.Akka;

/// <summary>The journal does not have a write on disk when it confirms it, or cannot be opened. The node was not started.</summary>
public sealed class JournalNotDurableException : Exception
{
    internal JournalNotDurableException(string connectionString, string why, Exception? inner = null)
        : base($"The journal '{connectionString}' cannot hold a log: {why}.", inner)
    {
    }
}

/// <summary>The journal does not hold the log that it should. The node stops; its data must be replaced from the others.</summary>
public sealed class JournalDamagedException : Exception
{
    internal JournalDamagedException(string persistenceId, string what, Exception? inner = null)
        : base($"The journal of '{persistenceId}' is not as it was written: {what}", inner)
    {
    }
}
