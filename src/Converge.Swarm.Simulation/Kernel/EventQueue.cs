using System.Runtime.InteropServices;

namespace Converge.Swarm.Simulation;

/// <summary>What is due and when: a heap. Of two events of the same moment the one that was added first comes first.</summary>
internal sealed class EventQueue
{
    private Slot[] _heap = new Slot[256];
    private int _count;
    private long _added;

    public int Count => _count;

    /// <summary>When the next event is due, in microseconds.</summary>
    public long NextTime => _heap[0].Time;

    public void Add(long time, in SimulatedEvent due)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, 2 * _heap.Length);
        }

        var slot = new Slot { Time = time, Order = _added++, Due = due };
        int at = _count++;
        while (at > 0)
        {
            int parent = (at - 1) / 2;
            if (!slot.IsBefore(_heap[parent]))
            {
                break;
            }

            _heap[at] = _heap[parent];
            at = parent;
        }

        _heap[at] = slot;
    }

    public SimulatedEvent Take(out long time)
    {
        Slot first = _heap[0];
        Slot last = _heap[--_count];
        _heap[_count] = default;
        int at = 0;
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && _heap[child + 1].IsBefore(_heap[child]))
            {
                child++;
            }

            if (!_heap[child].IsBefore(last))
            {
                break;
            }

            _heap[at] = _heap[child];
            at = child;
        }

        if (_count > 0)
        {
            _heap[at] = last;
        }

        time = first.Time;
        return first.Due;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Slot
    {
        public long Time;
        public long Order;
        public SimulatedEvent Due;

        public readonly bool IsBefore(in Slot other) => Time < other.Time || (Time == other.Time && Order < other.Order);
    }
}
