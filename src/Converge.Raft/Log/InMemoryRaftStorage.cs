using Converge.Core;

namespace Converge.Raft;

/// <summary>What came of changing an <see cref="InMemoryRaftStorage"/>.</summary>
public enum StorageChange
{
    /// <summary>Done.</summary>
    Done = 0,

    /// <summary>It speaks of a place that is compacted, or of a snapshot older than the one there is. Nothing changed.</summary>
    OutOfDate = 1,

    /// <summary>It speaks of a place behind the end of the log. Nothing changed.</summary>
    BeyondEnd = 2,
}

/// <summary>
/// The log since the last snapshot, in memory, for reading by a <see cref="RaftNode"/>. Durable by itself it is not: a host that keeps
/// one next to its disk brings it up to date when the disk has answered, before it steps that answer.
/// </summary>
/// <remarks>
/// Appending is amortised O(1); reads are slices without copies except where a slice crosses a seam between chunks; what a read gave
/// stays valid whatever happens later. Not safe for concurrent use: its owner is the owner of the node.
/// </remarks>
public sealed class InMemoryRaftStorage : IRaftStorage
{
    private readonly EntryRun _entries;
    private HardState _hardState;
    private Snapshot? _snapshot;
    private ConfigurationState _configuration;
    private Term _termBeforeFirst;

    /// <summary>
    /// An empty log that starts at index 1 and knows of no members: for a node that is to be added to a cluster, and for one that is
    /// filled from a disk by <see cref="ApplySnapshot"/>, <see cref="Append"/> and <see cref="SetHardState"/>.
    /// </summary>
    public InMemoryRaftStorage()
    {
        _entries = new EntryRun(new LogIndex(1));
        _configuration = ConfigurationState.Empty;
    }

    private InMemoryRaftStorage(InMemoryRaftStorage other)
    {
        _entries = other._entries.Clone();
        _hardState = other._hardState;
        _snapshot = other._snapshot;
        _configuration = other._configuration;
        _termBeforeFirst = other._termBeforeFirst;
    }

