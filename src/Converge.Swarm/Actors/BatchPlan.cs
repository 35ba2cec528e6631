using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// What appends come to as batches of the store: as few as possible, none larger than it should be. Pure; every host stores the same.
/// </summary>
internal sealed class BatchPlan
{
    /// <summary>A batch is kept to about this size in entries' data; one entry is taken whatever its size.</summary>
    public const int MaxBatchDataBytes = 4 * 1024 * 1024;

    private readonly List<LogBatch> _batches = [];
    private readonly List<int> _ends = [];
    private readonly int _maxBatchDataBytes;
    private LogOutline _outline;
    private DurableState? _state;
    private List<LogEntry> _entries = [];
    private long _bytes;

    private BatchPlan(LogOutline outline, int maxBatchDataBytes)
    {
        _outline = outline;
        _maxBatchDataBytes = maxBatchDataBytes;
    }

    /// <summary>The batches, in order. None is empty; there may be none at all.</summary>
    public IReadOnlyList<LogBatch> Batches => _batches;

    /// <summary>For each append: how many batches must be stored for it to be durable.</summary>
    public IReadOnlyList<int> Ends => _ends;

    /// <summary>Plans the storing of appends in a log.</summary>
    /// <exception cref="LogOrderException">An append does not fit the log.</exception>
    public static BatchPlan Of(LogOutline outline, IEnumerable<LogMessage.Append> appends, int maxBatchDataBytes = MaxBatchDataBytes)
    {
        var plan = new BatchPlan(outline, maxBatchDataBytes);
        foreach (LogMessage.Append append in appends)
        {
            plan.Add(append);
        }

        if (plan.IsBatchOpen)
        {
            plan.CloseBatch();
        }

        return plan;
    }

    private bool IsBatchOpen => _state is not null || _entries.Count > 0;

    private void Add(LogMessage.Append append)
    {
        if (append.Mark is { } mark)
        {
            AddMark(append, mark);
        }

        if (append.HardState is { } changed && append.Mark is null)
        {
            // Term and vote are durable before any entry of that term; the commit index only behind what it covers.
            _state = new DurableState(changed.Term, changed.Vote, (_state ?? _outline.State).Commit);
        }

        _entries.EnsureCapacity(_entries.Count + append.Entries.Count);
        foreach (Entry entry in append.Entries)
        {
            bool replaces = _entries.Count > 0 && entry.Index <= _entries[^1].Index;
            bool overflows = _entries.Count > 0 && _bytes + entry.Data.Length > _maxBatchDataBytes;
            if (overflows && !replaces && append.HardState is { } known)
            {
                // What is known to be committed goes along with the entries, as in one batch: a change of members in the log relies on the one
                // before it being known to be committed, or a candidate would count the votes of a configuration that is two changes old.
                LogIndex commit = LogIndex.Max((_state ?? _outline.State).Commit, LogIndex.Min(known.Commit, _entries[^1].Index));
                _state = new DurableState(known.Term, known.Vote, commit);
            }

            if (replaces || overflows)
            {
                CloseBatch();
            }

            _entries.Add(new LogEntry(entry.Index, entry.Term, (byte)entry.Kind, entry.Data));
            _bytes += entry.Data.Length;
        }

        if (append.HardState is { } whole)
        {
            var state = new DurableState(whole.Term, whole.Vote, whole.Commit);
            _state = append.Mark is not null && !IsBatchOpen && state == _outline.State ? null : state;
        }

        _ends.Add(_batches.Count + (IsBatchOpen ? 1 : 0));
    }

    /// <summary>A mark is a batch of its own, with the whole state: a reader needs nothing that was stored before it but the entries behind it.</summary>
    private void AddMark(LogMessage.Append append, SnapshotMark mark)
    {
        if (IsBatchOpen)
        {
            CloseBatch();
        }

        HardState state = append.HardState ?? throw new ArgumentException($"The mark of {mark.Index} comes without term, vote and commit index.", nameof(append));
        LogIndex commit = LogIndex.Max(_outline.State.Commit, mark.Index);
        Take(_outline.Marking(new DurableState(state.Term, state.Vote, commit), mark));
    }

    private void CloseBatch()
    {
        Take(_outline.Storing(_state, _entries));
        (_state, _entries, _bytes) = (null, [], 0);
    }

    private void Take(LogBatch batch)
    {
        _outline = _outline.After(batch);
        _batches.Add(batch);
    }
}
