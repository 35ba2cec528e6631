using System.Buffers.Binary;
using Converge.Core;

namespace Converge.Swarm.Storage;

/// <summary>
/// The bytes of a <see cref="LogBatch"/>, specified in docs/formats/raft-log.md and the same for ever: what version 1 wrote stays
/// readable.
/// </summary>
public static class LogBatchCodec
{
    /// <summary>The version written now.</summary>
    public const byte Version = 1;

    private const int HeaderBytes = 2;
    private const int StateBytes = 3 * sizeof(ulong);
    private const int MarkBytes = 2 * sizeof(ulong);
    private const int TruncateBytes = sizeof(ulong);
    private const int EntriesBytes = sizeof(uint) + sizeof(ulong);
    private const int EntryBytes = sizeof(ulong) + sizeof(byte) + sizeof(uint);

    [Flags]
    private enum Parts : byte
    {
        None = 0,
        State = 1,
        Truncate = 2,
        Mark = 4,
        Entries = 8,
        All = State | Truncate | Mark | Entries,
    }

    /// <summary>How many bytes a batch takes.</summary>
    public static long Measure(LogBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        long bytes = HeaderBytes
            + (batch.State is null ? 0 : StateBytes)
            + (batch.TruncateFrom is null ? 0 : TruncateBytes)
            + (batch.Mark is null ? 0 : MarkBytes)
            + (batch.Entries.Count == 0 ? 0 : EntriesBytes);
        foreach (var entry in batch.Entries)
        {
            bytes += EntryBytes + entry.Data.Length;
        }

        return bytes;
    }

    /// <summary>The bytes of a batch.</summary>
    /// <exception cref="LogOrderException">Its entries do not follow each other: their indexes are written once.</exception>
    /// <exception cref="RecordTooLargeException">It is larger than 2 GiB.</exception>
    public static byte[] Encode(LogBatch batch)
    {
        var length = Measure(batch);
        if (length > Array.MaxLength)
        {
            throw new RecordTooLargeException("A log batch", length, Array.MaxLength);
        }

        var bytes = new byte[length];
        Encode(batch, bytes);
        return bytes;
    }

    /// <summary>Writes the bytes of a batch into as many as it takes (<see cref="Measure"/>).</summary>
    /// <exception cref="LogOrderException">Its entries do not follow each other: their indexes are written once.</exception>
    internal static void Encode(LogBatch batch, Span<byte> bytes)
    {
        var writer = new Writer(bytes);
        writer.Byte(Version);
        writer.Byte((byte)PartsOf(batch));
        if (batch.State is { } state)
        {
            writer.Number(state.Term.Value);
            writer.Number(state.Vote.Value);
            writer.Number(state.Commit.Value);
        }

        if (batch.TruncateFrom is { } from)
        {
            writer.Number(from.Value);
        }

        if (batch.Mark is { } mark)
        {
            writer.Number(mark.Index.Value);
            writer.Number(mark.Term.Value);
        }

        if (batch.Entries.Count > 0)
        {
            WriteEntries(batch.Entries, ref writer);
        }
    }

    /// <summary>The batch in all of these bytes. Entries keep pointing into them.</summary>
    /// <exception cref="LogBatchFormatException">They are not exactly one batch of a known version.</exception>
    public static LogBatch Decode(ReadOnlyMemory<byte> bytes)
    {
        var reader = new Reader(bytes);
        if (reader.Byte() is var version && version != Version)
        {
            throw new LogBatchFormatException(0, $"stands version {version}, known is {Version}");
        }

        var parts = (Parts)reader.Byte();
        if ((parts & ~Parts.All) != Parts.None)
        {
            throw new LogBatchFormatException(1, $"stand unknown parts ({(byte)parts})");
        }

        var batch = new LogBatch
        {
            State = parts.HasFlag(Parts.State) ? new DurableState(new Term(reader.Number()), new NodeId(reader.Number()), new LogIndex(reader.Number())) : null,
            TruncateFrom = parts.HasFlag(Parts.Truncate) ? new LogIndex(reader.Number()) : null,
            Mark = parts.HasFlag(Parts.Mark) ? new SnapshotMark(new LogIndex(reader.Number()), new Term(reader.Number())) : null,
            Entries = parts.HasFlag(Parts.Entries) ? ReadEntries(ref reader) : [],
        };
        reader.RequireEnd();
        return batch;
    }

    private static Parts PartsOf(LogBatch batch) =>
        (batch.State is null ? Parts.None : Parts.State)
        | (batch.TruncateFrom is null ? Parts.None : Parts.Truncate)
        | (batch.Mark is null ? Parts.None : Parts.Mark)
        | (batch.Entries.Count == 0 ? Parts.None : Parts.Entries);

    private static void WriteEntries(IReadOnlyList<LogEntry> entries, ref Writer writer)
    {
        var index = entries[0].Index;
        writer.Length(entries.Count);
        writer.Number(index.Value);
        foreach (var entry in entries)
        {
            if (entry.Index != index)
            {
                throw new LogOrderException($"Entry {entry.Index} stands where {index} is due.");
            }

            writer.Number(entry.Term.Value);
            writer.Byte(entry.Kind);
            writer.Length(entry.Data.Length);
            writer.Bytes(entry.Data.Span);
            index = index.Next;
        }
    }

    private static LogEntry[] ReadEntries(ref Reader reader)
    {
        var at = reader.Offset;
        var count = reader.Length();
        var index = reader.Number();
        if (count == 0 || count > reader.Rest / EntryBytes || index > ulong.MaxValue - (ulong)count)
        {
            throw new LogBatchFormatException(at, $"are said to be {count} entries from index {index} in {reader.Rest} bytes");
        }

        var entries = new LogEntry[count];
        for (var i = 0; i < count; i++)
        {
            var term = new Term(reader.Number());
            var kind = reader.Byte();
            entries[i] = new LogEntry(new LogIndex(index + (ulong)i), term, kind, reader.Bytes(reader.Length()));
        }

        return entries;
    }

    private ref struct Writer(Span<byte> rest)
    {
        private Span<byte> _rest = rest;

        public void Byte(byte value)
        {
            _rest[0] = value;
            _rest = _rest[1..];
        }

        public void Number(ulong value)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_rest, value);
            _rest = _rest[sizeof(ulong)..];
        }

        public void Length(int value)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_rest, value);
            _rest = _rest[sizeof(int)..];
        }

        public void Bytes(ReadOnlySpan<byte> value)
        {
            value.CopyTo(_rest);
            _rest = _rest[value.Length..];
        }
    }

    private ref struct Reader(ReadOnlyMemory<byte> bytes)
    {
        private readonly ReadOnlyMemory<byte> _bytes = bytes;

        public int Offset { get; private set; }

        public readonly int Rest => _bytes.Length - Offset;

        public byte Byte() => Take(1).Span[0];

        public ulong Number() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)).Span);

        public int Length()
        {
            var at = Offset;
            var length = BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)).Span);
            return length >= 0 ? length : throw new LogBatchFormatException(at, $"stands the length {(uint)length}");
        }

        public ReadOnlyMemory<byte> Bytes(int count) => Take(count);

        public readonly void RequireEnd()
        {
            if (Rest != 0)
            {
                throw new LogBatchFormatException(Offset, $"are {Rest} bytes too many");
            }
        }

        private ReadOnlyMemory<byte> Take(int count)
        {
            if (count > Rest)
            {
                throw new LogBatchFormatException(Offset, $"are {Rest} bytes where {count} are due");
            }

            var taken = _bytes.Slice(Offset, count);
            Offset += count;
            return taken;
        }
    }
}