    /// <summary>
    /// What each of the first members of a new cluster starts from: a snapshot of the empty state at index 1, in which they are members.
    /// </summary>
    /// <remarks>
    /// A configuration that were merely assumed, without a place in the log, would be unknown to a node that is added later: it would
    /// apply the change that adds it to nothing, and believe itself to be the only voter.
    /// </remarks>
    /// <param name="configuration">The first members; the same on all of them.</param>
    /// <param name="emptyState">The data of a snapshot of the empty state machine; the same on all of them.</param>
    public static InMemoryRaftStorage Bootstrap(ConfigurationState configuration, ReadOnlyMemory<byte> emptyState = default)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var storage = new InMemoryRaftStorage();
        storage.ApplySnapshot(new Snapshot(new LogIndex(1), new Term(1), configuration, emptyState));
        return storage;
    }

    /// <inheritdoc/>
    public LogIndex FirstIndex => _entries.First;

    /// <inheritdoc/>
    public LogIndex LastIndex => _entries.Next.Previous;

    /// <summary>The last hard state that was set.</summary>
    public HardState HardState => _hardState;

    /// <inheritdoc/>
    public InitialState InitialState() => new(_hardState, _configuration);

    /// <inheritdoc/>
    public LogReadStatus Entries(LogIndex from, LogIndex to, long maxBytes, out ReadOnlyMemory<Entry> entries)
    {
        if (from < FirstIndex)
        {
            entries = default;
            return LogReadStatus.Compacted;
        }

        entries = _entries.Slice(from, to, maxBytes);
        return LogReadStatus.Ok;
    }

    /// <inheritdoc/>
    public LogReadStatus Term(LogIndex index, out Term term)
    {
        if (_entries.Holds(index))
        {
            term = _entries[index].Term;
            return LogReadStatus.Ok;
        }

        bool isBase = index.Next == FirstIndex;
        term = isBase ? _termBeforeFirst : Core.Term.Zero;
        if (isBase)
        {
            return LogReadStatus.Ok;
        }

        return index < FirstIndex ? LogReadStatus.Compacted : LogReadStatus.Unavailable;
    }

    /// <inheritdoc/>
    public Snapshot? Snapshot() => _snapshot;

    /// <summary>Replaces the hard state.</summary>
    public void SetHardState(HardState state) => _hardState = state;

    /// <summary>Replaces the configuration that <see cref="InitialState"/> reports: the one in force at the index up to which the host has applied.</summary>
    public void SetConfiguration(ConfigurationState configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        _configuration = configuration;
    }

    /// <summary>Appends entries with dense indexes. Whatever stands where the first belongs, and all after it, is cut off; compacted ones are skipped.</summary>
    public StorageChange Append(ReadOnlySpan<Entry> entries)
    {
        if (entries.IsEmpty)
        {
            return StorageChange.Done;
        }

        if (entries[0].Index > _entries.Next)
        {
            return StorageChange.BeyondEnd;
        }

        if (entries[^1].Index < FirstIndex)
        {
            return StorageChange.Done;
        }

        if (entries[0].Index < FirstIndex)
        {
            entries = entries[(int)(FirstIndex.Value - entries[0].Index.Value)..];
        }

        _entries.TruncateFrom(entries[0].Index);
        _entries.Append(entries);
        return StorageChange.Done;
    }

    /// <summary>Drops this entry and all after it.</summary>
    public StorageChange TruncateFrom(LogIndex index)
    {
        if (index < FirstIndex)
        {
            return StorageChange.OutOfDate;
        }

        if (index > _entries.Next)
        {
            return StorageChange.BeyondEnd;
        }

        _entries.TruncateFrom(index);
        return StorageChange.Done;
    }

    /// <summary>Drops the entries up to and with this one; its term stays known.</summary>
    public StorageChange Compact(LogIndex through)
    {
        if (through < FirstIndex)
        {
            return StorageChange.OutOfDate;
        }

        if (through > LastIndex)
        {
            return StorageChange.BeyondEnd;
        }

        _termBeforeFirst = _entries[through].Term;
        _entries.DiscardThrough(through);
        return StorageChange.Done;
    }

    /// <summary>Takes note of a snapshot of the host's own state machine, so that it can be sent to followers. The entries stay; see <see cref="Compact"/>.</summary>
    public StorageChange SetSnapshot(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (_snapshot is not null && snapshot.Index <= _snapshot.Index)
        {
            return StorageChange.OutOfDate;
        }

        if (snapshot.Index > LastIndex)
        {
            return StorageChange.BeyondEnd;
        }

        _snapshot = snapshot;
        return StorageChange.Done;
    }

    /// <summary>Installs a snapshot that takes the place of the whole log.</summary>
    public StorageChange ApplySnapshot(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        if (_snapshot is not null && snapshot.Index <= _snapshot.Index)
        {
            return StorageChange.OutOfDate;
        }

        _snapshot = snapshot;
        _configuration = snapshot.Configuration;
        _termBeforeFirst = snapshot.Term;
        _entries.Reset(snapshot.Index.Next);
        return StorageChange.Done;
    }

    /// <summary>An independent copy that shares the entries.</summary>
    public InMemoryRaftStorage Clone() => new(this);

    /// <summary>Adds all that it holds.</summary>
    public void Fingerprint(ref StateFingerprint fingerprint)
    {
        fingerprint.Add(_hardState.Term.Value);
        fingerprint.Add(_hardState.Vote);
        fingerprint.Add(_hardState.Commit.Value);
        fingerprint.Add(_snapshot?.Index.Value ?? 0);
        fingerprint.Add(_snapshot?.Term.Value ?? 0);
        fingerprint.Add(_termBeforeFirst.Value);
        fingerprint.Add(_configuration);
        fingerprint.Add(_entries.First.Value);
        fingerprint.Add(_entries.Count);
        for (LogIndex index = _entries.First; index < _entries.Next; index = index.Next)
        {
            fingerprint.Add(_entries[index]);
        }
    }
}
