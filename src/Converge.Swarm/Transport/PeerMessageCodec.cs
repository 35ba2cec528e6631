using System.Buffers;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Converge.Swarm.Transport.Wire;
using Google.Protobuf;

namespace Converge.Swarm.Transport;

/// <summary>Peer messages as protobuf bodies, the same for every host that crosses a wire. See <c>peer.proto</c>.</summary>
public static partial class PeerMessageCodec
{
    /// <summary>The protobuf form of a message and the frame kind that names it.</summary>
    internal static (FrameKind Kind, IMessage Body) ToWire(PeerMessage message) => message switch
    {
        ProtocolMessage protocol => (FrameKind.Protocol, ToWire(protocol)),
        ForwardedCommands commands => (FrameKind.Commands, ToWire(commands)),
        ForwardedAnswers answers => (FrameKind.Answers, ToWire(answers)),
        Actors.SnapshotOffer offer => (FrameKind.SnapshotOffer, ToWire(offer)),
        Actors.SnapshotReceipt receipt => (FrameKind.SnapshotReceipt, ToWire(receipt)),
        Actors.SnapshotRecords records => (FrameKind.SnapshotRecords, ToWire(records)),
        Actors.SnapshotBytes bytes => (FrameKind.SnapshotBytes, ToWire(bytes)),
        ForwardedChange or ForwardedOutcome or RemovalNotice => (FrameKind.Members, MembershipWire.ToWire(message)),
        _ => throw new ArgumentOutOfRangeException(nameof(message), message, "Not a peer message."),
    };

    /// <summary>Writes the frame of a message.</summary>
    /// <exception cref="FrameException">The body is larger than a frame may be; nothing was written.</exception>
    internal static void WriteFrame(IBufferWriter<byte> buffer, PeerMessage message)
    {
        if (message is not ProtocolMessage protocol || !ProtocolBody.IsFor(protocol))
        {
            (FrameKind kind, IMessage body) = ToWire(message);
            Frame.Write(buffer, kind, body);
            return;
        }

        int size = ProtocolBody.Measure(protocol);
        ProtocolBody.Write(Frame.Begin(buffer, FrameKind.Protocol, size), protocol);
        buffer.Advance(Frame.HeaderBytes + size);
    }

    /// <summary>Reads the body of a frame.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="body">Its body; nothing of it is kept.</param>
    /// <param name="memory">Where the bytes of entries are put; null for arrays of their own.</param>
    /// <exception cref="FrameException">The body does not say what its kind promises.</exception>
    internal static PeerMessage FromWire(FrameKind kind, ReadOnlySequence<byte> body, EntryMemory? memory = null)
    {
        if (body.Length > MaxSnapshotBodyBytes && kind is >= FrameKind.SnapshotOffer and <= FrameKind.SnapshotBytes)
        {
            throw new FrameException($"The body of a {kind} frame has {body.Length} bytes; {MaxSnapshotBodyBytes} are allowed.");
        }

        try
        {
            return kind switch
            {
                FrameKind.Protocol when ProtocolBody.TryRead(body, memory, out Message message, out DigestMark mark) && MayCrossTheWire(message.Kind) =>
                    new ProtocolMessage(message, mark),
                FrameKind.Protocol => FromWire(Protocol.Parser.ParseFrom(body)),
                FrameKind.Commands => FromWire(Commands.Parser.ParseFrom(body)),
                FrameKind.Answers => FromWire(Answers.Parser.ParseFrom(body)),
                FrameKind.SnapshotOffer => FromWire(Wire.SnapshotOffer.Parser.ParseFrom(body)),
                FrameKind.SnapshotReceipt => FromWire(Wire.SnapshotReceipt.Parser.ParseFrom(body)),
                FrameKind.SnapshotRecords => FromWire(Wire.SnapshotRecords.Parser.ParseFrom(body)),
                FrameKind.SnapshotBytes => FromWire(Wire.SnapshotBytes.Parser.ParseFrom(body)),
                FrameKind.Members => MembershipWire.FromWire(Wire.Members.Parser.ParseFrom(body)),
                _ => throw new FrameException($"A frame of kind {kind} is out of place here."),
            };
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new FrameException($"The body of a {kind} frame cannot be read: {e.Message}");
        }
    }

