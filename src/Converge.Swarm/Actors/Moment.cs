namespace Converge.Swarm.Actors;

/// <summary>The time as the host gives it to an actor with each message.</summary>
/// <param name="UnixMilliseconds">Wall-clock time; may jump. Only ever written down, never compared for a decision about authority.</param>
public readonly record struct Moment(long UnixMilliseconds);
