using Converge.Core;

namespace Converge.Swarm.Actors;

/// <summary>A client's request: one answer for each command, sent when all are there.</summary>
internal sealed class PendingRequest(int count, long deadlineTick, Action<IReadOnlyList<CommitAnswer>> complete)
{
    private readonly CommitAnswer[] _answers = new CommitAnswer[count];
    private int _missing = count;

    /// <summary>When the outcome is called unknown.</summary>
    public long DeadlineTick { get; } = deadlineTick;

    /// <summary>Notes one answer and completes with the last.</summary>
    public void Answer(int slot, CommitAnswer answer)
    {
        _answers[slot] = answer;
        if (--_missing == 0)
        {
            complete(_answers);
        }
    }
}

/// <summary>
/// The commands this node proposed and whose outcome it has not learned, in log order. An applied entry settles the command at its
/// index: by its own outcome when the term is the one it was proposed in, as superseded when another entry took the place.
/// </summary>
internal sealed class PendingCommands
{
    private readonly Queue<(LogIndex Index, Term Term, PendingRequest Request, int Slot)> _queue = new();
    private LogIndex _last;

    /// <summary>How many are waiting.</summary>
    public int Count => _queue.Count;

    /// <summary>Adds a command that was just appended to this node's log.</summary>
    public void Add(LogIndex index, Term term, PendingRequest request, int slot)
    {
        if (index <= _last)
        {
            // The log was cut off and grew anew: by leader completeness (paper, section 5.4.3) what waits from here on was never committed.
            SupersedeFrom(index);
        }

        _last = index;
        _queue.Enqueue((index, term, request, slot));
    }

    /// <summary>Settles everything at or before an applied entry.</summary>
    public void Settle(in AppliedEntry applied)
    {
        while (_queue.TryPeek(out (LogIndex Index, Term Term, PendingRequest Request, int Slot) head) && head.Index <= applied.Index)
        {
            _queue.Dequeue();
            CommitAnswer? answer = head.Index == applied.Index && head.Term == applied.Term ? applied.Outcome.ToAnswer() : null;
            head.Request.Answer(head.Slot, answer ?? Superseded);
        }
    }

    /// <summary>A snapshot took the place of the log up to an entry: what became of the commands there is not told by it.</summary>
    public void SkipThrough(LogIndex index)
    {
        while (_queue.TryPeek(out (LogIndex Index, Term Term, PendingRequest Request, int Slot) head) && head.Index <= index)
        {
            _queue.Dequeue();
            head.Request.Answer(head.Slot, new FactOutcomeUnknown("This node was brought up to date by a snapshot, which does not tell what became of the command."));
        }
    }

    /// <summary>Gives up waiting for what is overdue.</summary>
    public void Expire(long nowTick)
    {
        while (_queue.TryPeek(out (LogIndex Index, Term Term, PendingRequest Request, int Slot) head) && head.Request.DeadlineTick <= nowTick)
        {
            _queue.Dequeue();
            head.Request.Answer(head.Slot, new FactOutcomeUnknown("Not committed within the time a request may take; it may still be."));
        }
    }

    /// <summary>Gives up everything: the node stops.</summary>
    public void Abandon()
    {
        while (_queue.TryDequeue(out (LogIndex Index, Term Term, PendingRequest Request, int Slot) head))
        {
            head.Request.Answer(head.Slot, new FactOutcomeUnknown("The node stopped before the outcome was known."));
        }
    }

    private static readonly FactNotCommitted Superseded = new(
        NotCommittedReason.Superseded, "Leadership changed and another entry took this command's place; it was not recorded.");

    private void SupersedeFrom(LogIndex index)
    {
        for (int left = _queue.Count; left > 0; left--)
        {
            (LogIndex Index, Term Term, PendingRequest Request, int Slot) head = _queue.Dequeue();
            if (head.Index >= index)
            {
                head.Request.Answer(head.Slot, Superseded);
            }
            else
            {
                _queue.Enqueue(head);
            }
        }
    }
}
