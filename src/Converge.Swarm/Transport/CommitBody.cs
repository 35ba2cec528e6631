using System.Buffers;
using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Transport;

/// <summary>
/// A <c>ClientRequest</c> that commits, and its <c>ClientAnswer</c>, written and read without the objects of the generated code, whose bytes
/// these are: they pass by for every fact.
/// </summary>
internal static class CommitBody
{
    private const int IdField = 1;
    private const int RequestCommitField = 2;
    private const int CommandsField = 1;

    private const int LeaderField = 2;
    private const int LeaderNodeField = 1;
    private const int LeaderTermField = 2;
    private const int AnswerCommitField = 3;
    private const int AnswersField = 1;
    private const int AcceptedField = 1;

    private const int SequenceField = 1;
    private const int IndexField = 2;
    private const int TermField = 3;
    private const int CommittedAtField = 4;
    private const int LamportCounterField = 5;
    private const int LamportNodeField = 6;
    private const int HashField = 7;
    private const int RevisionField = 8;

    /// <summary>How many bytes of a request one command takes.</summary>
    public static int SizeOfCommand(int commandBytes) => ProtobufWriter.SizeOfField(commandBytes);

    /// <summary>Writes the frame of a request. Its commands are known to fit.</summary>
    public static void WriteRequest(IBufferWriter<byte> buffer, ulong id, ReadOnlySpan<ReadOnlyMemory<byte>> commands)
    {
        int content = 0;
        foreach (ReadOnlyMemory<byte> command in commands)
        {
            content += SizeOfCommand(command.Length);
        }

        int size = ProtobufWriter.SizeOfNumber(id) + ProtobufWriter.SizeOfField(content);
        var writer = new ProtobufWriter(Frame.Begin(buffer, FrameKind.ClientRequest, size));
        writer.Number(IdField, id);
        writer.Begin(RequestCommitField, content);
        foreach (ReadOnlyMemory<byte> command in commands)
        {
            writer.Bytes(CommandsField, command.Span);
        }

        buffer.Advance(Frame.HeaderBytes + size);
    }

