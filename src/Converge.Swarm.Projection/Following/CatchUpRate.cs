namespace Converge.Swarm.Projection.Following;

/// <summary>How fast records are projected, over the last batches.</summary>
internal sealed class CatchUpRate
{
    /// <summary>So many batches are looked at.</summary>
    public const int Batches = 64;

    private readonly Queue<(int Records, TimeSpan Time)> _batches = new();
    private long _records;
    private TimeSpan _time;

    /// <summary>Records per second of work; null before the first batch.</summary>
    public double? RecordsPerSecond => _time > TimeSpan.Zero ? _records / _time.TotalSeconds : null;

    /// <summary>A batch took so long.</summary>
    public void Add(int records, TimeSpan time)
    {
        _batches.Enqueue((records, time));
        _records += records;
        _time += time;
        if (_batches.Count > Batches)
        {
            (int oldRecords, TimeSpan oldTime) = _batches.Dequeue();
            _records -= oldRecords;
            _time -= oldTime;
        }
    }
}
