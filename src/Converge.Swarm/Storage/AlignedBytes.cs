using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Storage;

/// <summary>Memory for files that bypass the system's memory (<see cref="IDiskFile.BypassMemory"/>): it begins at a page, and the collector does not move it.</summary>
internal readonly struct AlignedBytes
{
    /// <summary>What is read or written past the system's memory begins and ends at a multiple of this, in the file and in memory.</summary>
    public const int SectorBytes = 512;

    /// <summary>At a multiple of this every device takes it.</summary>
    public const int PageBytes = 4096;

    private readonly byte[]? _array;
    private readonly int _start;

    /// <summary>So many bytes, zeros.</summary>
    public AlignedBytes(int length)
    {
        _array = GC.AllocateArray<byte>(length + PageBytes, pinned: true);
        _start = (int)(-AddressOf(_array) & (PageBytes - 1));
    }

    /// <summary>How many bytes there are; none before there was any memory.</summary>
    public int Length => _array is null ? 0 : _array.Length - PageBytes;

    /// <summary>All of them.</summary>
    public Span<byte> Span => _array.AsSpan(_start, Length);

    /// <summary>True when bytes may go from here to there, or from there to here, past the system's memory.</summary>
    public static bool AreAligned(long offset, ReadOnlySpan<byte> bytes) => ((offset | (long)bytes.Length | AddressOf(bytes)) & (SectorBytes - 1)) == 0;

    private static unsafe nint AddressOf(ReadOnlySpan<byte> bytes) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
}
