namespace Converge.Swarm.Actors;

/// <summary>The time as the host gives it to an actor with each message.</summary>
/// <param name="UnixMilliseconds">Wall-clock time; may jump. Only ever written down, never compared for a decision about authority.</param>
/// <param name="SteadyTicks">
/// How many whole ticks have passed since some moment on a clock that never jumps and does not stand still while the process or the machine
/// sleeps. Read when the message is received, never before. Only leases rest on it: a host without leased reads may leave it at zero.
/// </param>
public readonly record struct Moment(long UnixMilliseconds, long SteadyTicks = 0);
