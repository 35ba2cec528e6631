namespace Converge.Swarm.Simulation;

/// <summary>How much work the judgement of one key may be. The problem is NP-complete: some histories cannot be judged in any useful time.</summary>
public sealed record LinearizabilityBounds
{
    /// <summary>So many times an operation is tried in a state before the verdict is <see cref="LinearizabilityVerdict.Unknown"/>.</summary>
    public long MaxSteps { get; init; } = 20_000_000;

    /// <summary>So many states are remembered before the verdict is <see cref="LinearizabilityVerdict.Unknown"/>: what bounds the memory.</summary>
    public int MaxStates { get; init; } = 2_000_000;

    /// <summary>
    /// How long it may take; null for as long as the other bounds allow. With it the verdict depends on the machine, so it is for people who
    /// wait, not for runs that must repeat.
    /// </summary>
    public TimeSpan? Time { get; init; }
}
