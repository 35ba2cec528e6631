using Converge.Swarm.Tests.Hosting;

namespace Converge.Swarm.Tests.Client;

/// <summary>A clock that stands until a test moves it. Its timers fire on the mover's thread, in the order in which they are due.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<Alarm> _alarms = [];
    private TimeSpan _now;
    private TaskCompletionSource _set = NewSource();

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (_gate)
        {
            return _now.Ticks;
        }
    }

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, () => callback(state));
        alarm.Change(dueTime, period);
        return alarm;
    }

    /// <summary>Moves on, from one timer to the next.</summary>
    public void Advance(TimeSpan by)
    {
        TimeSpan until;
        lock (_gate)
        {
            until = _now + by;
        }

        while (NextUntil(until) is { } due)
        {
            due.Ring();
        }
    }

    /// <summary>
    /// Moves on whenever the next timer is due within a pause, until the call ends. What is due later does not happen: a try that is under
    /// way has all the time that the machine takes for it.
    /// </summary>
    public async Task<T> PassPausesAsync<T>(Task<T> call, TimeSpan pause)
    {
        while (!call.IsCompleted)
        {
            TimeSpan? wait;
            Task set;
            lock (_gate)
            {
                wait = _alarms.Count == 0 ? null : _alarms.Min(alarm => alarm.Due) - _now;
                set = _set.Task;
            }

            if (wait <= pause)
            {
                Advance(wait.Value);
            }
            else
            {
                await Task.WhenAny(call, set).WaitAsync(LocalSwarm.Patience);
            }
        }

        return await call;
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Alarm? NextUntil(TimeSpan until)
    {
        lock (_gate)
        {
            Alarm? next = _alarms.Where(alarm => alarm.Due <= until).MinBy(alarm => alarm.Due);
            _now = next is null ? until : next.Due > _now ? next.Due : _now;
            if (next is not null && !next.TryRepeat())
            {
                _alarms.Remove(next);
            }

            return next;
        }
    }

    private sealed class Alarm(ManualTime time, Action ring) : ITimer
    {
        private TimeSpan _period;

        public TimeSpan Due { get; private set; }

        public void Ring() => ring();

        public bool TryRepeat()
        {
            Due += _period;
            return _period > TimeSpan.Zero;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._gate)
            {
                time._alarms.Remove(this);
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    (Due, _period) = (time._now + dueTime, period == Timeout.InfiniteTimeSpan ? TimeSpan.Zero : period);
                    time._alarms.Add(this);
                    time._set.TrySetResult();
                    time._set = NewSource();
                }
            }

            return true;
        }

        public void Dispose()
        {
            lock (time._gate)
            {
                time._alarms.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
