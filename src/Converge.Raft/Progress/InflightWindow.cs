using System.Runtime.InteropServices;
using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// The appends that are under way to one follower, oldest first: a window bounded by messages and by bytes. The last message may exceed
/// the bound on bytes, so that one of any size can be sent.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct InflightWindow(int maxMessages, long maxBytes)
{
    private readonly int _maxMessages = maxMessages;
    private readonly long _maxBytes = maxBytes;
    private Slot[] _slots = [];
    private int _start;

    /// <summary>How many messages are under way.</summary>
    public int Count { get; private set; }

    /// <summary>Their data in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Nothing more may be sent until something is acknowledged.</summary>
    public readonly bool IsFull => Count == _maxMessages || Bytes >= _maxBytes;

    /// <summary>Takes note of a message whose last entry is <paramref name="last"/>. Indexes only grow.</summary>
    public void Add(LogIndex last, long bytes)
    {
        Invariant.Check(!IsFull, $"An append up to {last} was sent although {Count} messages of {Bytes} bytes are under way.");
        if (Count == _slots.Length)
        {
            Grow();
        }

        _slots[(_start + Count) & (_slots.Length - 1)] = new Slot(last, bytes);
        Count++;
        Bytes += bytes;
    }

    /// <summary>Forgets the messages that an acknowledgement of <paramref name="acknowledged"/> covers.</summary>
    public void FreeThrough(LogIndex acknowledged)
    {
        while (Count > 0 && _slots[_start].Last <= acknowledged)
        {
            Bytes -= _slots[_start].Bytes;
            _start = (_start + 1) & (_slots.Length - 1);
            Count--;
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _start = 0;
        Count = 0;
        Bytes = 0;
    }

    public readonly InflightWindow Clone()
    {
        InflightWindow copy = this;
        copy._slots = (Slot[])_slots.Clone();
        return copy;
    }

    public readonly void Fingerprint(ref StateFingerprint fingerprint)
    {
        fingerprint.Add(Count);
        for (int i = 0; i < Count; i++)
        {
            Slot slot = _slots[(_start + i) & (_slots.Length - 1)];
            fingerprint.Add(slot.Last.Value);
            fingerprint.Add((ulong)slot.Bytes);
        }
    }

    private void Grow()
    {
        // A power of two, so that a mask wraps around.
        var grown = new Slot[Math.Max(4, _slots.Length * 2)];
        for (int i = 0; i < Count; i++)
        {
            grown[i] = _slots[(_start + i) & (_slots.Length - 1)];
        }

        _slots = grown;
        _start = 0;
    }

    private readonly record struct Slot(LogIndex Last, long Bytes);
}
