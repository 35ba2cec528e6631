using Converge.Core;

namespace Converge.Swarm.Ledger;

/// <summary>
/// Ledger records as bytes, and their hashes. Specified in <c>docs/formats/ledger.md</c>; a record has exactly one encoding in one
/// version, and bytes once written stay readable.
/// </summary>
/// <remarks>
/// A record's hash is SHA-256(0x00 || encoding): its own hash, which the next record repeats, and at the same time its leaf hash in the
/// Merkle tree of RFC 6962, section 2.1.
/// </remarks>
public static class LedgerRecordCodec
{
    /// <summary>The version in which facts and authorities are written.</summary>
    public const byte Version = 1;

    /// <summary>The version in which changes of members are written: a program that knows only the first one must not pass over them.</summary>
    public const byte MembershipVersion = 2;

    private const byte HasCommandId = 1;

    private const int HeaderSize = 3 + (6 * sizeof(ulong)) + Hash256.Size;

    /// <summary>Encodes a record. <see cref="LedgerRecord.Hash"/> is not part of the encoding and is not looked at.</summary>
    /// <exception cref="ArgumentException">The record's parts do not fit its kind, or it holds what no record may hold.</exception>
    public static EncodedRecord Encode(LedgerRecord record)
    {
        if (!Hash256.TryParse(record.PreviousHash, out Hash256 previous))
        {
            throw new ArgumentException($"The previous hash of record {record.Sequence} is not 64 hexadecimal digits.", nameof(record));
        }

        if (record.TimeUnixMilliseconds < 0)
        {
            throw new ArgumentException($"The time of record {record.Sequence} is negative.", nameof(record));
        }

        var envelope = new RecordEnvelope(
            record.Kind, record.Sequence, record.Index, record.Term, record.TimeUnixMilliseconds, record.Lamport, previous);
        switch (record)
        {
            case { Kind: RecordKind.Fact, Submission: { } submission, Leader: null, Membership: null }:
                if (submission.CommandId != record.CommandId)
                {
                    throw new ArgumentException($"Record {record.Sequence} has another command id than its fact.", nameof(record));
                }

                if (SubmissionRules.Check(submission) is { } fault)
                {
                    throw new ArgumentException($"The fact of record {record.Sequence} cannot be recorded: {fault.Message}", nameof(record));
                }

                byte[] commandId = new byte[EncodedCommandId.SizeOf(submission.CommandId)];
                var commandIdWriter = new FieldWriter(commandId);
                EncodedCommandId.Write(ref commandIdWriter, submission.CommandId);
                byte[] fact = new byte[FactCodec.SizeOf(submission)];
                var factWriter = new FieldWriter(fact);
                FactCodec.Write(ref factWriter, submission);
                return Encode(envelope, commandId, fact);

            case { Kind: RecordKind.Authority, Submission: null, CommandId: null, Leader: { } leader, Membership: null }:
                return Encode(envelope, [], BodyOf(leader));

            case { Kind: RecordKind.Membership, Submission: null, CommandId: null, Leader: null, Membership: { } change }:
                return MembershipRules.Check(change) is { } wrong
                    ? throw new ArgumentException($"The change of members of record {record.Sequence} cannot be recorded: {wrong.Message}", nameof(record))
                    : Encode(envelope, [], BodyOf(change));

            default:
                throw new ArgumentException($"Record {record.Sequence} of kind {record.Kind} does not have the parts of its kind.", nameof(record));
        }
    }

    /// <summary>Reads a record's bytes and computes its hash.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of a record of a version that this program knows.</exception>
    public static LedgerRecord Decode(ReadOnlySpan<byte> bytes) => Decode(EncodedRecord.FromBytes(bytes));

    /// <summary>Reads a record.</summary>
    public static LedgerRecord Decode(EncodedRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return Decode(record.View);
    }

