using Converge.Core;

namespace Converge.Swarm.Storage;

/// <summary>One entry of the Raft log as it is stored: opaque but for its place.</summary>
/// <param name="Index">Its place.</param>
/// <param name="Term">The term of the leader that made it.</param>
/// <param name="Kind">What the protocol uses it for; storage does not look at it.</param>
/// <param name="Data">Its bytes.</param>
public readonly record struct LogEntry(LogIndex Index, Term Term, byte Kind, ReadOnlyMemory<byte> Data)
{
    /// <summary>Equal in every part; data are compared by content.</summary>
    public bool Equals(LogEntry other) =>
        Index == other.Index && Term == other.Term && Kind == other.Kind && Data.Span.SequenceEqual(other.Data.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Index, Term, Kind, Data.Length);
}

/// <summary>What a node must remember apart from entries (Raft paper, figure 2: persistent state; the commit index saves time).</summary>
/// <param name="Term">The latest term it knows of.</param>
/// <param name="Vote">Whom it voted for in that term, or <see cref="NodeId.None"/>.</param>
/// <param name="Commit">What it knew to be committed.</param>
public readonly record struct DurableState(Term Term, NodeId Vote, LogIndex Commit);

/// <summary>The last entry that a durable snapshot covers. Entries up to it are no longer part of the log.</summary>
/// <param name="Index">Its place.</param>
/// <param name="Term">Its term.</param>
public readonly record struct SnapshotMark(LogIndex Index, Term Term);

/// <summary>
/// One change of the durable Raft log: all of it is on disk or nothing. Every host stores the same batches, as a record of the
/// segmented log or as a persistent event, in the encoding of <see cref="LogBatchCodec"/>.
/// </summary>
/// <remarks>
/// Its parts take effect in the order of its members: the truncation, the mark, the entries; the state holds for the result. What a
/// batch may say is checked by <see cref="LogOutline.After"/>.
/// </remarks>
public sealed record LogBatch
{
    /// <summary>A batch with nothing in it.</summary>
    public static readonly LogBatch Empty = new();

    /// <summary>The new term, vote and commit index; null when none of them changed. A batch with a mark restates them.</summary>
    public DurableState? State { get; init; }

    /// <summary>Entries from here on are taken back; the leader of a later term has others there. Never a committed one.</summary>
    public LogIndex? TruncateFrom { get; init; }

    /// <summary>
    /// A snapshot is durable: the log begins after it. Entries behind it stay, so a log that has another entry in its place must be
    /// truncated in the same batch.
    /// </summary>
    public SnapshotMark? Mark { get; init; }

    /// <summary>Entries that follow the last one without a gap.</summary>
    public IReadOnlyList<LogEntry> Entries { get; init; } = [];

    /// <summary>True when it changes nothing.</summary>
    public bool IsEmpty => State is null && Mark is null && TruncateFrom is null && Entries.Count == 0;
}

/// <summary>A batch does not fit the log that it is to change. Nothing was changed.</summary>
public sealed class LogOrderException : InvalidOperationException
{
    /// <summary>Says what does not fit, with the values.</summary>
    public LogOrderException(string message)
        : base(message)
    {
    }
}

/// <summary>Bytes are not a batch in a version that is known here.</summary>
public sealed class LogBatchFormatException : FormatException
{
    /// <summary>Says what is wrong at which byte.</summary>
    public LogBatchFormatException(int offset, string what)
        : base($"Not a log batch: at byte {offset} {what}.")
    {
        Offset = offset;
    }

    /// <summary>Where, in bytes from the batch's beginning.</summary>
    public int Offset { get; }
}
