using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Simulation;

/// <summary>
/// The search for an order of one key's operations (Wing and Gong 1993, with Lowe's table of what was tried, 2017). Calls and returns stand
/// in one list by time; an operation is put next in the order by taking its two entries out, and put back when that leads nowhere. Two
/// ways to the same operations and the same state have the same future, so that the second is not followed.
/// </summary>
/// <remarks>Operations that were never answered have no place where they must be over; they are tried only where the others lead no further.</remarks>
internal sealed class LinearizationSearch<TState, TInput, TOutput>
    where TState : notnull
{
    private readonly ISequentialModel<TState, TInput, TOutput> _model;
    private readonly IReadOnlyList<HistoryOperation<TInput, TOutput>> _operations;
    private readonly LinearizabilityBounds _bounds;
    private readonly Entry _head = new() { Operation = -1 };

    /// <summary>Operations without an answer, by the time of their call.</summary>
    private readonly List<(int Operation, long CalledAt)> _unanswered = [];

    private readonly OperationSet _taken;
    private readonly bool[] _isTaken;
    private readonly HashSet<Visited> _visited = [];
    private readonly Stack<Step> _order = new();
    private List<int> _longest = [];
    private int _longestAnswered = -1;
    private int _openReturns;
    private long _deadline;

    public LinearizationSearch(
        ISequentialModel<TState, TInput, TOutput> model, IReadOnlyList<HistoryOperation<TInput, TOutput>> operations, LinearizabilityBounds bounds)
    {
        _model = model;
        _operations = operations;
        _bounds = bounds;
        _taken = new OperationSet(operations.Count);
        _isTaken = new bool[operations.Count];
        Link();
    }

    /// <summary>How many times an operation was tried in a state.</summary>
    public long Steps { get; private set; }

    /// <summary>How many states were remembered.</summary>
    public int States => _visited.Count;

    /// <summary>The order that explains the most answers: a whole one when the history is linearizable.</summary>
    public IReadOnlyList<int> Longest => _longest;

    /// <summary>Searches. To be called once.</summary>
    public LinearizabilityVerdict Run()
    {
        _deadline = _bounds.Time is { } time ? Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency) : long.MaxValue;
        TState state = _model.Initial;
        Entry? at = _head.Next;
        int unanswered = 0;
        while (_openReturns > 0)
        {
            if (Steps > _bounds.MaxSteps || _visited.Count > _bounds.MaxStates || (Steps % 4_096 == 0 && Stopwatch.GetTimestamp() > _deadline))
            {
                return LinearizabilityVerdict.Unknown;
            }

            // There is a return in the list, and a call before it in time.
            if (at!.Return is { } returns)
            {
                Steps++;
                HistoryOperation<TInput, TOutput> operation = _operations[at.Operation];
                if (_model.TryStep(state, operation.Input, operation.Output!, out TState next) && TryTake(at.Operation, next))
                {
                    _order.Push(new Step(at, -1, state, _model.LeavesState(operation.Input, operation.Output!)));
                    at.Unlink();
                    returns.Unlink();
                    _openReturns--;
                    NoteLongest();
                    (state, at, unanswered) = (next, _head.Next, 0);
                }
                else
                {
                    at = at.Next;
                }

                continue;
            }

            // This operation is over and has no place yet: nothing called later can come before it. What was never answered can.
            if (TryUnanswered(at, ref state, ref unanswered))
            {
                (at, unanswered) = (_head.Next, 0);
                continue;
            }

            bool leftState;
            do
            {
                if (!_order.TryPop(out Step last))
                {
                    return LinearizabilityVerdict.NotLinearizable;
                }

                (state, leftState) = (last.Before, last.LeavesState);
                if (last.Call is { } call)
                {
                    Flip(call.Operation);
                    call.Return!.Relink();
                    call.Relink();
                    _openReturns++;
                    (at, unanswered) = (call.Next, 0);
                }
                else
                {
                    Flip(_unanswered[last.Unanswered].Operation);
                    (at, unanswered) = (FirstReturn(), last.Unanswered + 1);
                }
            }
            while (leftState);
        }

        NoteLongest();
        return LinearizabilityVerdict.Linearizable;
    }

    private bool TryUnanswered(Entry over, ref TState state, ref int from)
    {
        for (; from < _unanswered.Count && _unanswered[from].CalledAt <= over.Time; from++)
        {
            int operation = _unanswered[from].Operation;
            if (_isTaken[operation])
            {
                continue;
            }

            Steps++;
            TState next = _model.StepUnknown(state, _operations[operation].Input);

            // One that changes nothing may as well never have happened.
            if (!EqualityComparer<TState>.Default.Equals(next, state) && TryTake(operation, next))
            {
                _order.Push(new Step(null, from, state, LeavesState: false));
                state = next;
                return true;
            }
        }

        return false;
    }

    /// <summary>Puts an operation next in the order; false, and nothing changed, when the same was tried before.</summary>
    private bool TryTake(int operation, TState next)
    {
        Flip(operation);
        if (_visited.Contains(new Visited(_taken.Borrow(), next)))
        {
            Flip(operation);
            return false;
        }

        _visited.Add(new Visited(_taken.Freeze(), next));
        return true;
    }

    private void Flip(int operation)
    {
        _taken.Flip(operation);
        _isTaken[operation] = !_isTaken[operation];
    }

    private Entry FirstReturn()
    {
        Entry at = _head.Next!;
        while (at.Return is not null)
        {
            at = at.Next!;
        }

        return at;
    }

    private void NoteLongest()
    {
        int answered = _operations.Count - _unanswered.Count - _openReturns;
        if (answered > _longestAnswered)
        {
            _longestAnswered = answered;
            _longest = [.. _order.Reverse().Select(step => step.Call is { } call ? call.Operation : _unanswered[step.Unanswered].Operation)];
        }
    }

    private void Link()
    {
        List<Entry> entries = [];
        for (int i = 0; i < _operations.Count; i++)
        {
            HistoryOperation<TInput, TOutput> operation = _operations[i];
            if (operation.ReturnedAt is not { } returned)
            {
                _unanswered.Add((i, operation.CalledAt));
                continue;
            }

            var returns = new Entry { Operation = i, Time = returned };
            entries.Add(new Entry { Operation = i, Time = operation.CalledAt, Return = returns });
            entries.Add(returns);
            _openReturns++;
        }

        _unanswered.Sort(static (a, b) => a.CalledAt != b.CalledAt ? a.CalledAt.CompareTo(b.CalledAt) : a.Operation.CompareTo(b.Operation));

        // What happens at the same moment is concurrent: calls come before returns.
        entries.Sort(static (a, b) =>
            a.Time != b.Time ? a.Time.CompareTo(b.Time)
            : a.Return is null != b.Return is null ? (a.Return is null).CompareTo(b.Return is null)
            : a.Operation.CompareTo(b.Operation));
        Entry before = _head;
        foreach (Entry entry in entries)
        {
            (entry.Previous, before.Next) = (before, entry);
            before = entry;
        }
    }

    /// <summary>A call or a return. One that was taken out keeps its neighbours, so that it can be put back in the opposite order.</summary>
    private sealed class Entry
    {
        public required int Operation { get; init; }

        public long Time { get; init; }

        /// <summary>Of a call its return; null of a return.</summary>
        public Entry? Return { get; init; }

        public Entry? Previous { get; set; }

        public Entry? Next { get; set; }

        public void Unlink()
        {
            Previous!.Next = Next;
            if (Next is { } next)
            {
                next.Previous = Previous;
            }
        }

        public void Relink()
        {
            Previous!.Next = this;
            if (Next is { } next)
            {
                next.Previous = this;
            }
        }
    }

    /// <summary>
    /// An operation of the order, with the state before it. One that may be next and leaves every state as it is could stand here in every order
    /// that begins like this one: when nothing follows it, nothing follows without it either, and no other is tried in its place.
    /// </summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Step(Entry? Call, int Unanswered, TState Before, bool LeavesState);

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Visited(OperationSet.Frozen Taken, TState State);
}
