using Converge.Core;

namespace Converge.Swarm.Storage;

/// <summary>
/// The Raft log that a sequence of batches makes: what a node has after it has stored them. Pure; one thread at a time.
/// </summary>
public sealed class LogModel
{
    private readonly List<LogEntry> _entries = [];

    /// <summary>The log without its entries' data.</summary>
    public LogOutline Outline { get; private set; } = LogOutline.Empty;

    /// <summary>Term, vote and commit index.</summary>
    public DurableState State => Outline.State;

    /// <summary>The last entry that a snapshot covers; all zero when there is none.</summary>
    public SnapshotMark Mark => Outline.Mark;

    /// <summary>The entries after the mark, in order and without gaps.</summary>
    public IReadOnlyList<LogEntry> Entries => _entries;

    /// <summary>Takes in a batch.</summary>
    /// <exception cref="LogOrderException">It does not fit; nothing was changed.</exception>
    public void Apply(LogBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var before = Outline.FirstIndex;
        Outline = Outline.After(batch);
        LogSpan.Change(_entries, before, batch);
    }
}

/// <summary>
/// The Raft log that the end of a sequence of batches makes, when what was before it has been removed. What was removed had no effect
/// any more, but how it lost that effect may stand later than what depended on it; so the batches are judged only at the end.
/// </summary>
internal sealed class LogRemainder
{
    private readonly List<LogEntry> _entries = [];
    private DurableState? _state;
    private SnapshotMark? _mark;

    public void Apply(LogBatch batch)
    {
        _state = batch.State ?? _state;
        _mark = batch.Mark ?? _mark;
        LogSpan.Change(_entries, _entries.Count == 0 ? LogIndex.Zero : _entries[0].Index, batch);
    }

    /// <summary>All of it as one batch for an empty log.</summary>
    /// <exception cref="LogOrderException">No mark says that what was before it could go.</exception>
    public LogBatch ToBatch() =>
        _mark is { } mark
            ? new LogBatch { State = _state, Mark = mark, Entries = [.. _entries] }
            : throw new LogOrderException("The beginning of the log is gone, and no snapshot was marked that replaces it.");
}

/// <summary>What a batch does to a run of entries.</summary>
file static class LogSpan
{
    public static void Change(List<LogEntry> entries, LogIndex first, LogBatch batch)
    {
        if (batch.TruncateFrom is { } from)
        {
            RemoveFrom(entries, from);
        }

        if (batch.Mark is { } mark && mark.Index >= first)
        {
            entries.RemoveRange(0, (int)Math.Min((ulong)entries.Count, mark.Index.Value - first.Value + 1));
        }

        entries.AddRange(batch.Entries);
    }

    private static void RemoveFrom(List<LogEntry> entries, LogIndex from)
    {
        var first = entries.Count == 0 ? from : entries[0].Index;
        var kept = from <= first ? 0 : (int)Math.Min((ulong)entries.Count, from.Value - first.Value);
        entries.RemoveRange(kept, entries.Count - kept);
    }
}
