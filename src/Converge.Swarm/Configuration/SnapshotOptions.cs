namespace Converge.Swarm;

/// <summary>When a node takes a snapshot of its state, and what stays in its log behind it.</summary>
public sealed record SnapshotOptions
{
    /// <summary>A snapshot is taken when so many entries were applied since the last one.</summary>
    public int Entries { get; init; } = 100_000;

    /// <summary>A snapshot is taken, too, when the entries applied since the last one came to so many bytes.</summary>
    public long Bytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// So many entries stay in the log behind a snapshot, for followers that are a little behind: entries are cheaper than a snapshot.
    /// Fewer when they come to more than a quarter of <see cref="Bytes"/>.
    /// </summary>
    public int KeepEntries { get; init; } = 10_000;
}
