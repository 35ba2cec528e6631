using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// The end of the log that is not known to be durable: entries from <see cref="First"/> on, and before them possibly a snapshot that is
/// being installed. A part of it may have been handed out for writing already.
/// </summary>
internal sealed class UnstableLog
{
    private readonly EntryRun _entries;
    private LogIndex _handedOut;
    private bool _isSnapshotHandedOut;

    public UnstableLog(LogIndex first)
    {
        _entries = new EntryRun(first);
        _handedOut = first;
    }

    private UnstableLog(UnstableLog other)
    {
        _entries = other._entries.Clone();
        _handedOut = other._handedOut;
        _isSnapshotHandedOut = other._isSnapshotHandedOut;
        Snapshot = other.Snapshot;
    }

    /// <summary>The first index that is not durable.</summary>
    public LogIndex First => _entries.First;

    /// <summary>The end of the whole log, durable or not.</summary>
    public LogIndex LastIndex => _entries.Next.Previous;

    public bool HasEntries => !_entries.IsEmpty;

    /// <summary>The snapshot that is being installed, or null.</summary>
    public Snapshot? Snapshot { get; private set; }

    /// <summary>The snapshot, unless it was handed out for writing already.</summary>
    public Snapshot? NextSnapshot => _isSnapshotHandedOut ? null : Snapshot;

    public bool HasNextEntries => _handedOut < _entries.Next;

    public UnstableLog Clone() => new(this);

    /// <summary>The entries that were not handed out for writing yet.</summary>
    public ReadOnlyMemory<Entry> NextEntries() => _entries.Slice(_handedOut, _entries.Next, long.MaxValue);

    public ReadOnlyMemory<Entry> Slice(LogIndex from, LogIndex to, long maxBytes) => _entries.Slice(from, to, maxBytes);

    public bool TryTerm(LogIndex index, out Term term)
    {
        if (_entries.Holds(index))
        {
            term = _entries[index].Term;
            return true;
        }

        if (Snapshot is { } snapshot && snapshot.Index == index)
        {
            term = snapshot.Term;
            return true;
        }

        term = Term.Zero;
        return false;
    }

    /// <summary>What there is was handed out for writing.</summary>
    public void HandOut()
    {
        _handedOut = _entries.Next;
        _isSnapshotHandedOut = Snapshot is not null;
    }

    /// <summary>
    /// Entries up to this one are durable. Means nothing when the entry is not the one that stands there now: it was replaced while it
    /// was being written.
    /// </summary>
    public void Stable(LogIndex index, Term term)
    {
        if (_entries.Holds(index) && _entries[index].Term == term)
        {
            _entries.DiscardThrough(index);
            _handedOut = LogIndex.Max(_handedOut, _entries.First);
        }
    }

    public void StableSnapshot(LogIndex index)
    {
        if (Snapshot is { } snapshot && snapshot.Index == index)
        {
            Snapshot = null;
            _isSnapshotHandedOut = false;
        }
    }

    /// <summary>A snapshot takes the place of the whole log.</summary>
    public void Restore(Snapshot snapshot)
    {
        _entries.Reset(snapshot.Index.Next);
        _handedOut = snapshot.Index.Next;
        Snapshot = snapshot;
        _isSnapshotHandedOut = false;
    }

    public void Append(in Entry entry) => _entries.Append(entry);

    /// <summary>Appends after cutting off whatever stands where the first of these entries belongs, durable or not.</summary>
    public void TruncateAndAppend(ReadOnlySpan<Entry> entries)
    {
        LogIndex from = entries[0].Index;
        Invariant.Check(from <= _entries.Next, $"Entry {from} would leave a gap after {LastIndex}.");
        if (from < _entries.First)
        {
            _entries.Reset(from);
            _handedOut = from;
        }
        else if (from < _entries.Next)
        {
            _entries.TruncateFrom(from);
            _handedOut = LogIndex.Min(_handedOut, from);
        }

        _entries.Append(entries);
    }

    public void Fingerprint(ref StateFingerprint fingerprint)
    {
        fingerprint.Add(_entries.First.Value);
        fingerprint.Add(_handedOut.Value);
        fingerprint.Add(_isSnapshotHandedOut);
        fingerprint.Add(Snapshot?.Index.Value ?? 0);
        fingerprint.Add(Snapshot?.Term.Value ?? 0);
        fingerprint.Add(_entries.Count);
        for (LogIndex index = _entries.First; index < _entries.Next; index = index.Next)
        {
            fingerprint.Add(_entries[index]);
        }
    }
}
