namespace Converge.Swarm.Projection.Following;

/// <summary>Those who wait until a projection is at a record. Safe for concurrent use.</summary>
internal sealed class PositionWaits
{
    private readonly Lock _gate = new();
    private readonly List<(ulong Sequence, TaskCompletionSource Reached)> _waits = [];
    private ulong _position;

    /// <summary>Whether anybody waits.</summary>
    public bool Any
    {
        get
        {
            lock (_gate)
            {
                return _waits.Count > 0;
            }
        }
    }

    /// <summary>Completes once the projection is at the record. True at once when it is there; false when the time is over.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<bool> WaitAsync(ulong sequence, TimeSpan atMost, TimeProvider time, CancellationToken cancellationToken)
    {
        TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_position >= sequence)
            {
                return true;
            }

            if (atMost <= TimeSpan.Zero)
            {
                return false;
            }

            _waits.Add((sequence, reached));
        }

        try
        {
            await reached.Task.WaitAsync(atMost, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            lock (_gate)
            {
                _waits.RemoveAll(wait => wait.Reached == reached);
            }
        }
    }

    /// <summary>The projection is at a record; a lesser one than before when it was made anew.</summary>
    public void Reach(ulong sequence)
    {
        lock (_gate)
        {
            _position = sequence;
            foreach ((ulong wanted, TaskCompletionSource reached) in _waits)
            {
                if (wanted <= sequence)
                {
                    reached.TrySetResult();
                }
            }
        }
    }
}
