using System.Runtime.InteropServices;

namespace Converge.Swarm.Governance;

/// <summary>A kept answer in the ring.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct KeptAnswer
{
    /// <summary>Null when the answer was dropped.</summary>
    public Session? Session;
    public ulong Number;
    public AnswerData Answer;

    /// <summary>Where the session's answer before this one lies or lay; 0 when there was none.</summary>
    public ulong Before;
}

/// <summary>
/// A ring of answers in chunks, so that it can be looked at as it was at one moment without being copied then: a chunk is copied when it is
/// changed for the first time afterwards, as long as somebody looks.
/// </summary>
/// <param name="length">How many places it has; a power of two.</param>
internal sealed class AnswerRing(int length)
{
    private const int MaxChunkLength = 1024;

    private readonly int _chunkMask = Math.Min(length, MaxChunkLength) - 1;
    private readonly int _chunkShift = int.Log2(Math.Min(length, MaxChunkLength));
    private readonly KeptAnswer[]?[] _chunks = new KeptAnswer[]?[Math.Max(1, length / MaxChunkLength)];
    private readonly bool[] _shared = new bool[Math.Max(1, length / MaxChunkLength)];

    private AnswerRing(AnswerRing other)
        : this(other.Length)
    {
        other._chunks.CopyTo(_chunks, 0);
    }

    public int Length { get; } = length;

    /// <summary>What lies at a place where something was put.</summary>
    public ref readonly KeptAnswer this[ulong place] => ref _chunks[ChunkOf(place)]![(int)place & _chunkMask];

    /// <summary>What lies at a place, to be changed. Stays the one in the ring until <see cref="Freeze"/>.</summary>
    public ref KeptAnswer Change(ulong place)
    {
        int at = ChunkOf(place);
        ref KeptAnswer[]? chunk = ref _chunks[at];
        if (chunk is null || _shared[at])
        {
            chunk = chunk is null ? new KeptAnswer[_chunkMask + 1] : [.. chunk];
            _shared[at] = false;
        }

        return ref chunk[(int)place & _chunkMask];
    }

    /// <summary>The ring as it is now, for reading only.</summary>
    public AnswerRing Freeze()
    {
        Array.Fill(_shared, true);
        return new AnswerRing(this);
    }

    /// <summary>Nobody looks at the rings that <see cref="Freeze"/> gave any more: no chunk need be copied.</summary>
    public void Unfreeze() => Array.Fill(_shared, false);

    private int ChunkOf(ulong place) => (int)(place & (ulong)(Length - 1)) >> _chunkShift;
}
