using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft;

/// <summary>A read that waits for its confirmation.</summary>
/// <param name="From">Who asks.</param>
/// <param name="Context">The asker's name for it.</param>
/// <param name="Index">The commit index when it came in, or when the term was established.</param>
/// <param name="Round">The heartbeat round that confirms it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PendingRead(NodeId From, ulong Context, LogIndex Index, ulong Round);

/// <summary>
/// The reads that wait, in the order in which they came, bounded. First those that wait for a round of heartbeats, or, at the beginning of
/// a term, those that are postponed until it has committed something; never both kinds at once.
/// </summary>
internal sealed class PendingReads(int capacity)
{
    private const ulong Postponed = ulong.MaxValue;
    private const ulong PostponedWithoutLease = ulong.MaxValue - 1;

    private PendingRead[] _ring = [];
    private int _start;
    private int _count;

    public bool IsFull => _count == capacity;

    public bool HasPostponed => _count > 0 && _ring[_start].Round >= PostponedWithoutLease;

    public bool HasScheduled => _count > 0 && _ring[_start].Round < PostponedWithoutLease;

    /// <summary>One of those postponed must be confirmed by a quorum, lease or not.</summary>
    public bool RefusesLease
    {
        get
        {
            for (int i = 0; i < _count; i++)
            {
                if (_ring[(_start + i) & (_ring.Length - 1)].Round == PostponedWithoutLease)
                {
                    return true;
                }
            }

            return false;
        }
    }

    public bool TryPostpone(NodeId from, ulong context, bool isLeaseRefused)
    {
        if (IsFull)
        {
            return false;
        }

        Add(from, context, LogIndex.Zero, isLeaseRefused ? PostponedWithoutLease : Postponed);
        return true;
    }

    public void Add(NodeId from, ulong context, LogIndex index, ulong round)
    {
        Invariant.Check(!IsFull, $"A read was added to {_count} that wait.");
        if (_count == _ring.Length)
        {
            Grow();
        }

        _ring[(_start + _count) & (_ring.Length - 1)] = new PendingRead(from, context, index, round);
        _count++;
    }

    /// <summary>What was postponed waits for a round from now on.</summary>
    public void Schedule(LogIndex index, ulong round)
    {
        for (int i = 0; i < _count; i++)
        {
            ref PendingRead read = ref _ring[(_start + i) & (_ring.Length - 1)];
            read = read with { Index = index, Round = round };
        }
    }

    /// <summary>The next read that a confirmed round covers.</summary>
    public bool TryTake(ulong confirmedRound, out PendingRead read)
    {
        if (_count == 0 || _ring[_start].Round > confirmedRound)
        {
            read = default;
            return false;
        }

        read = _ring[_start];
        _start = (_start + 1) & (_ring.Length - 1);
        _count--;
        return true;
    }

    public void Clear()
    {
        _start = 0;
        _count = 0;
    }

    public PendingReads Clone() => new(capacity) { _ring = (PendingRead[])_ring.Clone(), _start = _start, _count = _count };

    public void Fingerprint(ref StateFingerprint fingerprint)
    {
        fingerprint.Add(_count);
        for (int i = 0; i < _count; i++)
        {
            PendingRead read = _ring[(_start + i) & (_ring.Length - 1)];
            fingerprint.Add(read.From);
            fingerprint.Add(read.Context);
            fingerprint.Add(read.Index.Value);
            fingerprint.Add(read.Round);
        }
    }

    private void Grow()
    {
        // A power of two, so that a mask wraps around.
        var grown = new PendingRead[Math.Max(16, _ring.Length * 2)];
        for (int i = 0; i < _count; i++)
        {
            grown[i] = _ring[(_start + i) & (_ring.Length - 1)];
        }

        _ring = grown;
        _start = 0;
    }
}