    private static Protocol ToWire(ProtocolMessage protocol)
    {
        Message message = protocol.Message;
        var wire = new Protocol
        {
            Kind = (uint)message.Kind,
            From = message.From.Value,
            To = message.To.Value,
            Term = message.Term.Value,
            LogTerm = message.LogTerm.Value,
            Index = message.Index.Value,
            Commit = message.Commit.Value,
            Reject = message.Reject,
            RejectHint = message.RejectHint.Value,
            Context = message.Context,
        };
        ReadOnlySpan<Raft.Entry> entries = message.Entries.Span;
        wire.Entries.Capacity = entries.Length;
        foreach (ref readonly Raft.Entry entry in entries)
        {
            wire.Entries.Add(new Wire.Entry
            {
                Term = entry.Term.Value,
                Kind = (uint)entry.Kind,
                Data = UnsafeByteOperations.UnsafeWrap(entry.Data),
            });
        }

        if (protocol.Mark.Index != LogIndex.Zero)
        {
            wire.MarkIndex = protocol.Mark.Index.Value;
            wire.MarkDigest = ToBytes(protocol.Mark.Digest);
        }

        return wire;
    }

    private static ProtocolMessage FromWire(Protocol wire)
    {
        if (wire.Kind > byte.MaxValue || !Enum.IsDefined((MessageKind)wire.Kind) || !MayCrossTheWire((MessageKind)wire.Kind))
        {
            throw new FrameException($"A protocol message of kind {wire.Kind} may not come from a peer.");
        }

        Raft.Entry[] entries = wire.Entries.Count == 0 ? [] : new Raft.Entry[wire.Entries.Count];
        for (int i = 0; i < entries.Length; i++)
        {
            Wire.Entry entry = wire.Entries[i];
            if (entry.Kind > byte.MaxValue || !Enum.IsDefined((EntryKind)entry.Kind))
            {
                throw new FrameException($"An entry of unknown kind {entry.Kind}.");
            }

            entries[i] = new Raft.Entry(new Term(entry.Term), new LogIndex(wire.Index + 1 + (ulong)i), (EntryKind)entry.Kind, entry.Data.Memory);
        }

        if (wire.MarkIndex != 0 && wire.MarkDigest.Length != Hash256.Size)
        {
            throw new FrameException($"A digest of {wire.MarkDigest.Length} bytes; {Hash256.Size} are required.");
        }

        var message = new Message
        {
            Kind = (MessageKind)wire.Kind,
            From = new NodeId(wire.From),
            To = new NodeId(wire.To),
            Term = new Term(wire.Term),
            LogTerm = new Term(wire.LogTerm),
            Index = new LogIndex(wire.Index),
            Commit = new LogIndex(wire.Commit),
            Reject = wire.Reject,
            RejectHint = new LogIndex(wire.RejectHint),
            Context = wire.Context,
            Entries = entries,
        };
        return new ProtocolMessage(message, wire.MarkIndex == 0
            ? default
            : new DigestMark(new LogIndex(wire.MarkIndex), new Hash256(wire.MarkDigest.Span)));
    }

