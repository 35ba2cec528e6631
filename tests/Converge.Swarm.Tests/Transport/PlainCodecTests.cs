using System.Buffers;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Converge.Swarm.Transport;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Tests.Transport;

/// <summary>What passes by for every fact is written and read by hand: it must be what the generated code writes and reads.</summary>
public sealed class PlainCodecTests
{
    private const int Rounds = 2_000;

    [Fact]
    public void A_protocol_message_has_the_bytes_that_the_generated_code_writes()
    {
        var random = new Random(1);
        for (int i = 0; i < Rounds; i++)
        {
            ProtocolMessage message = RandomMessage(random);
            var buffer = new ArrayBufferWriter<byte>();

            PeerMessageCodec.WriteFrame(buffer, message);

            (FrameKind kind, IMessage body) = PeerMessageCodec.ToWire(message);
            Assert.Equal(Frame.ToBytes(kind, body), buffer.WrittenSpan.ToArray());
        }
    }

    [Fact]
    public void A_protocol_message_is_read_as_what_was_written_also_in_pieces()
    {
        var random = new Random(2);
        for (int i = 0; i < Rounds; i++)
        {
            ProtocolMessage message = RandomMessage(random);
            byte[] body = PeerMessageCodec.ToWire(message).Body.ToByteArray();

            Assert.True(ProtocolBody.TryRead(InPieces(body, random), memory: null, out Message read, out DigestMark mark));

            Assert.Equal(message.Mark, mark);
            Assert.Equal(message.Message.Entries.ToArray(), read.Entries.ToArray());
            Assert.Equal(body, PeerMessageCodec.ToWire(new ProtocolMessage(read, mark)).Body.ToByteArray());
        }
    }

    /// <summary>The buffer that a frame came in is used for the next one.</summary>
    [Fact]
    public void Of_the_bytes_that_were_read_nothing_is_kept()
    {
        var random = new Random(4);
        var memory = new EntryMemory();
        List<(byte[] Body, Message Read, DigestMark Mark)> all = [];
        byte[] buffer = new byte[1024 * 1024];
        for (int i = 0; i < Rounds; i++)
        {
            byte[] body = PeerMessageCodec.ToWire(RandomMessage(random)).Body.ToByteArray();
            body.CopyTo(buffer, 0);
            Assert.True(ProtocolBody.TryRead(new ReadOnlySequence<byte>(buffer, 0, body.Length), random.Next(4) > 0 ? memory : null, out Message read, out DigestMark mark));
            all.Add((body, read, mark));
        }

        Assert.All(all, one => Assert.Equal(one.Body, PeerMessageCodec.ToWire(new ProtocolMessage(one.Read, one.Mark)).Body.ToByteArray()));
    }

    [Fact]
    public void Altered_bytes_are_left_to_the_generated_code_or_read_as_it_reads_them()
    {
        var random = new Random(3);
        int taken = 0;
        for (int i = 0; i < 20 * Rounds; i++)
        {
            byte[] body = PeerMessageCodec.ToWire(RandomMessage(random)).Body.ToByteArray();
            Alter(body, random);
            if (ProtocolBody.TryRead(new ReadOnlySequence<byte>(body), memory: null, out Message read, out DigestMark mark))
            {
                taken++;
                var parsed = Protocol.Parser.ParseFrom(body);
                Assert.Equal(parsed.Kind, (uint)read.Kind);
                Assert.Equal((parsed.From, parsed.To, parsed.Term, parsed.LogTerm), (read.From.Value, read.To.Value, read.Term.Value, read.LogTerm.Value));
                Assert.Equal((parsed.Index, parsed.Commit, parsed.Reject), (read.Index.Value, read.Commit.Value, read.Reject));
                Assert.Equal((parsed.RejectHint, parsed.Context, parsed.MarkIndex), (read.RejectHint.Value, read.Context, mark.Index.Value));
                Assert.Equal(parsed.Entries.Select(entry => (entry.Term, entry.Kind)), read.Entries.ToArray().Select(entry => (entry.Term.Value, (uint)entry.Kind)));
                Assert.All(parsed.Entries.Zip(read.Entries.ToArray()), pair => Assert.Equal(pair.First.Data.ToByteArray(), pair.Second.Data.ToArray()));
            }
        }

        Assert.True(taken > 0);
    }

