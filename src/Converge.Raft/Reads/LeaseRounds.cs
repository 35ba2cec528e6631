namespace Converge.Raft;

/// <summary>
/// When heartbeat rounds were sent, in ticks, as far back as a lease reaches. A round that a quorum answered gives a lease counted from
/// the tick in which it was sent: nobody who answered elects another before an election timeout has passed since it heard of it.
/// </summary>
/// <remarks>
/// A round sent in tick T may have been sent at its very beginning, and tick N may be at its very end: at most N + 1 - T ticks have passed
/// since, which must stay within the lease.
/// </remarks>
internal sealed class LeaseRounds
{
    private readonly ulong[] _roundBefore;
    private long _tick;

    public LeaseRounds(RaftOptions options) =>
        _roundBefore = options.ReadMode == ReadMode.LeaseBased ? new ulong[options.ElectionTicks - options.LeaseDriftTicks] : [];

    private LeaseRounds(LeaseRounds other)
    {
        _roundBefore = (ulong[])other._roundBefore.Clone();
        _tick = other._tick;
    }

    /// <summary>Ticks have begun, one after the other; <paramref name="round"/> is the last round sent before them.</summary>
    public void Advance(long ticks, ulong round)
    {
        // What lies further back than the ring reaches is past any lease: to count all ticks of a long pause would change nothing.
        for (long left = Math.Min(ticks, _roundBefore.Length); left > 0; left--)
        {
            _tick++;
            _roundBefore[_tick % _roundBefore.Length] = round;
        }
    }

    /// <summary>Whether a round that a quorum answered was sent recently enough.</summary>
    public bool Covers(ulong confirmedRound)
    {
        if (_roundBefore.Length == 0)
        {
            return false;
        }

        long oldest = _tick + 1 - _roundBefore.Length;
        ulong before = oldest <= 0 ? 0 : _roundBefore[oldest % _roundBefore.Length];
        return confirmedRound > before;
    }

    /// <summary>A term begins.</summary>
    public void Reset()
    {
        _tick = 0;
        Array.Clear(_roundBefore);
    }

    public LeaseRounds Clone() => new(this);

    public void Fingerprint(ref StateFingerprint fingerprint)
    {
        // Only what the ring holds matters, not how many ticks it took.
        for (int i = 0; i < _roundBefore.Length; i++)
        {
            long tick = _tick - i;
            fingerprint.Add(tick <= 0 ? 0 : _roundBefore[tick % _roundBefore.Length]);
        }
    }
}
