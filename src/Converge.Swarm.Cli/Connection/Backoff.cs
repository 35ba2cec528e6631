namespace Converge.Swarm.Cli.Connection;

/// <summary>How long to wait before trying again: twice as long each time, up to a bound, by chance a little shorter.</summary>
internal sealed class Backoff
{
    private const int FirstMilliseconds = 20;
    private const int LongestMilliseconds = 500;

    private int _milliseconds = FirstMilliseconds;

    /// <summary>Waits, longer each time.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        int wait = Random.Shared.Next((_milliseconds / 2) + 1, _milliseconds + 1);
        _milliseconds = Math.Min(_milliseconds * 2, LongestMilliseconds);
        await Task.Delay(wait, cancellationToken);
    }

    /// <summary>Begins again with the shortest wait.</summary>
    public void Reset() => _milliseconds = FirstMilliseconds;
}