    /// <summary>Reads a record.</summary>
    internal static LedgerRecord Decode(in RecordView record)
    {
        var reader = new FieldReader(record.Bytes);
        RecordEnvelope envelope = ReadEnvelope(ref reader, out byte flags);
        CommandId? commandId = null;
        FactSubmission? submission = null;
        NodeId? leader = null;
        MembershipChange? membership = null;
        switch (envelope.Kind)
        {
            case RecordKind.Fact:
                commandId = flags == HasCommandId ? EncodedCommandId.Read(ref reader).ToCommandId() : null;
                submission = FactCodec.Read(ref reader).ToSubmission(commandId);
                break;
            case RecordKind.Membership:
                membership = MembershipCodec.ReadChange(ref reader);
                break;
            default:
                leader = new NodeId(reader.UInt64("the leader"));
                break;
        }

        return new LedgerRecord(
            envelope.Sequence,
            envelope.Index,
            envelope.Term,
            envelope.TimeUnixMilliseconds,
            envelope.Lamport,
            envelope.Kind,
            commandId,
            submission,
            leader,
            envelope.PreviousHash.ToString(),
            record.Hash.ToString())
        {
            Membership = membership,
        };
    }

    /// <summary>Reads what every record has, and checks that the rest is well-formed too.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of a record of a version that this program knows.</exception>
    internal static RecordEnvelope ReadEnvelope(ReadOnlySpan<byte> bytes)
    {
        var reader = new FieldReader(bytes);
        RecordEnvelope envelope = ReadEnvelope(ref reader, out byte flags);
        if (flags == HasCommandId)
        {
            EncodedCommandId.Read(ref reader);
        }

        switch (envelope.Kind)
        {
            case RecordKind.Fact:
                FactCodec.Read(ref reader);
                break;
            case RecordKind.Membership:
                MembershipCodec.ReadChange(ref reader);
                break;
            default:
                reader.UInt64("the leader");
                break;
        }

        reader.End();
        return envelope;
    }

    /// <summary>Puts a record together of a fact that is encoded already.</summary>
    internal static EncodedRecord Encode(in RecordEnvelope envelope, ReadOnlySpan<byte> commandId, ReadOnlySpan<byte> body)
    {
        byte[] leaf = new byte[LeafSize(commandId, body)];
        WriteLeaf(leaf, envelope, commandId, body);
        return new EncodedRecord(leaf, envelope);
    }

    /// <summary>How long a record is with the prefix of its leaf in front.</summary>
    internal static int LeafSize(ReadOnlySpan<byte> commandId, ReadOnlySpan<byte> body) => 1 + HeaderSize + commandId.Length + body.Length;

    /// <summary>Writes a record and the prefix of its leaf in front, <see cref="LeafSize"/> bytes.</summary>
    internal static void WriteLeaf(Span<byte> leaf, in RecordEnvelope envelope, ReadOnlySpan<byte> commandId, ReadOnlySpan<byte> body)
    {
        var writer = new FieldWriter(leaf);
        writer.Byte(EncodedRecord.LeafPrefix);
        writer.Byte(VersionOf(envelope.Kind));
        writer.Byte((byte)envelope.Kind);
        writer.Byte(commandId.IsEmpty ? (byte)0 : HasCommandId);
        writer.UInt64(envelope.Sequence);
        writer.UInt64(envelope.Index.Value);
        writer.UInt64(envelope.Term.Value);
        writer.Int64(envelope.TimeUnixMilliseconds);
        writer.UInt64(envelope.Lamport.Counter);
        writer.UInt64(envelope.Lamport.Node.Value);
        writer.Hash(envelope.PreviousHash);
        writer.Bytes(commandId);
        writer.Bytes(body);
    }

    /// <summary>What an authority's record has behind its envelope.</summary>
    internal static byte[] BodyOf(NodeId leader)
    {
        byte[] body = new byte[sizeof(ulong)];
        var writer = new FieldWriter(body);
        writer.UInt64(leader.Value);
        return body;
    }

    /// <summary>What the record of a change of members has behind its envelope.</summary>
    internal static byte[] BodyOf(MembershipChange change)
    {
        byte[] body = new byte[MembershipCodec.SizeOf(change)];
        var writer = new FieldWriter(body);
        MembershipCodec.Write(ref writer, change);
        return body;
    }

