namespace Converge.Swarm.Nodes;

/// <summary>How long a call tries, how long each attempt of it lasts, and the pause between two.</summary>
internal sealed class Deadline : IDisposable
{
    private const int FirstPauseMilliseconds = 10;
    private const int LongestPauseMilliseconds = 250;

    private readonly TimeProvider _time;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _over;
    private readonly CancellationTokenSource _end;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _wait;
    private TimeSpan _attemptTimeout;
    private CancellationTokenSource? _attemptOver;
    private CancellationTokenSource? _attempt;
    private int _pauseMilliseconds;
    private bool _mustPause;

    /// <summary>Begins now.</summary>
    /// <param name="options">How long.</param>
    /// <param name="caller">The caller's own wish to give up.</param>
    /// <param name="closed">The client's end.</param>
    /// <param name="wait">How long a node may take on purpose.</param>
    /// <param name="tried">How long an attempt took that went before; the next one comes after a pause. Zero when there was none.</param>
    public Deadline(SwarmClientOptions options, CancellationToken caller, CancellationToken closed, TimeSpan wait = default, TimeSpan tried = default)
    {
        _mustPause = tried > TimeSpan.Zero;
        (_time, _caller, _timeout, _wait, _attemptTimeout) = (options.Time, caller, options.Timeout, wait, options.AttemptTimeout);
        TimeSpan left = options.Timeout + wait - tried;
        _over = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time);
        _end = CancellationTokenSource.CreateLinkedTokenSource(caller, closed, _over.Token);
    }

    /// <summary>The end of the attempt that has begun.</summary>
    public CancellationToken Attempt => _attempt!.Token;

    /// <summary>The end of the call.</summary>
    public CancellationToken End => _end.Token;

    /// <summary>True when the call has ended, for whatever reason.</summary>
    public bool IsOver => _end.IsCancellationRequested;

    /// <summary>Begins an attempt, the first at once, others after a pause. False when the time is over.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async ValueTask<bool> NextAttemptAsync()
    {
        if (_attempt is not null)
        {
            if (_attempt.IsCancellationRequested && _attemptTimeout < _timeout)
            {
                // Perhaps the nodes are slow, not dead: asking ever again would make them slower.
                _attemptTimeout *= 2;
            }

            EndAttempt();
            _mustPause = true;
        }

        if (_mustPause)
        {
            await PauseAsync();
        }

        _caller.ThrowIfCancellationRequested();
        if (_end.IsCancellationRequested)
        {
            return false;
        }

        _attemptOver = new CancellationTokenSource(_attemptTimeout + _wait, _time);
        _attempt = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, _attemptOver.Token);
        return true;
    }

    public void Dispose()
    {
        EndAttempt();
        _end.Dispose();
        _over.Dispose();
    }

    private void EndAttempt()
    {
        _attempt?.Dispose();
        _attemptOver?.Dispose();
        _attempt = null;
    }

    private async Task PauseAsync()
    {
        _pauseMilliseconds = Math.Clamp(_pauseMilliseconds * 2, FirstPauseMilliseconds, LongestPauseMilliseconds);
        try
        {
            // A little by chance, so that callers that failed together do not come back together.
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next((_pauseMilliseconds / 2) + 1, _pauseMilliseconds + 1)), _time, _end.Token);
        }
        catch (OperationCanceledException)
        {
            // Whose wish it was is looked at next.
        }
    }
}
