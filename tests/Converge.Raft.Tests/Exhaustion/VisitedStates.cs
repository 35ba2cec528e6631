namespace Converge.Raft.Tests.Exhaustion;

/// <summary>The fingerprints of the states that were seen: 64 bits each, in one table without pointers.</summary>
/// <remarks>
/// Two different states are taken for one with a chance of about n²/2⁶⁵ for n states: one in a hundred thousand for twenty million. Such an
/// accident can hide a violation but never invent one.
/// </remarks>
internal sealed class VisitedStates
{
    private ulong[] _slots = new ulong[1 << 16];

    public int Count { get; private set; }

    /// <summary>Adds a fingerprint; false when it is there already.</summary>
    public bool Add(ulong fingerprint)
    {
        // Zero marks an empty slot.
        fingerprint = fingerprint == 0 ? 1 : fingerprint;
        if ((Count + 1L) * 4 > _slots.LongLength * 3)
        {
            Grow();
        }

        if (!Insert(_slots, fingerprint))
        {
            return false;
        }

        Count++;
        return true;
    }

    private static bool Insert(ulong[] slots, ulong fingerprint)
    {
        long mask = slots.LongLength - 1;
        long at = (long)(fingerprint >> 7) & mask;
        while (slots[at] != 0)
        {
            if (slots[at] == fingerprint)
            {
                return false;
            }

            at = (at + 1) & mask;
        }

        slots[at] = fingerprint;
        return true;
    }

    private void Grow()
    {
        var grown = new ulong[_slots.LongLength * 2];
        foreach (ulong fingerprint in _slots)
        {
            if (fingerprint != 0)
            {
                Insert(grown, fingerprint);
            }
        }

        _slots = grown;
    }
}
