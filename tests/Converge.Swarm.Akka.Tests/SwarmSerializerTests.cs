using System.Runtime.Serialization;
using Akka.Configuration;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Akka.Serialization;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Akka.Tests;

/// <summary>The bytes are on wires and disks: a test that must be changed here means that old ones are no longer readable.</summary>
public sealed class SwarmSerializerTests : global::Akka.TestKit.Xunit2.TestKit
{
    private readonly SwarmSerializer _serializer;

    public SwarmSerializerTests()
        : base(Configuration)
    {
        _serializer = Assert.IsType<SwarmSerializer>(Sys.Serialization.FindSerializerForType(typeof(PeerEnvelope)));
    }

    private static Config Configuration => ConfigurationFactory.FromResource("Converge.Swarm.Akka.serialization.conf", typeof(Swarm).Assembly);

    [Fact]
    public void The_identifier_is_the_one_that_journals_hold() => Assert.Equal(7371, _serializer.Identifier);

    [Fact]
    public void An_append_is_these_bytes()
    {
        var message = new Message
        {
            Kind = MessageKind.Append,
            From = new NodeId(1),
            To = new NodeId(2),
            Term = new Term(3),
            LogTerm = new Term(2),
            Index = new LogIndex(7),
            Commit = new LogIndex(6),
            Entries = new[] { new Entry(new Term(3), new LogIndex(8), EntryKind.Normal, "fact"u8.ToArray()) },
        };

        RequireGolden(
            new ProtocolMessage(message, default),
            SwarmSerializer.ProtocolManifest,
            "0A0474657374" + "1001" + "1802" + "2218" + "0802" + "1001" + "1802" + "2003" + "2802" + "3007" + "3806" + "5A08" + "0803" + "1A0466616374");
    }

    [Fact]
    public void A_vote_is_these_bytes()
    {
        var message = new Message { Kind = MessageKind.Vote, From = new NodeId(1), To = new NodeId(2), Term = new Term(3), LogTerm = new Term(2), Index = new LogIndex(7) };

        RequireGolden(
            new ProtocolMessage(message, default),
            SwarmSerializer.ProtocolManifest,
            "0A0474657374" + "1001" + "1802" + "220C" + "0804" + "1001" + "1802" + "2003" + "2802" + "3007");
    }

    [Fact]
    public void Forwarded_commands_are_these_bytes() =>
        RequireGolden(
            new ForwardedCommands(9, [Command("p", 5), Command("q", 0)]),
            SwarmSerializer.CommandsManifest,
            "0A0474657374" + "1001" + "1802" + "2256" + "0809"
            + "1229" + "0A2501010001000000000000000000000000000000000000000000000000000100010070010061" + "1005"
            + "1227" + "0A2501010001000000000000000000000000000000000000000000000000000100010071010061");

    [Fact]
    public void Forwarded_answers_are_these_bytes() =>
        RequireGolden(
            new ForwardedAnswers(9, [new FactRefused(RefusalCode.AlreadyExists, 3), new FactOutcomeUnknown("?")]),
            SwarmSerializer.AnswersManifest,
            "0A0474657374" + "1001" + "1802" + "2211" + "0809" + "1206" + "1204" + "0803" + "1003" + "1205" + "2203" + "0A013F");

    [Fact]
    public void A_receipt_for_a_snapshot_is_these_bytes() =>
        RequireGolden(
            new Actors.SnapshotReceipt(7, SnapshotStage.File, 400, 57_344, Resend: true),
            SwarmSerializer.SnapshotReceiptManifest,
            "0A0474657374" + "1001" + "1802" + "220D" + "0807" + "1001" + "189003" + "2080C003" + "2801");

    [Fact]
    public void A_piece_of_a_snapshot_is_these_bytes() =>
        RequireGolden(
            new Actors.SnapshotBytes(7, 57_344, new byte[] { 1, 2, 3 }),
            SwarmSerializer.SnapshotBytesManifest,
            "0A0474657374" + "1001" + "1802" + "220B" + "0807" + "1080C003" + "1A03010203");

    [Fact]
    public void An_event_of_the_log_is_the_batch_in_the_encoding_of_every_host()
    {
        var batch = new LogBatch
        {
            State = new DurableState(new Term(3), new NodeId(2), LogIndex.Zero),
            TruncateFrom = new LogIndex(7),
            Entries = [new LogEntry(new LogIndex(7), new Term(3), 0, "fact"u8.ToArray())],
        };
        var stored = new LogBatchStored(batch);

        byte[] bytes = _serializer.ToBinary(stored);

        Assert.Equal(SwarmSerializer.LogBatchManifest, _serializer.Manifest(stored));
        Assert.Equal(LogBatchCodec.Encode(batch), bytes);
        LogBatch read = Assert.IsType<LogBatchStored>(_serializer.FromBinary(bytes, "B")).Batch;
        Assert.Equal(batch.State, read.State);
        Assert.Equal(batch.TruncateFrom, read.TruncateFrom);
        Assert.Equal(batch.Entries, read.Entries);
    }

    [Theory]
    [InlineData("P", "FF")]
    [InlineData("P", "0A0474657374")]
    [InlineData("A", "220412020A00")]
    [InlineData("X", "")]
    [InlineData("", "")]
    public void Bytes_that_are_no_message_are_refused_as_such(string manifest, string bytes) =>
        Assert.Throws<SerializationException>(() => _serializer.FromBinary(Convert.FromHexString(bytes), manifest));

    [Fact]
    public void Nothing_else_is_serialised() => Assert.Throws<SerializationException>(() => _serializer.ToBinary("text"));

    private static UnstampedCommand Command(string proposal, ulong lamport) =>
        new(CommandCodec.EncodeFact(new FactSubmission(new ProposalCreated(proposal, "a")), CommandStamp.None), lamport);

    private void RequireGolden(PeerMessage message, string manifest, string golden)
    {
        var envelope = new PeerEnvelope("test", new NodeId(1), new NodeId(2), message);

        byte[] bytes = _serializer.ToBinary(envelope);

        Assert.Equal(manifest, _serializer.Manifest(envelope));
        Assert.Equal(golden, Convert.ToHexString(bytes));
        PeerEnvelope read = Assert.IsType<PeerEnvelope>(_serializer.FromBinary(bytes, manifest));
        Assert.Equal((envelope.Cluster, envelope.From, envelope.To), (read.Cluster, read.From, read.To));
        Assert.Equal(bytes, _serializer.ToBinary(read));
    }
}
