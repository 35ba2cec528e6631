using System.Collections.Concurrent;

namespace Converge.Swarm.Hosting;

/// <summary>
/// One actor's mailbox in the in-box host: several lanes, the first always emptied before the next is looked at, run by at most one thread
/// at a time; whose that is, its <see cref="RunBy"/> says. A lane may be bounded; then <see cref="TryPost"/> refuses
/// instead of growing.
/// </summary>
/// <remarks>
/// Lanes are how control messages never queue behind client work. "After what is queued now" (a turn) is a lane of its own, the last:
/// it is reached only when every other lane is empty, or after <see cref="MaxBeforeTurn"/> messages, so that a flood cannot starve it.
/// </remarks>
internal sealed class Mailbox<T> : IThreadPoolWorkItem
{
    /// <summary>So many messages are received before a turn that was asked for comes, whatever else is queued.</summary>
    public const int MaxBeforeTurn = 1024;

    private readonly ConcurrentQueue<T>[] _lanes;
    private readonly int[] _counts;
    private readonly int[] _capacities;
    private readonly Action<T> _receive;
    private readonly Action<T> _refused;
    private readonly Action<Exception> _failed;
    private readonly T? _turn;
    private readonly RunBy _runBy;
    private readonly Func<T, bool>? _isShort;
    private bool _turnWanted;
    private int _scheduled;
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _closed;
    private volatile bool _ended;

    /// <summary>An empty mailbox.</summary>
    /// <param name="capacities">One for each lane, the most urgent first.</param>
    /// <param name="turn">The message that stands for "what was queued is done"; null for an actor that never asks for a turn.</param>
    /// <param name="receive">The actor.</param>
    /// <param name="refused">
    /// Told each message that was taken and that the actor will not receive because the mailbox is closed: somebody may wait for an answer
    /// to it. On any thread.
    /// </param>
    /// <param name="failed">Told once when the actor threw; the mailbox is closed then.</param>
    /// <param name="runBy">Whose thread runs it.</param>
    /// <param name="isShort">
    /// Of an actor that the pool runs: whether it is quick with a message, and waits for nothing. When nothing else is queued, a poster's thread
    /// may run that one.
    /// </param>
    public Mailbox(
        int[] capacities, T? turn, Action<T> receive, Action<T> refused, Action<Exception> failed, RunBy runBy = RunBy.Pool, Func<T, bool>? isShort = null)
    {
        _runBy = runBy;
        _isShort = isShort;
        _capacities = capacities;
        _counts = new int[capacities.Length];
        _lanes = new ConcurrentQueue<T>[capacities.Length];
        for (int i = 0; i < _lanes.Length; i++)
        {
            _lanes[i] = new ConcurrentQueue<T>();
        }

        _turn = turn;
        _receive = receive;
        _refused = refused;
        _failed = failed;
    }

    /// <summary>Queues a message. False when the lane is full or the mailbox closed; then nothing was queued.</summary>
    public bool TryPost(int lane, T message)
    {
        if (_closed)
        {
            return false;
        }

        if (Interlocked.Increment(ref _counts[lane]) > _capacities[lane])
        {
            Interlocked.Decrement(ref _counts[lane]);
            return false;
        }

        Enqueue(lane, message);
        return true;
    }

    /// <summary>Queues a message whatever the lane holds: for what the sender itself keeps bounded. Refused only when the mailbox is closed.</summary>
    public void Post(int lane, T message)
    {
        Interlocked.Increment(ref _counts[lane]);
        Enqueue(lane, message);
    }

    /// <summary>Asks for a turn; for the actor itself, while it receives.</summary>
    public void WantTurn() => _turnWanted = true;

    /// <summary>Takes no more messages; what is queued is refused. When the task completes, the actor is not called any more.</summary>
    public Task CloseAsync()
    {
        _closed = true;
        Schedule(here: false);
        return _idle.Task;
    }

    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            while (RunRound())
            {
            }
        }
        catch (Exception e)
        {
            _closed = true;
            End();
            _failed(e);
        }
    }

    /// <summary>Receives what is queued, and the turn that was asked for. True when there is more for this thread to receive.</summary>
    private bool RunRound()
    {
        bool more = false;
        bool lent = _runBy == RunBy.Poster || WorkHere.IsInSection;
        WorkHere.Enter();
        try
        {
            // One that may take its time lets nobody wait until it has nothing more to do.
            int messages = _runBy == RunBy.Poster ? MaxBeforeTurn : 1;
            while (!_closed && messages-- > 0 && TryTake(out T? message))
            {
                _receive(message!);
            }

            if (_turnWanted && !_closed)
            {
                _turnWanted = false;
                _receive(_turn!);
            }

            more = !BecameIdle();
        }
        finally
        {
            if (more && lent)
            {
                // This thread does what was asked for; the next round need not wait for that.
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }

            WorkHere.Leave(elsewhere: more && !lent);
        }

        return more && !lent;
    }

    private bool BecameIdle()
    {
        if (_closed)
        {
            // Stays scheduled for ever: nothing runs after this.
            End();
            return true;
        }

        if (_turnWanted || AnyQueued())
        {
            return false;
        }

        Volatile.Write(ref _scheduled, 0);
        Interlocked.MemoryBarrier();
        return (!AnyQueued() && !_closed) || Interlocked.Exchange(ref _scheduled, 1) == 1;
    }

    private void Enqueue(int lane, T message)
    {
        _lanes[lane].Enqueue(message);

        // Whoever posts while the mailbox ends either sees the end here or was seen by it: no message stays behind.
        Interlocked.MemoryBarrier();
        if (_ended)
        {
            RefuseQueued();
        }
        else
        {
            Schedule(here: _runBy == RunBy.Poster || _isShort?.Invoke(message) == true);
        }
    }

    private void End()
    {
        _ended = true;
        Interlocked.MemoryBarrier();
        RefuseQueued();
        _idle.TrySetResult();
    }

    private void RefuseQueued()
    {
        while (TryTake(out T? message))
        {
            _refused(message!);
        }
    }

    private bool TryTake(out T? message)
    {
        for (int lane = 0; lane < _lanes.Length; lane++)
        {
            if (_lanes[lane].TryDequeue(out message))
            {
                Interlocked.Decrement(ref _counts[lane]);
                return true;
            }
        }

        message = default;
        return false;
    }

    private bool AnyQueued()
    {
        foreach (ConcurrentQueue<T> lane in _lanes)
        {
            if (!lane.IsEmpty)
            {
                return true;
            }
        }

        return false;
    }

    private void Schedule(bool here)
    {
        if (Interlocked.Exchange(ref _scheduled, 1) != 0)
        {
            return;
        }

        if (here)
        {
            WorkHere.Do(this);
        }
        else if (_runBy is RunBy.OwnThread or RunBy.BackgroundThread)
        {
            _ = OwnThread.Run(((IThreadPoolWorkItem)this).Execute, inBackground: _runBy == RunBy.BackgroundThread);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }
}
