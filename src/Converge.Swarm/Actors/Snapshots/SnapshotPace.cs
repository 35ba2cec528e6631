namespace Converge.Swarm.Actors;

/// <summary>
/// Whether the writing of a snapshot may take its time. The actor that had it begun says so, whoever writes asks from time to time. For any thread.
/// </summary>
public sealed class SnapshotPace
{
    private volatile bool _isHurried;

    /// <summary>True when somebody waits for it: a follower, or the next snapshot.</summary>
    public bool IsHurried => _isHurried;

    /// <summary>From now on it takes no longer than it must.</summary>
    public void Hurry() => _isHurried = true;
}