    [Fact]
    public void A_request_to_commit_has_the_bytes_that_the_generated_code_writes_and_is_read_back()
    {
        var random = new Random(4);
        for (int i = 0; i < Rounds; i++)
        {
            ReadOnlyMemory<byte>[] commands = [.. Enumerable.Range(0, random.Next(0, 5)).Select(_ => RandomBytes(random))];
            ulong id = RandomNumber(random);
            var request = new ClientRequest { Id = id, Commit = new CommitRequest() };
            request.Commit.Commands.Add(commands.Select(command => ByteString.CopyFrom(command.Span)));
            var buffer = new ArrayBufferWriter<byte>();

            CommitBody.WriteRequest(buffer, id, commands);

            Assert.Equal(Frame.ToBytes(FrameKind.ClientRequest, request), buffer.WrittenSpan.ToArray());
            Assert.True(CommitBody.TryReadRequest(InPieces(request.ToByteArray(), random), out ulong readId, out ReadOnlyMemory<byte>[] read));
            Assert.Equal(id, readId);
            Assert.Equal(commands.Select(command => command.ToArray()), read.Select(command => command.ToArray()));
        }

        Assert.False(CommitBody.TryReadRequest(new ReadOnlySequence<byte>(new ClientRequest { Id = 1, Head = new HeadRequest() }.ToByteArray()), out _, out _));
    }

    [Fact]
    public void An_answer_that_facts_were_recorded_has_the_bytes_that_the_generated_code_writes_and_is_read_back()
    {
        var random = new Random(5);
        for (int i = 0; i < Rounds; i++)
        {
            CommitAnswer[] answers = [.. Enumerable.Range(0, random.Next(0, 5)).Select(_ => RandomAccepted(random))];
            ulong id = RandomNumber(random);
            var leader = new LeaderHint(new NodeId(RandomNumber(random)), new Term(RandomNumber(random)));
            var answer = new ClientAnswer { Id = id, Leader = ClientMessageCodec.ToWire(leader), Commit = ClientMessageCodec.ToWire(answers) };
            var buffer = new ArrayBufferWriter<byte>();

            Assert.True(CommitBody.TryWriteAnswer(buffer, id, leader, answers));

            Assert.Equal(Frame.ToBytes(FrameKind.ClientAnswer, answer), buffer.WrittenSpan.ToArray());
            Assert.True(CommitBody.TryReadAnswer(InPieces(answer.ToByteArray(), random), out ulong readId, out LeaderHint readLeader, out CommitAnswer[] read));
            Assert.Equal((id, leader), (readId, readLeader));
            Assert.Equal(answers, read);
        }
    }

    [Fact]
    public void An_answer_that_says_more_is_left_to_the_generated_code()
    {
        CommitAnswer[] answers = [RandomAccepted(new Random(6)), new FactRefused(RefusalCode.AlreadyExists, 1)];
        byte[] body = new ClientAnswer { Id = 1, Commit = ClientMessageCodec.ToWire(answers) }.ToByteArray();

        Assert.False(CommitBody.TryWriteAnswer(new ArrayBufferWriter<byte>(), 1, LeaderHint.None, answers));
        Assert.False(CommitBody.TryReadAnswer(new ReadOnlySequence<byte>(body), out _, out _, out _));
    }

    [Fact]
    public void Altered_commits_are_left_to_the_generated_code_or_read_as_it_reads_them()
    {
        var random = new Random(7);
        int requests = 0;
        int answered = 0;
        for (int i = 0; i < 20 * Rounds; i++)
        {
            var request = new ClientRequest { Id = RandomNumber(random), Commit = new CommitRequest { Commands = { ByteString.CopyFrom(RandomBytes(random)) } } };
            byte[] body = request.ToByteArray();
            Alter(body, random);
            if (CommitBody.TryReadRequest(new ReadOnlySequence<byte>(body), out ulong id, out ReadOnlyMemory<byte>[] commands))
            {
                requests++;
                var parsed = ClientRequest.Parser.ParseFrom(body);
                Assert.Equal(parsed.Id, id);
                Assert.Equal(parsed.Commit.Commands.Select(command => command.ToByteArray()), commands.Select(command => command.ToArray()));
            }

            var answer = new ClientAnswer { Id = 9, Leader = new LeaderKnown { Node = 1, Term = 2 }, Commit = ClientMessageCodec.ToWire([RandomAccepted(random)]) };
            body = answer.ToByteArray();
            Alter(body, random);
            if (CommitBody.TryReadAnswer(new ReadOnlySequence<byte>(body), out id, out LeaderHint leader, out CommitAnswer[] answers))
            {
                answered++;
                var parsed = ClientAnswer.Parser.ParseFrom(body);
                Assert.Equal(parsed.Id, id);
                Assert.Equal(ClientMessageCodec.FromWire(parsed.Leader), leader);
                Assert.Equal(ClientMessageCodec.FromWire(parsed.Commit), answers);
            }
        }

        Assert.True(requests > 0 && answered > 0);
    }

