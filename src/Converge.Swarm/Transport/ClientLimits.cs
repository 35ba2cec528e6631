namespace Converge.Swarm.Transport;

/// <summary>How much a node takes on for clients of the framed protocol. Beyond it they wait or are told so; peers are never displaced.</summary>
internal sealed record ClientLimits
{
    /// <summary>The greatest body of a client's frame, in bytes.</summary>
    public const int MaxRequestBytes = 1024 * 1024;

    /// <summary>More commands than this do not come in one request: they become one stretch of the log, on whichever node they are submitted.</summary>
    public const int MaxCommands = 256;

    /// <summary>More bytes of commands than this do not come in one request, for the same reason.</summary>
    public const int MaxCommandBytes = 256 * 1024;

    /// <summary>A page of records is cut when it has grown to so many bytes.</summary>
    public const int MaxPageBytes = 1024 * 1024;

    /// <summary>More records than this are not sent in one answer.</summary>
    public const int MaxPageRecords = 1024;

    /// <summary>Connections of clients at the same time; further ones are refused as <c>busy</c>.</summary>
    public int MaxConnections { get; init; } = 1024;

    /// <summary>Requests under way on one connection; while they are, nothing more is read from it.</summary>
    public int MaxRequests { get; init; } = 1024;

    /// <summary>Bytes of commands of all clients that wait for their outcome; beyond it they are answered <c>busy</c>.</summary>
    public int MaxWaitingCommandBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>The longest time that a request for records waits for one.</summary>
    public TimeSpan MaxRecordsWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A client that takes nothing for so long is cut off.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
