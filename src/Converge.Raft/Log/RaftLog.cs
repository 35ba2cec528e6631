using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// The log as the protocol sees it: the durable part in a storage, the rest in an <see cref="UnstableLog"/>, and how far it is
/// committed, being applied and applied.
/// </summary>
/// <remarks>Always: <c>Applied ≤ Applying ≤ Committed ≤ LastIndex</c>; none of the first three goes back.</remarks>
internal sealed class RaftLog
{
    private readonly IRaftStorage _storage;
    private readonly UnstableLog _unstable;
    private readonly long _maxApplyingBytes;
    private long _applyingBytes;
    private bool _isApplyingPaused;

    public RaftLog(IRaftStorage storage, long maxApplyingBytes)
    {
        _storage = storage;
        _maxApplyingBytes = maxApplyingBytes;
        _unstable = new UnstableLog(storage.LastIndex.Next);

        // Whatever was compacted was applied.
        Committed = Applying = Applied = storage.FirstIndex.Previous;
    }

    private RaftLog(RaftLog other, IRaftStorage storage)
    {
        _storage = storage;
        _unstable = other._unstable.Clone();
        _maxApplyingBytes = other._maxApplyingBytes;
        _applyingBytes = other._applyingBytes;
        _isApplyingPaused = other._isApplyingPaused;
        IsWaitingForStorage = other.IsWaitingForStorage;
        Committed = other.Committed;
        Applying = other.Applying;
        Applied = other.Applied;
    }

    /// <summary>The greatest index known to be durable on a quorum.</summary>
    public LogIndex Committed { get; private set; }

    /// <summary>The greatest index that was handed out for applying.</summary>
    public LogIndex Applying { get; private set; }

    /// <summary>The greatest index that is applied.</summary>
    public LogIndex Applied { get; private set; }

    /// <summary>Entries to apply were not at hand; cleared by <see cref="ResumeReading"/>.</summary>
    public bool IsWaitingForStorage { get; private set; }

    public LogIndex LastIndex => _unstable.LastIndex;

    public LogIndex FirstIndex => _unstable.Snapshot is { } snapshot ? snapshot.Index.Next : _storage.FirstIndex;

    /// <summary>The first index that is not known to be durable here.</summary>
    public LogIndex FirstUnstable => _unstable.First;

    public bool HasUnstableEntries => _unstable.HasEntries;

    public bool HasNextUnstableEntries => _unstable.HasNextEntries;

    /// <summary>A snapshot is being installed.</summary>
    public bool HasSnapshot => _unstable.Snapshot is not null;

    public Snapshot? NextSnapshot => _unstable.NextSnapshot;

    public RaftLog Clone(IRaftStorage storage) => new(this, storage);

    /// <summary>What is known at the start to be committed and applied; what was compacted is both.</summary>
    public void Load(LogIndex committed, LogIndex applied)
    {
        CommitTo(committed);
        if (applied > Applied)
        {
            AppliedTo(applied, 0);
        }
    }

    /// <summary>The last entry's term.</summary>
    public Term LastTerm()
    {
        LogReadStatus status = Term(LastIndex, out Term term);
        Invariant.Check(status == LogReadStatus.Ok, $"The term of the last entry {LastIndex} is {status}.");
        return term;
    }

    /// <summary>The term of an entry; <see cref="LogReadStatus.Unavailable"/> behind the end too.</summary>
    public LogReadStatus Term(LogIndex index, out Term term)
    {
        if (_unstable.TryTerm(index, out term))
        {
            return LogReadStatus.Ok;
        }

        if (index.Next < FirstIndex)
        {
            return LogReadStatus.Compacted;
        }

        return index > LastIndex ? LogReadStatus.Unavailable : _storage.Term(index, out term);
    }

    public bool Matches(LogIndex index, Term term) => Term(index, out Term own) == LogReadStatus.Ok && own == term;

    /// <summary>Whether a log that ends there holds everything that may be committed here (Raft paper, section 5.4.1).</summary>
    public bool IsUpToDate(LogIndex index, Term term)
    {
        Term lastTerm = LastTerm();
        return term > lastTerm || (term == lastTerm && index >= LastIndex);
    }

