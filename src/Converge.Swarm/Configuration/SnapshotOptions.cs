namespace Converge.Swarm;

/// <summary>When a node takes a snapshot of its state, and what stays in its log behind it.</summary>
public sealed record SnapshotOptions
{
    /// <summary>How many times as much may have been applied before a snapshot is due, when the state is large.</summary>
    public const int MaxPatience = 4;

    /// <summary>So many times the bytes of a snapshot come to the log before the next one is due, as long as <see cref="MaxPatience"/> allows it.</summary>
    public const int LogPerSnapshot = 8;

    /// <summary>
    /// A snapshot is taken when so many entries were applied since the last one. More, up to <see cref="MaxPatience"/> times, when the last one
    /// is large against <see cref="Bytes"/>: all of the state is written, and what that costs a commit must not grow with it.
    /// </summary>
    public int Entries { get; init; } = 100_000;

    /// <summary>
    /// A snapshot is taken, too, when the entries applied since the last one came to so many bytes; or to <see cref="LogPerSnapshot"/> times those of
    /// the last one, up to <see cref="MaxPatience"/> times as many.
    /// </summary>
    public long Bytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// So many entries stay in the log behind a snapshot, for followers that are a little behind: entries are cheaper than a snapshot.
    /// Fewer when they come to more than a quarter of <see cref="Bytes"/>.
    /// </summary>
    public int KeepEntries { get; init; } = 10_000;

    /// <summary>What must have been applied since a snapshot of so many bytes for the next one to be due; zero bytes when there is none.</summary>
    internal (long Entries, long Bytes) DueAfter(long snapshotBytes)
    {
        // So a snapshot is no more than an eighth of the log behind it, until it is larger than that part of all that a log is to keep.
        long bytes = (long)Int128.Clamp((Int128)LogPerSnapshot * snapshotBytes, Bytes, (Int128)MaxPatience * Bytes);
        return ((long)((Int128)Entries * bytes / Bytes), bytes);
    }
}
