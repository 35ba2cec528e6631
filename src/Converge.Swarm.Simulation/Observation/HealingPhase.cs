namespace Converge.Swarm.Simulation;

/// <summary>The part of a run in which nothing is broken any more.</summary>
/// <param name="BeganAtMicroseconds">When the last fault ended, in microseconds since the run began.</param>
/// <param name="Within">How long it may take from there until all is well.</param>
public sealed record HealingPhase(long BeganAtMicroseconds, TimeSpan Within)
{
    /// <summary>The last moment at which it is still in time, in microseconds since the run began.</summary>
    public long EndsAtMicroseconds => BeganAtMicroseconds + (long)Within.TotalMicroseconds;
}