    /// <summary>
    /// The greatest index up to <paramref name="index"/> whose term is at most <paramref name="term"/>: the last place at which this log
    /// may agree with one that has <paramref name="term"/> at <paramref name="index"/>. Where the term is not known it may agree, and the
    /// term given is zero.
    /// </summary>
    public (LogIndex Index, Term Term) FindConflictByTerm(LogIndex index, Term term)
    {
        for (; index > LogIndex.Zero; index = index.Previous)
        {
            if (Term(index, out Term own) != LogReadStatus.Ok)
            {
                return (index, Core.Term.Zero);
            }

            if (own <= term)
            {
                return (index, own);
            }
        }

        return default;
    }

    /// <summary>A leader appends an entry of its own.</summary>
    public void Append(in Entry entry) => _unstable.Append(entry);

    /// <summary>
    /// A follower appends what a leader sent after (<paramref name="previous"/>, <paramref name="previousTerm"/>). False, and nothing
    /// changed, when this log has another entry there. Entries that are there already are left alone; from the first that differs on, the
    /// rest is replaced.
    /// </summary>
    public bool TryAppend(LogIndex previous, Term previousTerm, ReadOnlySpan<Entry> entries, LogIndex committed)
    {
        if (!Matches(previous, previousTerm))
        {
            return false;
        }

        int fresh = 0;
        while (fresh < entries.Length && Matches(entries[fresh].Index, entries[fresh].Term))
        {
            fresh++;
        }

        if (fresh < entries.Length)
        {
            LogIndex conflict = entries[fresh].Index;
            Invariant.Check(conflict > Committed, $"Entry {conflict} would be replaced although {Committed} is committed.");
            _unstable.TruncateAndAppend(entries[fresh..]);
        }

        CommitTo(LogIndex.Min(committed, previous + (ulong)entries.Length));
        return true;
    }

    /// <summary>Never goes back.</summary>
    public void CommitTo(LogIndex index)
    {
        if (index > Committed)
        {
            Invariant.Check(index <= LastIndex, $"{index} is said to be committed, but the log ends at {LastIndex}.");
            Committed = index;
        }
    }

    /// <summary>Commits by counting, which only an entry of the leader's own term allows (Raft paper, section 5.4.2).</summary>
    public bool TryCommit(LogIndex index, Term term)
    {
        if (index <= Committed || !Matches(index, term))
        {
            return false;
        }

        CommitTo(index);
        return true;
    }

    public ReadOnlyMemory<Entry> NextUnstableEntries() => _unstable.NextEntries();

    public bool HasNextCommittedEntries(bool allowUnstable) => CanHandOutCommitted(allowUnstable) && !IsWaitingForStorage;

    /// <summary>The next entries to apply, as far as the bound on the apply backlog and what is at hand allow.</summary>
    public ReadOnlyMemory<Entry> NextCommittedEntries(bool allowUnstable)
    {
        if (!HasNextCommittedEntries(allowUnstable))
        {
            return default;
        }

        LogReadStatus status = Slice(Applying.Next, LastApplicable(allowUnstable).Next, _maxApplyingBytes - _applyingBytes, out ReadOnlyMemory<Entry> entries);
        Invariant.Check(status != LogReadStatus.Compacted, $"Entry {Applying.Next} was compacted before it was applied.");
        IsWaitingForStorage = status == LogReadStatus.Unavailable;
        return entries;
    }

    /// <summary>What was not at hand may be now.</summary>
    public void ResumeReading() => IsWaitingForStorage = false;

    /// <summary>What <see cref="NextUnstableEntries"/> and <see cref="NextSnapshot"/> gave is being written.</summary>
    public void HandOutUnstable() => _unstable.HandOut();

    /// <summary>These entries are being applied.</summary>
    public void HandOutCommitted(ReadOnlySpan<Entry> entries, bool allowUnstable)
    {
        LogIndex last = entries[^1].Index;
        Invariant.Check(entries[0].Index == Applying.Next, $"{entries[0].Index} is handed out for applying after {Applying}.");
        Invariant.Check(last <= Committed, $"{last} is handed out for applying, but only {Committed} is committed.");
        Invariant.Check(allowUnstable || last < _unstable.First, $"{last} is handed out for applying, and the log is durable before {_unstable.First} only.");
        Applying = last;
        _applyingBytes += Entry.TotalSizeBytes(entries);

        // What was cut short by the bound waits, too, until something is applied.
        _isApplyingPaused = _applyingBytes >= _maxApplyingBytes || last < LastApplicable(allowUnstable);
    }