    [Theory]
    [InlineData("p", "a", "title", true)]
    [InlineData("p", "a", null, true)]
    [InlineData("Ünïcode", "ä", "ö\n", true)]
    [InlineData(" p", "a", "", true)]
    [InlineData("p", "a", "\0", false)]
    [InlineData(" ", "a", "t", false)]
    [InlineData("p\u0001", "a", "t", false)]
    [InlineData("p", "\u0085", "t", false)]
    [InlineData("p\u007f", "a", "t", false)]
    public void A_fact_from_outside_is_taken_exactly_when_it_could_have_been_submitted_here(string proposal, string author, string? title, bool good)
    {
        var submission = new FactSubmission(new ProposalCreated(proposal, author, title), CommandId: new CommandId("s", 1));
        Assert.Equal(good, SubmissionRules.Check(submission) is null);

        Assert.Equal(good, SubmissionCheck.Fault(Encoded(submission), out _) is null);
    }

    [Fact]
    public void A_fact_from_outside_is_refused_when_it_is_none()
    {
        Assert.NotNull(SubmissionCheck.Fault([], out _));
        Assert.NotNull(SubmissionCheck.Fault([1, 2, 3], out _));
        Assert.NotNull(SubmissionCheck.Fault(CommandCodec.EncodeAuthority(new NodeId(1), CommandStamp.None), out _));
        byte[] claimed = CommandCodec.EncodeFact(
            new FactSubmission(new PromotionApproved("p", "a"), Lamport: new LamportTimestamp(41, new NodeId(1))), CommandStamp.None);
        Assert.Null(SubmissionCheck.Fault(claimed, out ulong claim));
        Assert.Equal(41UL, claim);
    }

    /// <summary>The encoding by hand, because what may not be submitted cannot be encoded.</summary>
    private static byte[] Encoded(FactSubmission submission)
    {
        var template = new FactSubmission(new ProposalCreated("p", "a"), CommandId: submission.CommandId);
        byte[] encoded = CommandCodec.EncodeFact(template, CommandStamp.None);
        byte[] head = encoded[..(encoded.Length - FactCodec.SizeOf(template))];
        byte[] fact = new byte[FactCodec.SizeOf(submission)];
        var writer = new FieldWriter(fact);
        FactCodec.Write(ref writer, submission);
        return [.. head, .. fact];
    }

    private static void Alter(byte[] bytes, Random random)
    {
        for (int flips = random.Next(1, 4); flips > 0 && bytes.Length > 0; flips--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }
    }

    private static ProtocolMessage RandomMessage(Random random)
    {
        MessageKind[] kinds = [MessageKind.Append, MessageKind.AppendResp, MessageKind.Heartbeat, MessageKind.HeartbeatResp];
        MessageKind kind = kinds[random.Next(kinds.Length)];
        ulong index = RandomNumber(random) / 2;
        var message = new Message
        {
            Kind = kind,
            From = new NodeId(RandomNumber(random)),
            To = new NodeId(RandomNumber(random)),
            Term = new Term(RandomNumber(random)),
            LogTerm = new Term(RandomNumber(random)),
            Index = new LogIndex(index),
            Commit = new LogIndex(RandomNumber(random)),
            Reject = random.Next(2) == 0,
            RejectHint = new LogIndex(RandomNumber(random)),
            Context = RandomNumber(random),
            Entries = kind == MessageKind.Append
                ? Enumerable.Range(1, random.Next(0, 6)).Select(i => new Raft.Entry(
                    new Term(RandomNumber(random)), new LogIndex(index + (ulong)i), (EntryKind)random.Next(3), RandomBytes(random))).ToArray()
                : default,
        };
        return new ProtocolMessage(message, random.Next(2) == 0 ? default : new DigestMark(new LogIndex(1 + (RandomNumber(random) / 2)), RandomHash(random)));
    }

    private static FactAccepted RandomAccepted(Random random) => new(
        RandomNumber(random),
        new LogIndex(RandomNumber(random)),
        new Term(RandomNumber(random)),
        (long)(RandomNumber(random) / 2),
        new LamportTimestamp(RandomNumber(random), new NodeId(RandomNumber(random))),
        RandomHash(random).ToString(),
        RandomNumber(random));

    private static Hash256 RandomHash(Random random)
    {
        byte[] bytes = new byte[Hash256.Size];
        random.NextBytes(bytes);
        return new Hash256(bytes);
    }

    private static byte[] RandomBytes(Random random)
    {
        byte[] bytes = new byte[random.Next(4) == 0 ? 0 : random.Next(300)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static ulong RandomNumber(Random random) => random.Next(5) switch
    {
        0 => 0,
        1 => (ulong)random.Next(130),
        2 => (ulong)random.NextInt64(),
        3 => ulong.MaxValue - (ulong)random.Next(3),
        _ => 1UL << random.Next(64),
    };

    private static ReadOnlySequence<byte> InPieces(byte[] bytes, Random random)
    {
        int cut = random.Next(bytes.Length + 1);
        var first = new Piece(bytes.AsMemory(0, cut));
        Piece last = first.Then(bytes.AsMemory(cut));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Piece Then(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
