using System.Buffers;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Transport;

/// <summary>
/// The body of a <see cref="FrameKind.Protocol"/> frame, <c>Protocol</c> in <c>peer.proto</c>, written and read without an object for each
/// entry: entries point into the one copy of their frame. Byte for byte what the generated code writes.
/// </summary>
internal static class ProtocolBody
{
    private const int KindField = 1;
    private const int FromField = 2;
    private const int ToField = 3;
    private const int TermField = 4;
    private const int LogTermField = 5;
    private const int IndexField = 6;
    private const int CommitField = 7;
    private const int RejectField = 8;
    private const int RejectHintField = 9;
    private const int ContextField = 10;
    private const int EntriesField = 11;
    private const int MarkIndexField = 12;
    private const int MarkDigestField = 13;

    private const int EntryTermField = 1;
    private const int EntryKindField = 2;
    private const int EntryDataField = 3;

    /// <summary>Whether this writer is for it: the messages that cost anything.</summary>
    public static bool IsFor(ProtocolMessage protocol) => protocol.Message.Kind
        is MessageKind.Append or MessageKind.AppendResp or MessageKind.Heartbeat or MessageKind.HeartbeatResp;

    public static int Measure(ProtocolMessage protocol)
    {
        Message message = protocol.Message;
        int size = ProtobufWriter.SizeOfNumber((ulong)message.Kind)
            + ProtobufWriter.SizeOfNumber(message.From.Value)
            + ProtobufWriter.SizeOfNumber(message.To.Value)
            + ProtobufWriter.SizeOfNumber(message.Term.Value)
            + ProtobufWriter.SizeOfNumber(message.LogTerm.Value)
            + ProtobufWriter.SizeOfNumber(message.Index.Value)
            + ProtobufWriter.SizeOfNumber(message.Commit.Value)
            + ProtobufWriter.SizeOfNumber(message.Reject ? 1UL : 0)
            + ProtobufWriter.SizeOfNumber(message.RejectHint.Value)
            + ProtobufWriter.SizeOfNumber(message.Context);
        foreach (ref readonly Entry entry in message.Entries.Span)
        {
            size = checked(size + ProtobufWriter.SizeOfField(Measure(entry)));
        }

        return protocol.Mark.Index == LogIndex.Zero
            ? size
            : size + ProtobufWriter.SizeOfNumber(protocol.Mark.Index.Value) + ProtobufWriter.SizeOfField(Hash256.Size);
    }

    public static void Write(Span<byte> destination, ProtocolMessage protocol)
    {
        Message message = protocol.Message;
        var writer = new ProtobufWriter(destination);
        writer.Number(KindField, (ulong)message.Kind);
        writer.Number(FromField, message.From.Value);
        writer.Number(ToField, message.To.Value);
        writer.Number(TermField, message.Term.Value);
        writer.Number(LogTermField, message.LogTerm.Value);
        writer.Number(IndexField, message.Index.Value);
        writer.Number(CommitField, message.Commit.Value);
        writer.Number(RejectField, message.Reject ? 1UL : 0);
        writer.Number(RejectHintField, message.RejectHint.Value);
        writer.Number(ContextField, message.Context);
        foreach (ref readonly Entry entry in message.Entries.Span)
        {
            writer.Begin(EntriesField, Measure(entry));
            writer.Number(EntryTermField, entry.Term.Value);
            writer.Number(EntryKindField, (ulong)entry.Kind);
            if (!entry.Data.IsEmpty)
            {
                writer.Bytes(EntryDataField, entry.Data.Span);
            }
        }

        if (protocol.Mark.Index != LogIndex.Zero)
        {
            writer.Number(MarkIndexField, protocol.Mark.Index.Value);
            writer.Begin(MarkDigestField, Hash256.Size);
            protocol.Mark.Digest.CopyTo(writer.Take(Hash256.Size));
        }
    }