    public void AppliedTo(LogIndex index, long bytes)
    {
        Invariant.Check(index >= Applied && index <= Committed, $"{index} is said to be applied, outside [{Applied}, {Committed}].");
        Applied = index;
        Applying = LogIndex.Max(Applying, index);
        _applyingBytes = Math.Max(0, _applyingBytes - bytes);
        _isApplyingPaused = _applyingBytes >= _maxApplyingBytes;
    }

    public void Stable(LogIndex index, Term term) => _unstable.Stable(index, term);

    public void StableSnapshot(LogIndex index) => _unstable.StableSnapshot(index);

    /// <summary>A snapshot takes the place of the whole log.</summary>
    public void Restore(Snapshot snapshot)
    {
        Invariant.Check(snapshot.Index > Committed, $"Snapshot {snapshot.Index} would lower the commit index {Committed}.");
        Committed = snapshot.Index;
        _unstable.Restore(snapshot);
    }

    /// <summary>The snapshot to send to a follower, or null when none is at hand.</summary>
    public Snapshot? Snapshot() => _unstable.Snapshot ?? _storage.Snapshot();

    /// <summary>The entries from <paramref name="from"/> to the end within a bound; none behind the end.</summary>
    public LogReadStatus Entries(LogIndex from, long maxBytes, out ReadOnlyMemory<Entry> entries)
    {
        if (from > LastIndex)
        {
            entries = default;
            return LogReadStatus.Ok;
        }

        return Slice(from, LastIndex.Next, maxBytes, out entries);
    }

    /// <summary>The entries of [from, to) within a bound, at least one.</summary>
    public LogReadStatus Slice(LogIndex from, LogIndex to, long maxBytes, out ReadOnlyMemory<Entry> entries)
    {
        entries = default;
        Invariant.Check(from <= to && to <= LastIndex.Next, $"Entries [{from}, {to}) were asked of a log that ends at {LastIndex}.");
        if (from < FirstIndex)
        {
            return LogReadStatus.Compacted;
        }

        if (from >= _unstable.First)
        {
            entries = _unstable.Slice(from, to, maxBytes);
            return LogReadStatus.Ok;
        }

        LogIndex durableEnd = LogIndex.Min(to, _unstable.First);
        LogReadStatus status = _storage.Entries(from, durableEnd, maxBytes, out entries);
        if (status != LogReadStatus.Ok)
        {
            entries = default;
            return status;
        }

        // A read that stops short says nothing about the end of the log, and one that gives nothing or something else is an error.
        Invariant.Check(
            !entries.IsEmpty && entries.Span[0].Index == from && entries.Span[^1].Index < durableEnd,
            $"Storage answered a read of [{from}, {durableEnd}) with {entries.Length} entries that do not start there.");

        if (to <= _unstable.First || from + (ulong)entries.Length < durableEnd)
        {
            return LogReadStatus.Ok;
        }

        long left = maxBytes - Entry.TotalSizeBytes(entries.Span);
        if (left <= 0)
        {
            return LogReadStatus.Ok;
        }

        ReadOnlyMemory<Entry> rest = _unstable.Slice(_unstable.First, to, left);
        if (rest.Length == 1 && rest.Span[0].SizeBytes > left)
        {
            return LogReadStatus.Ok;
        }

        var joined = new Entry[entries.Length + rest.Length];
        entries.CopyTo(joined);
        rest.CopyTo(joined.AsMemory(entries.Length));
        entries = joined;
        return LogReadStatus.Ok;
    }

    public void Fingerprint(ref StateFingerprint fingerprint)
    {
        fingerprint.Add(Committed.Value);
        fingerprint.Add(Applying.Value);
        fingerprint.Add(Applied.Value);
        fingerprint.Add((ulong)_applyingBytes);
        fingerprint.Add(_isApplyingPaused);
        fingerprint.Add(IsWaitingForStorage);
        _unstable.Fingerprint(ref fingerprint);
    }

    private LogIndex LastApplicable(bool allowUnstable) =>
        allowUnstable ? Committed : LogIndex.Min(Committed, _unstable.First.Previous);

    // While a snapshot is being installed, nothing else is applied: what comes first would be anybody's guess.
    private bool CanHandOutCommitted(bool allowUnstable) =>
        !_isApplyingPaused && !HasSnapshot && Applying < LastApplicable(allowUnstable);
}