    private static byte VersionOf(RecordKind kind) => kind == RecordKind.Membership ? MembershipVersion : Version;

    private static RecordEnvelope ReadEnvelope(ref FieldReader reader, out byte flags)
    {
        byte version = reader.Byte("the version");
        if (version is not (Version or MembershipVersion))
        {
            throw new MalformedEncodingException($"The record has version {version}; this program knows {Version} and {MembershipVersion}.");
        }

        var kind = (RecordKind)reader.Byte("the record's kind");
        if (kind is not (RecordKind.Fact or RecordKind.Authority or RecordKind.Membership) || version != VersionOf(kind))
        {
            throw new MalformedEncodingException($"This program knows no kind of record with the code {(int)kind} in version {version}.");
        }

        flags = reader.Byte("the flags");
        if (flags > (kind == RecordKind.Fact ? HasCommandId : 0))
        {
            throw new MalformedEncodingException($"A record of kind {kind.Name()} cannot have the flags {flags}.");
        }

        return new RecordEnvelope(
            kind,
            reader.UInt64("the sequence"),
            new LogIndex(reader.UInt64("the index")),
            new Term(reader.UInt64("the term")),
            reader.NonNegativeInt64("the time"),
            new LamportTimestamp(reader.UInt64("the Lamport counter"), new NodeId(reader.UInt64("the Lamport node"))),
            reader.Hash("the previous hash"));
    }
}

/// <summary>What every record has, whatever it is about.</summary>
internal readonly record struct RecordEnvelope(
    RecordKind Kind,
    ulong Sequence,
    LogIndex Index,
    Term Term,
    long TimeUnixMilliseconds,
    LamportTimestamp Lamport,
    Hash256 PreviousHash);

/// <summary>A record's bytes together with its hash. Can only be made by encoding a record or by reading well-formed bytes.</summary>
public sealed class EncodedRecord
{
    /// <summary>What RFC 6962 puts before a leaf, so that no leaf can pass for an inner node.</summary>
    internal const byte LeafPrefix = 0x00;

    // With the prefix in front, so that hashing needs no copy.
    private readonly byte[] _leaf;

    internal EncodedRecord(byte[] leaf, in RecordEnvelope envelope)
    {
        _leaf = leaf;
        Envelope = envelope;
        Hash = Hash256.Of(leaf);
    }

    private EncodedRecord(byte[] leaf, in RecordEnvelope envelope, Hash256 hash)
    {
        _leaf = leaf;
        Envelope = envelope;
        Hash = hash;
    }

    /// <summary>Its place in the ledger.</summary>
    public ulong Sequence => Envelope.Sequence;

    /// <summary>The encoding as <see cref="LedgerRecordCodec"/> specifies it.</summary>
    public ReadOnlyMemory<byte> Bytes => _leaf.AsMemory(1);

    /// <summary>The record's own hash, which is its leaf hash too.</summary>
    public Hash256 Hash { get; }

    internal RecordEnvelope Envelope { get; }

    internal RecordView View => new(Bytes.Span, Envelope, Hash);

    /// <summary>Takes a copy of a record's bytes, checks their form and computes the hash.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of a record of a version that this program knows.</exception>
    public static EncodedRecord FromBytes(ReadOnlySpan<byte> bytes)
    {
        RecordEnvelope envelope = LedgerRecordCodec.ReadEnvelope(bytes);
        return new EncodedRecord(LeafOf(bytes), envelope);
    }

    /// <summary>A record that stays as it is: nothing is checked or computed again.</summary>
    internal static EncodedRecord CopyOf(in RecordView record) => new(LeafOf(record.Bytes), record.Envelope, record.Hash);

    private static byte[] LeafOf(ReadOnlySpan<byte> bytes)
    {
        byte[] leaf = new byte[1 + bytes.Length];
        leaf[0] = LeafPrefix;
        bytes.CopyTo(leaf.AsSpan(1));
        return leaf;
    }
}
