namespace Converge.Swarm.Hosting;

/// <summary>
/// Sends what is queued, one sending at a time, on the thread that queued it when that has nothing else to do. Whoever queues something
/// says so with <see cref="Wake"/>; nothing that was queued before a call is left behind.
/// </summary>
/// <param name="sendQueued">
/// Sends what is queued; what it leaves, because it is much, it wakes the sender for. Never called by two at once, and not any more once
/// <see cref="Ended"/> has completed.
/// </param>
internal sealed class Sender(Func<ValueTask> sendQueued) : IThreadPoolWorkItem
{
    /// <summary>So often a thread sends before another one takes over: it was only lent, perhaps by the log, and a queue that is filled all the time has no end.</summary>
    private const int MaxSendings = 8;

    private const int Idle = 0;
    private const int Sending = 1;
    private const int Wanted = 2;

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _closed;
    private int _state;

    /// <summary>Completes when nothing is sent any more after <see cref="Close"/>, and faults with what sending threw.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Something is queued.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _state, Wanted) == Idle)
        {
            WorkHere.Do(this);
        }
    }

    /// <summary>Nothing more is to be sent. What is being sent now is for the caller to cancel.</summary>
    public void Close()
    {
        _closed = true;
        Wake();
    }

    void IThreadPoolWorkItem.Execute() => _ = SendAsync();

    private async Task SendAsync()
    {
        try
        {
            for (int sendings = 1; ; sendings++)
            {
                Volatile.Write(ref _state, Sending);
                Interlocked.MemoryBarrier();
                if (_closed)
                {
                    // Is never idle again: nothing is sent after this.
                    _ended.TrySetResult();
                    return;
                }

                await sendQueued();
                if (Interlocked.CompareExchange(ref _state, Idle, Sending) == Sending)
                {
                    return;
                }

                if (sendings == MaxSendings)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                    return;
                }
            }
        }
        catch (Exception e)
        {
            _ended.TrySetException(e);
        }
    }
}
