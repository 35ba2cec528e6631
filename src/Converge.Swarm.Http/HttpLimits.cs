using Converge.Core;

namespace Converge.Swarm.Http;

/// <summary>How much the HTTP API takes on. Everything has a bound; beyond it callers get an answer that says so.</summary>
public sealed record HttpLimits
{
    /// <summary>The greatest number of open connections; further ones are closed at once.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>
    /// The greatest number of batches at work at the same time; further ones are answered <c>busy</c>. One of announced length that is no longer
    /// than <see cref="FactLimits.MaxFactBytes"/> is not counted.
    /// </summary>
    public int MaxConcurrentBatches { get; init; } = 64;

    /// <summary>The greatest number of open streams of records; further ones are answered <c>busy</c>.</summary>
    public int MaxConcurrentStreams { get; init; } = 64;

    /// <summary>A stream without a record for so long says that it is still there.</summary>
    public TimeSpan StreamHeartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The greatest length of one batch, in bytes.</summary>
    public long MaxBatchBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>How many lines of a batch are submitted together.</summary>
    public int MaxChunkLines { get; init; } = 512;

    /// <summary>How many bytes of a batch are submitted together; a single longer line still goes, up to <see cref="FactLimits.MaxFactBytes"/>.</summary>
    public int MaxChunkBytes { get; init; } = 256 * 1024;

    /// <summary>How many bytes of answers are kept for a client that does not read them; then nothing more is read from it.</summary>
    public int MaxUnsentBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>The greatest length of a request's header, in bytes.</summary>
    public int MaxHeaderBytes { get; init; } = 16 * 1024;

    /// <summary>How long a client may take to send a request's header.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A client that sends a body, or takes an answer, more slowly than this for <see cref="SlownessAllowed"/> is cut off.</summary>
    public int MinBytesPerSecond { get; init; } = 240;

    /// <summary>How long a client may be slower than <see cref="MinBytesPerSecond"/>: longer than a busy machine keeps anyone waiting.</summary>
    public TimeSpan SlownessAllowed { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an idle connection is kept.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long any request but a batch or a stream may take in all. The swarm's own limit is shorter; this one is for the case that it is not kept.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long requests at work may go on when the host stops; then they are cut off.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
