namespace Converge.Swarm.Storage;

/// <summary>
/// Memory for the bytes of log entries, cut one behind the other from arrays that the garbage collector leaves where they are. Entries live until the
/// log is compacted, seconds or hours: in arrays of their own each would be moved twice before it is at rest, which took half of the time of
/// all collections. An array is free when the last entry in it is; those are neighbours in the log. Not safe for concurrent use.
/// </summary>
internal sealed class EntryMemory
{
    /// <summary>
    /// An array of this length is a large object, which is not moved, in any program: .NET's limit is 85,000 bytes, that of <c>converge</c> this
    /// (<c>System.GC.LOHThreshold</c> in its project).
    /// </summary>
    private const int LargestArrayBytes = 1024 * 1024;

    private const int FirstArrayBytes = 4 * 1024;

    private byte[] _array = [];
    private int _used;

    /// <summary>So many bytes, whose content is whatever lay there; nobody else is given them.</summary>
    public Memory<byte> Take(int length)
    {
        if (length > LargestArrayBytes / 4)
        {
            // What would be left of an array is too much to lose.
            return GC.AllocateUninitializedArray<byte>(length);
        }

        if (_array.Length - _used < length)
        {
            // Who has little to keep holds little.
            int next = Math.Clamp(2 * _array.Length, FirstArrayBytes, LargestArrayBytes);
            _array = GC.AllocateUninitializedArray<byte>(Math.Max(next, length));
            _used = 0;
        }

        Memory<byte> taken = _array.AsMemory(_used, length);
        _used += length;
        return taken;
    }
}
