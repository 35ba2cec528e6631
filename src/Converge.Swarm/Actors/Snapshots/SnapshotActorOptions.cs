using Converge.Core;

namespace Converge.Swarm.Actors;

/// <summary>What a snapshot actor must know besides what it finds. Times are counted in ticks.</summary>
public sealed record SnapshotActorOptions
{
    /// <summary>This node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>When a snapshot is taken, and what stays in the log behind it.</summary>
    public required SnapshotOptions Policy { get; init; }

    /// <summary>The shortest time without a leader before an election; the others are measured by it.</summary>
    public required int ElectionTicks { get; init; }

    /// <summary>An offer is repeated this often until it is answered.</summary>
    internal int OfferTicks => Math.Max(1, ElectionTicks / 4);

    /// <summary>A follower that got nothing for so long asks again for what it lacks.</summary>
    internal int ResendTicks => Math.Max(2, ElectionTicks / 4);

    /// <summary>
    /// A transfer ends when nothing was heard of the follower for so long: not of what was sent, but of the follower. How long it takes to
    /// install what has arrived is no part of it (NuRaft at ClickHouse 112405).
    /// </summary>
    internal int SilenceTicks => 4 * ElectionTicks;

    /// <summary>A snapshot that could not be written for want of room is tried again after so long.</summary>
    internal int RetryTicks => 10 * ElectionTicks;
}
