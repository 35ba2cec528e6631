namespace Converge.Swarm.Nodes;

/// <summary>How long a call tries, how long each attempt of it lasts, and the pause between two.</summary>
internal sealed class Deadline : IDisposable
{
    private const int FirstPauseMilliseconds = 10;
    private const int LongestPauseMilliseconds = 250;

    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _end;
    private readonly TimeSpan _timeout;
    private readonly TimeSpan _wait;
    private TimeSpan _attemptTimeout;
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
        (_caller, _timeout, _wait, _attemptTimeout) = (caller, options.Timeout, wait, options.AttemptTimeout);
        _end = CancellationTokenSource.CreateLinkedTokenSource(caller, closed);
        TimeSpan left = options.Timeout + wait - tried;
        _end.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    /// <summary>The end of the attempt that has begun.</summary>
    public CancellationToken Attempt => _attempt!.Token;

    /// <summary>The end of the call.</summary>
    public CancellationToken End => _end.Token;

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

            _attempt.Dispose();
            _attempt = null;
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

        _attempt = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        _attempt.CancelAfter(_attemptTimeout + _wait);
        return true;
    }

    public void Dispose()
    {
        _attempt?.Dispose();
        _end.Dispose();
    }

    private async Task PauseAsync()
    {
        _pauseMilliseconds = Math.Clamp(_pauseMilliseconds * 2, FirstPauseMilliseconds, LongestPauseMilliseconds);
        try
        {
            // A little by chance, so that callers that failed together do not come back together.
            await Task.Delay(Random.Shared.Next((_pauseMilliseconds / 2) + 1, _pauseMilliseconds + 1), _end.Token);
        }
        catch (OperationCanceledException)
        {
            // Whose wish it was is looked at next.
        }
    }
}