    /// <summary>False when these are not the bytes that <see cref="Write"/> writes for some message; that does not mean that they are none.</summary>
    /// <param name="body">The bytes; nothing of them is kept.</param>
    /// <param name="memory">Where the bytes of entries are put; null for an array of their own.</param>
    /// <param name="message">The message.</param>
    /// <param name="mark">What came along with it.</param>
    public static bool TryRead(in ReadOnlySequence<byte> body, EntryMemory? memory, out Message message, out DigestMark mark)
    {
        (message, mark) = (default, default);
        ReadOnlySpan<byte> bytes = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        ReadOnlyMemory<byte> kept = default;
        var reader = new ProtobufReader(bytes);
        ulong kind = 0, from = 0, to = 0, term = 0, logTerm = 0, index = 0, commit = 0, reject = 0, rejectHint = 0, context = 0, markIndex = 0;
        ReadOnlySpan<byte> digest = default;
        Entry[] entries = [];
        int entryCount = 0;
        while (reader.Next(out bool isNumber) is var field and not 0)
        {
            switch (field, isNumber)
            {
                case (KindField, true):
                    kind = reader.Number();
                    break;
                case (FromField, true):
                    from = reader.Number();
                    break;
                case (ToField, true):
                    to = reader.Number();
                    break;
                case (TermField, true):
                    term = reader.Number();
                    break;
                case (LogTermField, true):
                    logTerm = reader.Number();
                    break;
                case (IndexField, true):
                    index = reader.Number();
                    break;
                case (CommitField, true):
                    commit = reader.Number();
                    break;
                case (RejectField, true):
                    reject = reader.Number();
                    break;
                case (RejectHintField, true):
                    rejectHint = reader.Number();
                    break;
                case (ContextField, true):
                    context = reader.Number();
                    break;
                case (EntriesField, false):
                    int start = reader.Position;
                    if (entryCount == 0)
                    {
                        kept = Keep(bytes, memory);
                    }

                    Entry entry = ReadEntry(ref reader, kept, index + (ulong)entryCount + 1);
                    if (entryCount == entries.Length)
                    {
                        // Those that follow are about as long.
                        Array.Resize(ref entries, entryCount + 1 + ((bytes.Length - reader.Position) / Math.Max(1, reader.Position - start)));
                    }

                    entries[entryCount++] = entry;
                    break;
                case (MarkIndexField, true):
                    markIndex = reader.Number();
                    break;
                case (MarkDigestField, false):
                    digest = reader.Content(out _);
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        bool isWhole = !reader.Failed && reject <= 1 && kind <= byte.MaxValue && (digest.Length == Hash256.Size || (digest.IsEmpty && markIndex == 0));
        if (!isWhole)
        {
            return false;
        }

        message = new Message
        {
            Kind = (MessageKind)kind,
            From = new NodeId(from),
            To = new NodeId(to),
            Term = new Term(term),
            LogTerm = new Term(logTerm),
            Index = new LogIndex(index),
            Commit = new LogIndex(commit),
            Reject = reject == 1,
            RejectHint = new LogIndex(rejectHint),
            Context = context,
            Entries = entries.AsMemory(0, entryCount),
        };
        mark = markIndex == 0 ? default : new DigestMark(new LogIndex(markIndex), new Hash256(digest));
        return true;
    }

    private static ReadOnlyMemory<byte> Keep(ReadOnlySpan<byte> bytes, EntryMemory? memory)
    {
        Memory<byte> kept = memory?.Take(bytes.Length) ?? new byte[bytes.Length];
        bytes.CopyTo(kept.Span);
        return kept;
    }

    private static int Measure(in Entry entry) => ProtobufWriter.SizeOfNumber(entry.Term.Value)
        + ProtobufWriter.SizeOfNumber((ulong)entry.Kind)
        + (entry.Data.IsEmpty ? 0 : ProtobufWriter.SizeOfField(entry.Data.Length));

    private static Entry ReadEntry(scoped ref ProtobufReader reader, ReadOnlyMemory<byte> bytes, ulong index)
    {
        ProtobufReader.Outer message = reader.Enter();
        ulong term = 0, kind = 0;
        ReadOnlyMemory<byte> data = default;
        while (reader.Next(out bool isNumber) is var field and not 0)
        {
            switch (field, isNumber)
            {
                case (EntryTermField, true):
                    term = reader.Number();
                    break;
                case (EntryKindField, true):
                    kind = reader.Number();
                    break;
                case (EntryDataField, false):
                    int length = reader.Content(out int start).Length;
                    data = bytes.Slice(start, length);
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        reader.Leave(message);
        if (reader.Failed || kind > byte.MaxValue || !Enum.IsDefined((EntryKind)kind))
        {
            reader.Fail();
            return default;
        }

        return new Entry(new Term(term), new LogIndex(index), (EntryKind)kind, data);
    }
}