    /// <summary>Reads a request that commits; false when it is another one, or not written as above. The commands share one copy.</summary>
    public static bool TryReadRequest(in ReadOnlySequence<byte> body, out ulong id, out ReadOnlyMemory<byte>[] commands)
    {
        (id, commands) = (0, []);
        if (body.IsSingleSegment && !IsCommit(body.FirstSpan))
        {
            return false;
        }

        ReadOnlyMemory<byte> bytes = body.ToArray();
        var reader = new ProtobufReader(bytes.Span);
        List<ReadOnlyMemory<byte>>? read = null;
        while (reader.Next(out bool isNumber) is var field and not 0)
        {
            switch (field, isNumber)
            {
                case (IdField, true):
                    id = reader.Number();
                    break;
                case (RequestCommitField, false) when read is null:
                    read = [];
                    ReadCommands(ref reader, bytes, read);
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        if (reader.Failed || read is null)
        {
            return false;
        }

        commands = [.. read];
        return true;
    }

    /// <summary>Writes the frame of an answer if all that it says is that facts were recorded; false when it says more, and nothing is written.</summary>
    public static bool TryWriteAnswer(IBufferWriter<byte> buffer, ulong id, LeaderHint leader, IReadOnlyList<CommitAnswer> answers)
    {
        int content = 0;
        for (int i = 0; i < answers.Count; i++)
        {
            if (answers[i] is not FactAccepted accepted)
            {
                return false;
            }

            content += ProtobufWriter.SizeOfField(ProtobufWriter.SizeOfField(Measure(accepted)));
        }

        int hint = ProtobufWriter.SizeOfNumber(leader.Leader.Value) + ProtobufWriter.SizeOfNumber(leader.Term.Value);
        int size = ProtobufWriter.SizeOfNumber(id) + ProtobufWriter.SizeOfField(hint) + ProtobufWriter.SizeOfField(content);
        var writer = new ProtobufWriter(Frame.Begin(buffer, FrameKind.ClientAnswer, size));
        writer.Number(IdField, id);
        writer.Begin(LeaderField, hint);
        writer.Number(LeaderNodeField, leader.Leader.Value);
        writer.Number(LeaderTermField, leader.Term.Value);
        writer.Begin(AnswerCommitField, content);
        for (int i = 0; i < answers.Count; i++)
        {
            Write(ref writer, (FactAccepted)answers[i]);
        }

        buffer.Advance(Frame.HeaderBytes + size);
        return true;
    }

    /// <summary>Reads an answer that <see cref="TryWriteAnswer"/> wrote; false when it is another one.</summary>
    public static bool TryReadAnswer(in ReadOnlySequence<byte> body, out ulong id, out LeaderHint leader, out CommitAnswer[] answers)
    {
        (id, leader, answers) = (0, LeaderHint.None, []);
        ReadOnlySpan<byte> bytes = body.IsSingleSegment ? body.FirstSpan : body.ToArray();
        var reader = new ProtobufReader(bytes);
        List<CommitAnswer>? read = null;
        while (reader.Next(out bool isNumber) is var field and not 0)
        {
            switch (field, isNumber)
            {
                case (IdField, true):
                    id = reader.Number();
                    break;
                case (LeaderField, false) when leader == LeaderHint.None:
                    leader = ReadLeader(ref reader);
                    break;
                case (AnswerCommitField, false) when read is null:
                    read = [];
                    ReadAnswers(ref reader, read);
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        if (reader.Failed || read is null)
        {
            return false;
        }

        answers = [.. read];
        return true;
    }

    /// <summary>A glance at what comes behind the number, so that nothing is copied in vain.</summary>
    private static bool IsCommit(ReadOnlySpan<byte> start)
    {
        var reader = new ProtobufReader(start);
        if (reader.Next(out bool isNumber) == IdField && isNumber)
        {
            reader.Number();
        }

        return !reader.Failed && reader.Next(out isNumber) == RequestCommitField && !isNumber;
    }

    private static void ReadCommands(scoped ref ProtobufReader reader, ReadOnlyMemory<byte> bytes, List<ReadOnlyMemory<byte>> commands)
    {
        ProtobufReader.Outer request = reader.Enter();
        while (reader.NextIs(CommandsField))
        {
            int length = reader.Content(out int start).Length;
            commands.Add(bytes.Slice(start, length));
        }

        reader.Leave(request);
    }

    private static int Measure(FactAccepted accepted) => ProtobufWriter.SizeOfNumber(accepted.Sequence)
        + ProtobufWriter.SizeOfNumber(accepted.Index.Value)
        + ProtobufWriter.SizeOfNumber(accepted.Term.Value)
        + ProtobufWriter.SizeOfNumber((ulong)accepted.CommittedAtUnixMilliseconds)
        + ProtobufWriter.SizeOfNumber(accepted.Lamport.Counter)
        + ProtobufWriter.SizeOfNumber(accepted.Lamport.Node.Value)
        + ProtobufWriter.SizeOfField(Hash256.Size)
        + ProtobufWriter.SizeOfNumber(accepted.Revision);

    private static void Write(ref ProtobufWriter writer, FactAccepted accepted)
    {
        int size = Measure(accepted);
        writer.Begin(AnswersField, ProtobufWriter.SizeOfField(size));
        writer.Begin(AcceptedField, size);
        writer.Number(SequenceField, accepted.Sequence);
        writer.Number(IndexField, accepted.Index.Value);
        writer.Number(TermField, accepted.Term.Value);
        writer.Number(CommittedAtField, (ulong)accepted.CommittedAtUnixMilliseconds);
        writer.Number(LamportCounterField, accepted.Lamport.Counter);
        writer.Number(LamportNodeField, accepted.Lamport.Node.Value);
        writer.Begin(HashField, Hash256.Size);
        Convert.FromHexString(accepted.Hash, writer.Take(Hash256.Size), out _, out _);
        writer.Number(RevisionField, accepted.Revision);
    }

    private static LeaderHint ReadLeader(scoped ref ProtobufReader reader)
    {
        ProtobufReader.Outer answer = reader.Enter();
        ulong node = 0, term = 0;
        while (reader.Next(out bool isNumber) is var field and not 0)
        {
            switch (field, isNumber)
            {
                case (LeaderNodeField, true):
                    node = reader.Number();
                    break;
                case (LeaderTermField, true):
                    term = reader.Number();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        reader.Leave(answer);
        return new LeaderHint(new NodeId(node), new Term(term));
    }

    private static void ReadAnswers(scoped ref ProtobufReader reader, List<CommitAnswer> answers)
    {
        ProtobufReader.Outer answer = reader.Enter();
        while (reader.NextIs(AnswersField))
        {
            // It says one thing and nothing else: that the fact was recorded.
            ProtobufReader.Outer all = reader.Enter();
            if (reader.NextIs(AcceptedField) && ReadAccepted(ref reader) is { } accepted && reader.Next(out _) == 0)
            {
                answers.Add(accepted);
            }
            else
            {
                reader.Fail();
            }

            reader.Leave(all);
        }

        reader.Leave(answer);
    }

    private static FactAccepted? ReadAccepted(scoped ref ProtobufReader reader)
    {
        ProtobufReader.Outer answer = reader.Enter();
        ulong sequence = 0, index = 0, term = 0, committedAt = 0, lamportCounter = 0, lamportNode = 0, revision = 0;
        ReadOnlySpan<byte> hash = default;
        while (reader.Next(out bool isNumber) is var field and not 0)
        {
            switch (field, isNumber)
            {
                case (SequenceField, true):
                    sequence = reader.Number();
                    break;
                case (IndexField, true):
                    index = reader.Number();
                    break;
                case (TermField, true):
                    term = reader.Number();
                    break;
                case (CommittedAtField, true):
                    committedAt = reader.Number();
                    break;
                case (LamportCounterField, true):
                    lamportCounter = reader.Number();
                    break;
                case (LamportNodeField, true):
                    lamportNode = reader.Number();
                    break;
                case (HashField, false):
                    hash = reader.Content(out _);
                    break;
                case (RevisionField, true):
                    revision = reader.Number();
                    break;
                default:
                    reader.Fail();
                    break;
            }
        }

        reader.Leave(answer);
        return !reader.Failed && hash.Length == Hash256.Size
            ? new FactAccepted(
                sequence,
                new LogIndex(index),
                new Term(term),
                (long)committedAt,
                new LamportTimestamp(lamportCounter, new NodeId(lamportNode)),
                Convert.ToHexStringLower(hash),
                revision)
            : null;
    }
}
