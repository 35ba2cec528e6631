using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// Entries with dense indexes, in chunks: appended at the end, dropped from either end, read as slices of the chunks without copying.
/// </summary>
/// <remarks>
/// A slot that was handed out in a slice is never written again: cutting off a tail makes the next append move what is left of the
/// tail chunk to a new one. So slices stay valid for ever, and clones share chunks.
/// </remarks>
internal sealed class EntryRun
{
    private const int ChunkBits = 10;
    private const int ChunkLength = 1 << ChunkBits;
    private const int FirstChunkLength = 8;

    private Entry[][] _chunks;
    private int _chunkCount;
    private ulong _origin;
    private ulong _first;
    private ulong _next;
    private bool _isTailShared;

    public EntryRun(LogIndex first)
    {
        _chunks = new Entry[1][];
        _origin = _first = _next = first.Value;
    }

    private EntryRun(EntryRun other)
    {
        _chunks = (Entry[][])other._chunks.Clone();
        _chunkCount = other._chunkCount;
        _origin = other._origin;
        _first = other._first;
        _next = other._next;
        _isTailShared = true;
        other._isTailShared = true;
    }

    /// <summary>The index of the first entry, or where it would be.</summary>
    public LogIndex First => new(_first);

    /// <summary>One more than the index of the last entry.</summary>
    public LogIndex Next => new(_next);

    public int Count => (int)(_next - _first);

    public bool IsEmpty => _next == _first;

    public ref readonly Entry this[LogIndex index]
    {
        get
        {
            Invariant.Check(Holds(index), $"Entry {index} was asked of a run that holds [{_first}, {_next}).");
            return ref At(index.Value);
        }
    }

    public bool Holds(LogIndex index) => index.Value >= _first && index.Value < _next;

    public EntryRun Clone() => new(this);

    public void Append(in Entry entry)
    {
        Invariant.Check(entry.Index.Value == _next, $"Entry {entry.Index} was appended where {_next} belongs.");
        ulong offset = _next - _origin;
        int chunk = (int)(offset >> ChunkBits);
        int slot = (int)(offset & (ChunkLength - 1));
        if (chunk == _chunkCount)
        {
            AddChunk();
        }
        else if (_isTailShared || slot == _chunks[chunk].Length)
        {
            RenewTail(chunk, slot);
        }

        _chunks[chunk][slot] = entry;
        _next++;
    }

    public void Append(ReadOnlySpan<Entry> entries)
    {
        foreach (ref readonly Entry entry in entries)
        {
            Append(entry);
        }
    }

    /// <summary>Drops this entry and all after it.</summary>
    public void TruncateFrom(LogIndex index)
    {
        Invariant.Check(index.Value >= _first && index.Value <= _next, $"A run that holds [{_first}, {_next}) was cut at {index}.");
        if (index.Value == _next)
        {
            return;
        }

        _next = index.Value;
        int chunks = (int)((_next - _origin + ChunkLength - 1) >> ChunkBits);
        Array.Clear(_chunks, chunks, _chunkCount - chunks);
        _chunkCount = chunks;
        _isTailShared = true;
    }

    /// <summary>Drops this entry and all before it.</summary>
    public void DiscardThrough(LogIndex index)
    {
        Invariant.Check(index.Value + 1 >= _first && index.Value < _next, $"A run that holds [{_first}, {_next}) was discarded through {index}.");
        _first = index.Value + 1;
        int dead = (int)((_first - _origin) >> ChunkBits);
        if (dead > 0)
        {
            Array.Copy(_chunks, dead, _chunks, 0, _chunkCount - dead);
            Array.Clear(_chunks, _chunkCount - dead, dead);
            _chunkCount -= dead;
            _origin += (ulong)dead << ChunkBits;
        }
    }

    /// <summary>Drops everything; the next entry will be <paramref name="first"/>.</summary>
    public void Reset(LogIndex first)
    {
        _chunks = new Entry[1][];
        _chunkCount = 0;
        _origin = _first = _next = first.Value;
        _isTailShared = false;
    }

    /// <summary>The entries of [from, to), at least one, further ones while their sizes stay within <paramref name="maxBytes"/>.</summary>
    public ReadOnlyMemory<Entry> Slice(LogIndex from, LogIndex to, long maxBytes)
    {
        Invariant.Check(
            from.Value >= _first && from <= to && to.Value <= _next, $"Entries [{from}, {to}) were asked of a run that holds [{_first}, {_next}).");
        if (from == to)
        {
            return default;
        }

        ulong end = maxBytes == long.MaxValue ? to.Value : EndWithin(from.Value, to.Value, maxBytes);
        int count = (int)(end - from.Value);
        ulong offset = from.Value - _origin;
        int chunk = (int)(offset >> ChunkBits);
        int slot = (int)(offset & (ChunkLength - 1));
        if (slot + count <= ChunkLength)
        {
            return new ReadOnlyMemory<Entry>(_chunks[chunk], slot, count);
        }

        // Only a slice across the seam of two chunks is copied.
        var copy = new Entry[count];
        for (int copied = 0; copied < count; chunk++, slot = 0)
        {
            int part = Math.Min(count - copied, ChunkLength - slot);
            Array.Copy(_chunks[chunk], slot, copy, copied, part);
            copied += part;
        }

        return copy;
    }

    private ulong EndWithin(ulong from, ulong to, long maxBytes)
    {
        long bytes = At(from).SizeBytes;
        ulong end = from + 1;
        while (end < to)
        {
            bytes += At(end).SizeBytes;
            if (bytes > maxBytes)
            {
                break;
            }

            end++;
        }

        return end;
    }

    private ref readonly Entry At(ulong index)
    {
        ulong offset = index - _origin;
        return ref _chunks[(int)(offset >> ChunkBits)][(int)(offset & (ChunkLength - 1))];
    }

    private void AddChunk()
    {
        if (_chunkCount == _chunks.Length)
        {
            Array.Resize(ref _chunks, Math.Max(4, _chunks.Length * 2));
        }

        _chunks[_chunkCount++] = new Entry[_chunkCount == 1 ? FirstChunkLength : ChunkLength];
        _isTailShared = false;
    }

    private void RenewTail(int chunk, int used)
    {
        Entry[] old = _chunks[chunk];
        int length = used < old.Length ? old.Length : Math.Min(ChunkLength, old.Length * 2);
        var renewed = new Entry[length];
        Array.Copy(old, renewed, used);
        _chunks[chunk] = renewed;
        _isTailShared = false;
    }
}
