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

/// <summary>What nodes of version 1 said to each other stays readable: the bytes of one frame of each kind.</summary>
public sealed class WireFormatTests
{
    private static readonly Hash256 Digest = new([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);

    private static readonly string[] Names = ["append", "heartbeat", "commands", "answers", "offer", "receipt", "records", "bytes", "change", "outcome"];

    public static TheoryData<string, string> Goldens => new()
    {
        {
            "append",
            "1d000000010308021001180220032802300a38095a0708031a030102035a020803"
        },
        {
            "heartbeat",
            "300000000103080a100218012003504d60096a200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
        },
        {
            "commands",
            "5f00000001040885888c901012270a2501010001000000000000000000000000000000000000000000000000000400010070010061122c0a28010100" +
            "010000000000000000000000000000000000000000000000000006010100700100690100721029"
        },
        {
            "answers",
            "5f00000001050885888c901012370a3508051006180320fbd095ffbc31280830013a200102030405060708090a0b0c0d0e0f10111213141516171819" +
            "1a1b1c1d1e1f2040021206120408031002120a1a080802120466756c6c120822060a046c617465"
        },
        {
            "offer",
            "3400000001060807100318f403200228c0c40730f3033a200102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
        },
        {
            "receipt",
            "0f0000000107080710011890032080c0032801"
        },
        {
            "records",
            "64000000010808071090031a5b0102009001000000000000910100000000000002000000000000000500000000000000060000000000000001000000" +
            "000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f200100000000000000"
        },
        {
            "bytes",
            "0d000000010908071080c0031a03010203"
        },
        { "change", "2d000000010a0a29080912250201040000000000000002000e003132372e302e302e313a37323034030100000000000000" },
        { "outcome", "15000000010a12110809120d0a0b080710021a020203220104" },
        { "not changed", "12000000010a120e0809120a120808081204676f6e65" },
        { "removed", "06000000010a1a020807" },
        { "removed itself", "0a000000010a1a06080710021801" },
    };

    [Theory]
    [MemberData(nameof(Goldens))]
    public void A_frame_has_the_bytes_it_always_had(string name, string golden)
    {
        byte[] frame = Encode(Example(name));

        Assert.Equal(golden, Convert.ToHexStringLower(frame));
    }

    [Theory]
    [InlineData("append")]
    [InlineData("heartbeat")]
    [InlineData("commands")]
    [InlineData("answers")]
    [InlineData("offer")]
    [InlineData("receipt")]
    [InlineData("records")]
    [InlineData("bytes")]
    [InlineData("change")]
    [InlineData("outcome")]
    [InlineData("not changed")]
    [InlineData("removed")]
    [InlineData("removed itself")]
    public void A_frame_is_read_back_as_what_was_sent(string name)
    {
        byte[] bytes = Encode(Example(name));
        var buffer = new ReadOnlySequence<byte>(bytes);

        Assert.True(Frame.TryRead(ref buffer, Frame.MaxBodyBytes, out Frame frame));
        Assert.Equal(0, buffer.Length);
        Assert.Equal(bytes, Encode(PeerMessageCodec.FromWire(frame.Kind, frame.Body)));
    }

    [Fact]
    public void A_frame_that_is_not_all_there_is_waited_for()
    {
        byte[] bytes = Encode(Example("append"));
        for (int length = 0; length < bytes.Length; length++)
        {
            var buffer = new ReadOnlySequence<byte>(bytes.AsMemory(0, length));
            Assert.False(Frame.TryRead(ref buffer, Frame.MaxBodyBytes, out _));
            Assert.Equal(length, buffer.Length);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0x7f, 1, 3 }, "announced")]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 3 }, "announced")]
    [InlineData(new byte[] { 2, 0, 0, 0, 9, 3 }, "version 9")]
    [InlineData(new byte[] { 2, 0, 0, 0, 1, 77 }, "unknown kind 77")]
    public void What_can_never_become_a_frame_is_refused_before_it_is_read(byte[] bytes, string says)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);

        FrameException fault = Assert.Throws<FrameException>(() => Frame.TryRead(ref buffer, Frame.MaxBodyBytes, out _));

        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_that_reached_a_node_that_leads_no_more_is_carried_on_in_the_name_of_who_reads()
    {
        NodeId[] members = [new(1), new(2), new(3)];
        var node = new RaftNode(
            new RaftOptions { Id = new NodeId(2), Random = new NoChoice() }, InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(members)));
        node.Step(new Message { Kind = MessageKind.Heartbeat, From = new NodeId(1), To = new NodeId(2), Term = new Term(3), Context = 1 });

        node.Step(new Message { Kind = MessageKind.ReadIndex, From = new NodeId(3), To = new NodeId(2), Context = 9 });

        Message carried = Assert.Single(node.Ready().Messages.ToArray(), message => message.Kind == MessageKind.ReadIndex);
        Assert.Equal((new NodeId(3), new NodeId(1)), (carried.From, carried.To));
        Assert.True(new ProtocolMessage(carried, default).CanCome(new NodeId(2), new NodeId(1)));
        Assert.False(new ProtocolMessage(carried with { Kind = MessageKind.Vote, Term = new Term(3) }, default).CanCome(new NodeId(2), new NodeId(1)));
    }

    [Fact]
    public void A_local_message_may_not_come_from_a_peer()
    {
        byte[] body = new Protocol { Kind = (uint)MessageKind.StorageAppendResp, From = 2, To = 1 }.ToByteArray();

        Assert.Throws<FrameException>(() => PeerMessageCodec.FromWire(FrameKind.Protocol, new ReadOnlySequence<byte>(body)));
    }

    [Theory]
    [InlineData((byte)FrameKind.SnapshotBytes)]
    [InlineData((byte)FrameKind.SnapshotRecords)]
    public void A_part_of_a_snapshot_that_is_too_large_is_refused_before_it_is_read(byte kind)
    {
        byte[] body = new byte[PeerMessageCodec.MaxSnapshotBodyBytes + 1];

        FrameException fault = Assert.Throws<FrameException>(() => PeerMessageCodec.FromWire((FrameKind)kind, new ReadOnlySequence<byte>(body)));

        Assert.Contains("65537 bytes", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0807100018f403200228c0c407")] // no term
    [InlineData("0807100318f403200428c0c407")] // the entry's term is later than the leader's
    [InlineData("0807100318f4032002")] // an empty file
    public void An_offer_of_what_cannot_be_a_snapshot_is_refused(string body) =>
        Assert.Throws<FrameException>(() => PeerMessageCodec.FromWire(FrameKind.SnapshotOffer, new ReadOnlySequence<byte>(Convert.FromHexString(body))));

    [Theory]
    [InlineData("08071090" + "03")] // no record
    [InlineData("0807" + "1a0101")] // no number
    public void A_part_of_a_snapshot_without_records_is_refused(string body) =>
        Assert.Throws<FrameException>(() => PeerMessageCodec.FromWire(FrameKind.SnapshotRecords, new ReadOnlySequence<byte>(Convert.FromHexString(body))));

    [Fact]
    public void Bytes_of_chance_are_refused_or_read_but_never_anything_else()
    {
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = Encode(Example(Names[i % Names.Length]));
            for (int flips = random.Next(1, 6); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var buffer = new ReadOnlySequence<byte>(bytes);
            try
            {
                while (Frame.TryRead(ref buffer, Frame.MaxBodyBytes, out Frame frame) && frame.Kind >= FrameKind.Protocol)
                {
                    _ = PeerMessageCodec.FromWire(frame.Kind, frame.Body);
                }
            }
            catch (FrameException)
            {
                // The one thing that may happen.
            }
        }
    }

    private static byte[] Encode(PeerMessage message)
    {
        (FrameKind kind, IMessage body) = PeerMessageCodec.ToWire(message);
        byte[] bytes = new byte[Frame.HeaderBytes + body.CalculateSize()];
        Frame.WriteHeader(bytes, kind, bytes.Length - Frame.HeaderBytes);
        body.WriteTo(bytes.AsSpan(Frame.HeaderBytes));
        return bytes;
    }

    private static PeerMessage Example(string name) => name switch
    {
        "change" => new ForwardedChange(9, [MembershipStep.Add(new NodeId(4), MemberRole.Voter, "127.0.0.1:7204"), MembershipStep.Remove(new NodeId(1))]),
        "outcome" => new ForwardedOutcome(
            9, new MembershipChanged(new LogIndex(7), new Term(2), [new NodeId(2), new NodeId(3)], [new NodeId(4)])),
        "not changed" => new ForwardedOutcome(9, new MembershipNotChanged(MembershipRefusal.RemovedMember, "gone")),
        "removed" => new RemovalNotice(new LogIndex(7), Term.Zero, OfSender: false),
        "removed itself" => new RemovalNotice(new LogIndex(7), new Term(2), OfSender: true),
        "append" => new ProtocolMessage(
            new Message
            {
                Kind = MessageKind.Append,
                From = new NodeId(1),
                To = new NodeId(2),
                Term = new Term(3),
                LogTerm = new Term(2),
                Index = new LogIndex(10),
                Commit = new LogIndex(9),
                Entries = new Raft.Entry[]
                {
                    new(new Term(3), new LogIndex(11), EntryKind.Normal, new byte[] { 1, 2, 3 }),
                    new(new Term(3), new LogIndex(12), EntryKind.Normal, default),
                },
            },
            default),
        "heartbeat" => new ProtocolMessage(
            new Message { Kind = MessageKind.HeartbeatResp, From = new NodeId(2), To = new NodeId(1), Term = new Term(3), Context = 77 },
            new DigestMark(new LogIndex(9), Digest)),
        "commands" => new ForwardedCommands(
            0x0102030405,
            [
                new UnstampedCommand(CommandCodec.EncodeFact(new FactSubmission(new PromotionApproved("p", "a")), CommandStamp.None), 0),
                new UnstampedCommand(CommandCodec.EncodeFact(new FactSubmission(new RollbackIssued("p", "i", "r")), CommandStamp.None), 41),
            ]),
        "answers" => new ForwardedAnswers(
            0x0102030405,
            [
                new FactAccepted(5, new LogIndex(6), new Term(3), 1_700_000_000_123, new LamportTimestamp(8, new NodeId(1)), Digest.ToString(), 2),
                new FactRefused(RefusalCode.AlreadyExists, 2),
                new FactNotCommitted(NotCommittedReason.Busy, "full"),
                new FactOutcomeUnknown("late"),
            ]),
        "offer" => new Swarm.Actors.SnapshotOffer(
            7, new Term(3), new SnapshotMark(new LogIndex(500), new Term(2)), 123_456, 499, Digest),
        "receipt" => new Swarm.Actors.SnapshotReceipt(7, SnapshotStage.File, 400, 57_344, Resend: true),
        "records" => new Swarm.Actors.SnapshotRecords(
            7, 400, [LedgerRecordCodec.Encode(new RecordEnvelope(RecordKind.Authority, 400, new LogIndex(401), new Term(2), 5, new LamportTimestamp(6, new NodeId(1)), Digest), [], LedgerRecordCodec.BodyOf(new NodeId(1))).Bytes]),
        "bytes" => new Swarm.Actors.SnapshotBytes(7, 57_344, new byte[] { 1, 2, 3 }),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private sealed class NoChoice : IRandomSource
    {
        public int Next(int exclusiveMax) => 0;
    }
}
