using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Storage;

/// <summary>
/// A durable Raft log without its entries' data: where it begins and ends, which term each place has, and the state beside it. Enough
/// to judge the next <see cref="LogBatch"/>. Immutable and pure.
/// </summary>
public sealed class LogOutline
{
    /// <summary>A log to which nothing has happened.</summary>
    public static readonly LogOutline Empty = new(default, default, LogIndex.Zero, []);

    /// <summary>The terms of the entries, one run for each stretch of the same term.</summary>
    private readonly ImmutableArray<Run> _runs;

    private LogOutline(DurableState state, SnapshotMark mark, LogIndex last, ImmutableArray<Run> runs)
    {
        State = state;
        Mark = mark;
        LastIndex = last;
        _runs = runs;
    }

    /// <summary>Term, vote and commit index.</summary>
    public DurableState State { get; }

    /// <summary>The last entry that a snapshot covers; all zero when there is none.</summary>
    public SnapshotMark Mark { get; }

    /// <summary>The first entry in the log; one after the last when there is none.</summary>
    public LogIndex FirstIndex => Mark.Index.Next;

    /// <summary>The last entry in the log, or the mark's when there is none.</summary>
    public LogIndex LastIndex { get; }

    /// <summary>The term of an entry, or of the mark; null when neither is known.</summary>
    public Term? TermAt(LogIndex index)
    {
        if (index == Mark.Index)
        {
            return Mark.Term;
        }

        if (index < Mark.Index || index > LastIndex)
        {
            return null;
        }

        var at = _runs.Length - 1;
        while (_runs[at].First > index)
        {
            at--;
        }

        return _runs[at].Term;
    }

    /// <summary>
    /// The batch that makes a log hold these entries, whatever it has in their places, and this state: with the truncation that is
    /// needed, if any.
    /// </summary>
    public LogBatch Storing(DurableState? state, IReadOnlyList<LogEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return new LogBatch
        {
            State = state,
            TruncateFrom = entries.Count > 0 && entries[0].Index <= LastIndex ? entries[0].Index : null,
            Entries = entries,
        };
    }

    /// <summary>
    /// The batch that makes a log begin after a snapshot. Entries behind it stay if the log has that very entry; otherwise the snapshot
    /// replaces the log (Raft paper, section 7).
    /// </summary>
    public LogBatch Marking(DurableState state, SnapshotMark mark) => new()
    {
        State = state,
        TruncateFrom = mark.Index <= LastIndex && TermAt(mark.Index) is { } term && term != mark.Term ? LogIndex.Max(State.Commit.Next, FirstIndex) : null,
        Mark = mark,
    };

    /// <summary>The log after a batch.</summary>
    /// <exception cref="LogOrderException">The batch does not fit: it says which rule it breaks, with the values.</exception>
    public LogOutline After(LogBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var next = batch.TruncateFrom is { } from ? Truncated(from) : this;
        next = batch.Mark is { } mark ? next.Marked(mark, batch.State is not null) : next;
        next = next.Extended(batch.Entries);
        next = batch.State is { } state ? next.With(state) : next;
        var lastTerm = next.TermAt(next.LastIndex);
        Require(lastTerm <= next.State.Term, $"Entry {next.LastIndex} of term {lastTerm} is to be stored in term {next.State.Term}");
        Require(next.State.Commit <= next.LastIndex, $"Commit index {next.State.Commit} is behind the last entry {next.LastIndex}");
        Require(next.State.Commit >= next.Mark.Index, $"Commit index {next.State.Commit} is before the snapshot's entry {next.Mark.Index}");
        return next;
    }

    /// <summary>On the path of every commit: the text is only made when the rule is broken.</summary>
    private static void Require(bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref InvariantMessage otherwise)
    {
        if (!holds)
        {
            throw new LogOrderException(otherwise.ToText() + ".");
        }
    }

    private LogOutline Truncated(LogIndex from)
    {
        Require(from > Mark.Index && from <= LastIndex, $"Truncation from {from} in a log that holds {FirstIndex} to {LastIndex}");
        Require(from > State.Commit, $"Truncation from {from}, and {State.Commit} is committed");
        return new LogOutline(State, Mark, from.Previous, [.. _runs.Where(run => run.First < from)]);
    }

    private LogOutline Marked(SnapshotMark mark, bool stateIsRestated)
    {
        Require(stateIsRestated, $"The mark of {mark.Index} does not restate term, vote and commit index");
        Require(mark.Index > Mark.Index || mark == Mark, $"The mark of {mark.Index} in term {mark.Term} goes back behind that of {Mark.Index} in term {Mark.Term}");
        if (mark.Index > LastIndex)
        {
            return new LogOutline(State, mark, mark.Index, []);
        }

        Require(TermAt(mark.Index) == mark.Term, $"The mark of {mark.Index} has term {mark.Term}, the entry there {TermAt(mark.Index)}");
        var kept = _runs
            .Where((_, at) => at == _runs.Length - 1 || _runs[at + 1].First > mark.Index.Next)
            .Select(run => run with { First = LogIndex.Max(run.First, mark.Index.Next) })
            .Where(run => run.First <= LastIndex);
        return new LogOutline(State, mark, LastIndex, [.. kept]);
    }

    private LogOutline Extended(IReadOnlyList<LogEntry> entries)
    {
        if (entries.Count == 0)
        {
            return this;
        }

        var last = LastIndex;
        var term = TermAt(last) ?? Term.Zero;
        var runs = _runs;
        foreach (var entry in entries)
        {
            Require(entry.Index == last.Next, $"Entry {entry.Index} is to follow entry {last}");
            Require(entry.Term >= term && entry.Term > Term.Zero, $"Entry {entry.Index} of term {entry.Term} is to follow one of term {term}");
            if (entry.Term > term || runs.IsEmpty)
            {
                runs = runs.Add(new Run(entry.Index, entry.Term));
            }

            last = entry.Index;
            term = entry.Term;
        }

        return new LogOutline(State, Mark, last, runs);
    }

    private LogOutline With(DurableState state)
    {
        Require(state.Term >= State.Term, $"Term {state.Term} is to follow term {State.Term}");
        Require(
            state.Term > State.Term || State.Vote.IsNone || state.Vote == State.Vote,
            $"A vote for {state.Vote} in term {state.Term}, in which {State.Vote} has it");
        Require(state.Commit >= State.Commit, $"Commit index {state.Commit} is to follow {State.Commit}");
        return new LogOutline(state, Mark, LastIndex, _runs);
    }

    private readonly record struct Run(LogIndex First, Term Term);
}
