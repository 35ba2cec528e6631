namespace Converge.Swarm.Projection.Tests;

/// <summary>A clock that moves on by the same step whenever it is read, and by hand.</summary>
internal sealed class SteppedTime(TimeSpan step) : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Add(ref _now, step.Ticks);
}