    private static ByteString ToBytes(Hash256 hash)
    {
        byte[] bytes = new byte[Hash256.Size];
        hash.CopyTo(bytes);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    /// <summary>Local messages (ticks, storage) are no peer's to send.</summary>
    private static bool MayCrossTheWire(MessageKind kind) => kind is
        MessageKind.Append or MessageKind.AppendResp or MessageKind.Vote or MessageKind.VoteResp or MessageKind.PreVote or MessageKind.PreVoteResp
        or MessageKind.Heartbeat or MessageKind.HeartbeatResp or MessageKind.ReadIndex or MessageKind.ReadIndexResp
        or MessageKind.TransferLeader or MessageKind.TimeoutNow;

    private static Commands ToWire(ForwardedCommands forwarded)
    {
        var wire = new Commands { Request = forwarded.Request };
        foreach (UnstampedCommand command in forwarded.Commands)
        {
            wire.Commands_.Add(new Command { Body = UnsafeByteOperations.UnsafeWrap(command.Body), LamportClaim = command.LamportClaim });
        }

        return wire;
    }

    private static ForwardedCommands FromWire(Commands wire)
    {
        var commands = new UnstampedCommand[wire.Commands_.Count];
        for (int i = 0; i < commands.Length; i++)
        {
            Command command = wire.Commands_[i];
            if (!CommandCodec.IsFact(command.Body.Span) || command.LamportClaim > LamportClock.MaxCounter)
            {
                // In the log it would stop every node; it does not get that far.
                throw new FrameException("A forwarded command that is not one.");
            }

            commands[i] = new UnstampedCommand(command.Body.Memory, command.LamportClaim);
        }

        return new ForwardedCommands(wire.Request, commands);
    }

    private static Answers ToWire(ForwardedAnswers forwarded)
    {
        var wire = new Answers { Request = forwarded.Request };
        foreach (CommitAnswer answer in forwarded.Answers)
        {
            wire.Answers_.Add(ToWire(answer));
        }

        return wire;
    }

    internal static Answer ToWire(CommitAnswer answer) => answer switch
    {
        FactAccepted a => new Answer
        {
            Accepted = new Accepted
            {
                Sequence = a.Sequence,
                Index = a.Index.Value,
                Term = a.Term.Value,
                CommittedAtUnixMilliseconds = a.CommittedAtUnixMilliseconds,
                LamportCounter = a.Lamport.Counter,
                LamportNode = a.Lamport.Node.Value,
                Hash = UnsafeByteOperations.UnsafeWrap(Convert.FromHexString(a.Hash)),
                Revision = a.Revision,
            },
        },
        FactRefused r => new Answer { Refused = new Refused { Code = (uint)r.Code, Revision = r.Revision } },
        FactNotCommitted n => new Answer { NotCommitted = new NotCommitted { Reason = (uint)n.Reason, Message = n.Message } },
        FactOutcomeUnknown u => new Answer { Unknown = new Unknown { Message = u.Message } },
        _ => throw new ArgumentOutOfRangeException(nameof(answer), answer, "Not an answer."),
    };

    private static ForwardedAnswers FromWire(Answers wire)
    {
        var answers = new CommitAnswer[wire.Answers_.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = FromWire(wire.Answers_[i]);
        }

        return new ForwardedAnswers(wire.Request, answers);
    }

    internal static CommitAnswer FromWire(Answer wire) => wire.OutcomeCase switch
    {
        Answer.OutcomeOneofCase.Accepted when wire.Accepted.Hash.Length == Hash256.Size => new FactAccepted(
            wire.Accepted.Sequence,
            new LogIndex(wire.Accepted.Index),
            new Term(wire.Accepted.Term),
            wire.Accepted.CommittedAtUnixMilliseconds,
            new LamportTimestamp(wire.Accepted.LamportCounter, new NodeId(wire.Accepted.LamportNode)),
            Convert.ToHexStringLower(wire.Accepted.Hash.Span),
            wire.Accepted.Revision),
        Answer.OutcomeOneofCase.Refused when Enum.IsDefined((RefusalCode)wire.Refused.Code) =>
            new FactRefused((RefusalCode)wire.Refused.Code, wire.Refused.Revision),
        Answer.OutcomeOneofCase.NotCommitted when Enum.IsDefined((NotCommittedReason)wire.NotCommitted.Reason) =>
            new FactNotCommitted((NotCommittedReason)wire.NotCommitted.Reason, wire.NotCommitted.Message),
        Answer.OutcomeOneofCase.Unknown => new FactOutcomeUnknown(wire.Unknown.Message),
        _ => throw new FrameException("An answer that is none of the four."),
    };
}
