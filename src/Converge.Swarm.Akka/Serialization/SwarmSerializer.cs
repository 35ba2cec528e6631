using System.Buffers;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;
using Converge.Swarm.Transport;
using Google.Protobuf;
using Envelope = Converge.Swarm.Akka.Serialization.Wire.Envelope;

namespace Converge.Swarm.Akka.Serialization;

/// <summary>
/// The swarm's messages as bytes: protobuf between nodes, the log's own encoding in the journal. Manifests are one letter and never
/// change their meaning; bytes that were written once stay readable.
/// </summary>
internal sealed class SwarmSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public const string ProtocolManifest = "P";
    public const string CommandsManifest = "C";
    public const string AnswersManifest = "A";
    public const string MembersManifest = "M";
    public const string LogBatchManifest = "B";
    public const string SnapshotOfferManifest = "O";
    public const string SnapshotReceiptManifest = "R";
    public const string SnapshotRecordsManifest = "L";
    public const string SnapshotBytesManifest = "S";

    public override string Manifest(object o) => o switch
    {
        PeerEnvelope { Message: ProtocolMessage } => ProtocolManifest,
        PeerEnvelope { Message: ForwardedCommands } => CommandsManifest,
        PeerEnvelope { Message: ForwardedAnswers } => AnswersManifest,
        PeerEnvelope { Message: SnapshotOffer } => SnapshotOfferManifest,
        PeerEnvelope { Message: SnapshotReceipt } => SnapshotReceiptManifest,
        PeerEnvelope { Message: SnapshotRecords } => SnapshotRecordsManifest,
        PeerEnvelope { Message: SnapshotBytes } => SnapshotBytesManifest,
        PeerEnvelope { Message: ForwardedChange or ForwardedOutcome or RemovalNotice } => MembersManifest,
        LogBatchStored => LogBatchManifest,
        _ => throw new SerializationException($"{o.GetType()} is none of the swarm's messages."),
    };

    public override byte[] ToBinary(object obj) => obj switch
    {
        PeerEnvelope envelope => new Envelope
        {
            Cluster = envelope.Cluster,
            From = envelope.From.Value,
            To = envelope.To.Value,
            Body = UnsafeByteOperations.UnsafeWrap(PeerMessageCodec.ToWire(envelope.Message).Body.ToByteArray()),
        }.ToByteArray(),
        LogBatchStored stored => LogBatchCodec.Encode(stored.Batch),
        _ => throw new SerializationException($"{obj.GetType()} is none of the swarm's messages."),
    };

    public override object FromBinary(byte[] bytes, string manifest) => manifest switch
    {
        ProtocolManifest => FromWire(bytes, FrameKind.Protocol),
        CommandsManifest => FromWire(bytes, FrameKind.Commands),
        AnswersManifest => FromWire(bytes, FrameKind.Answers),
        SnapshotOfferManifest => FromWire(bytes, FrameKind.SnapshotOffer),
        SnapshotReceiptManifest => FromWire(bytes, FrameKind.SnapshotReceipt),
        SnapshotRecordsManifest => FromWire(bytes, FrameKind.SnapshotRecords),
        SnapshotBytesManifest => FromWire(bytes, FrameKind.SnapshotBytes),
        MembersManifest => FromWire(bytes, FrameKind.Members),
        LogBatchManifest => new LogBatchStored(LogBatchCodec.Decode(bytes)),
        _ => throw new SerializationException($"'{manifest}' is none of the swarm's manifests."),
    };

    private static PeerEnvelope FromWire(byte[] bytes, FrameKind kind)
    {
        try
        {
            Envelope envelope = Envelope.Parser.ParseFrom(bytes);
            PeerMessage message = PeerMessageCodec.FromWire(kind, new ReadOnlySequence<byte>(envelope.Body.Memory));
            return new PeerEnvelope(envelope.Cluster, new NodeId(envelope.From), new NodeId(envelope.To), message);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or FrameException)
        {
            throw new SerializationException($"A message between nodes cannot be read: {e.Message}", e);
        }
    }
}
