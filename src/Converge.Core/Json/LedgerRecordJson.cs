using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>Ledger records as JSON: everything that the record's hash covers, and the hash.</summary>
public static class LedgerRecordJson
{
    [Flags]
    private enum Field
    {
        None = 0,
        Sequence = 1 << 0,
        Index = 1 << 1,
        Term = 1 << 2,
        CommittedAt = 1 << 3,
        Lamport = 1 << 4,
        Kind = 1 << 5,
        CommandId = 1 << 6,
        Fact = 1 << 7,
        Leader = 1 << 8,
        PreviousHash = 1 << 9,
        Hash = 1 << 10,
        Membership = 1 << 11,
        Required = Sequence | Index | Term | CommittedAt | Lamport | Kind | PreviousHash | Hash,
    }

    /// <summary>Writes one record as an object; fields without a value are left out.</summary>
    public static void Write(Utf8JsonWriter writer, LedgerRecord record)
    {
        writer.WriteStartObject();
        writer.WriteNumber("sequence"u8, record.Sequence);
        writer.WriteNumber("index"u8, record.Index.Value);
        writer.WriteNumber("term"u8, record.Term.Value);
        CommitAnswerJson.WriteTime(writer, record.TimeUnixMilliseconds);
        LamportJson.Write(writer, record.Lamport);
        writer.WriteString("kind"u8, record.Kind.Name());
        if (record.CommandId is { } commandId)
        {
            CommandIdJson.Write(writer, commandId);
        }

        if (record.Submission is { } submission)
        {
            writer.WriteStartObject("fact"u8);
            FactJson.WriteBody(writer, submission, withCommandId: false);
            writer.WriteEndObject();
        }

        if (record.Leader is { } leader)
        {
            writer.WriteNumber("leader"u8, leader.Value);
        }

        if (record.Membership is { } membership)
        {
            MembershipChangeJson.Write(writer, membership);
        }

        writer.WriteString("previous_hash"u8, record.PreviousHash);
        writer.WriteString("hash"u8, record.Hash);
        writer.WriteEndObject();
    }

    /// <summary>One record as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(LedgerRecord record) => JsonDocumentBytes.Of(record, Write);

    /// <summary>
    /// Reads one record. Strict, unlike other documents that a node writes: what a record says must be covered by its hash, so a field
    /// that is not known is a fault. Whether the hash is right is not checked here. Never throws.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> utf8,
        [NotNullWhen(true)] out LedgerRecord? record,
        [NotNullWhen(false)] out InputFault? fault)
    {
        var json = new JsonFields(utf8);
        bool read = TryRead(ref json, out record);
        fault = read ? null : json.Fault!;
        return read;
    }

    private static bool TryRead(ref JsonFields json, [NotNullWhen(true)] out LedgerRecord? record)
    {
        record = null;
        Field seen = Field.None;
        ulong sequence = 0;
        ulong index = 0;
        ulong term = 0;
        ulong leader = 0;
        long time = 0;
        LamportTimestamp? lamport = null;
        RecordKind kind = default;
        CommandId? commandId = null;
        FactSubmission? submission = null;
        MembershipChange? membership = null;
        string? previousHash = null;
        string? hash = null;

        if (!json.TryBegin())
        {
            return false;
        }

        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            Field field = FieldNamed(name);
            if (field == Field.None)
            {
                return json.FailUnknown(name);
            }

            if ((seen & field) != Field.None)
            {
                return json.FailDuplicate(name);
            }

            seen |= field;
            bool read = field switch
            {
                Field.Sequence => json.TryReadUInt64("sequence", out sequence),
                Field.Index => json.TryReadUInt64("index", out index),
                Field.Term => json.TryReadUInt64("term", out term),
                Field.CommittedAt => json.TryReadUnixTime("committed_at", out time),
                Field.Lamport => LamportJson.TryRead(ref json, out lamport),
                Field.Kind => TryReadKind(ref json, out kind),
                Field.CommandId => CommandIdJson.TryRead(ref json, out commandId),
                Field.Fact => TryReadFact(ref json, out submission),
                Field.Membership => MembershipChangeJson.TryRead(ref json, out membership),
                Field.Leader => json.TryReadUInt64("leader", out leader),
                Field.PreviousHash => HashText.TryRead(ref json, "previous_hash", out previousHash),
                _ => HashText.TryRead(ref json, "hash", out hash),
            };
            if (!read)
            {
                return false;
            }
        }

        if (!json.TryEnd())
        {
            return false;
        }

        Field missing = (Field.Required | BodyOf(kind)) & ~seen;
        if (missing != Field.None)
        {
            return json.FailMissing(NameOf(missing & (Field)(-(int)missing)));
        }

        Field unknown = seen & ~(Field.Required | BodyOf(kind) | Field.CommandId);
        if (unknown != Field.None)
        {
            string field = NameOf(unknown & (Field)(-(int)unknown));
            return json.Fail(InputFaultCode.UnknownField, $"A record of kind {kind.Name()} has no field {field}.", field);
        }

        if (lamport is null)
        {
            return json.Fail(InputFaultCode.InvalidType, "lamport must be an object, not null.", "lamport");
        }

        if (submission is not null)
        {
            submission = submission with { CommandId = commandId };
            if (SubmissionRules.Check(submission) is { } wrong)
            {
                return json.Fail(wrong.Code, wrong.Message, wrong.Field is null ? null : "fact." + wrong.Field);
            }
        }

        record = new LedgerRecord(
            sequence,
            new LogIndex(index),
            new Term(term),
            time,
            lamport.Value,
            kind,
            commandId,
            submission,
            kind == RecordKind.Authority ? new NodeId(leader) : null,
            previousHash!,
            hash!)
        {
            Membership = membership,
        };
        return true;
    }

    private static bool TryReadKind(ref JsonFields json, out RecordKind kind)
    {
        kind = default;
        if (!json.TryReadString("kind", out string name))
        {
            return false;
        }

        if (CodeNames.ParseRecordKind(name) is not { } parsed)
        {
            return json.Fail(InputFaultCode.InvalidValue, "kind is not a kind of record.", "kind");
        }

        kind = parsed;
        return true;
    }

    private static bool TryReadFact(ref JsonFields json, out FactSubmission? submission)
    {
        submission = null;
        if (!json.TryEnter("fact", out bool isNull))
        {
            return false;
        }

        if (isNull)
        {
            return json.Fail(InputFaultCode.InvalidType, "fact must be an object, not null.", "fact");
        }

        if (!FactJson.TryReadBody(ref json, withCommandId: false, out submission))
        {
            return false;
        }

        json.Leave("fact");
        return true;
    }

    private static Field BodyOf(RecordKind kind) => kind switch
    {
        RecordKind.Fact => Field.Fact,
        RecordKind.Authority => Field.Leader,
        RecordKind.Membership => Field.Membership,
        _ => Field.None,
    };

    private static Field FieldNamed(ReadOnlySpan<byte> name) => name switch
    {
        _ when name.SequenceEqual("sequence"u8) => Field.Sequence,
        _ when name.SequenceEqual("index"u8) => Field.Index,
        _ when name.SequenceEqual("term"u8) => Field.Term,
        _ when name.SequenceEqual("committed_at"u8) => Field.CommittedAt,
        _ when name.SequenceEqual("lamport"u8) => Field.Lamport,
        _ when name.SequenceEqual("kind"u8) => Field.Kind,
        _ when name.SequenceEqual("command_id"u8) => Field.CommandId,
        _ when name.SequenceEqual("fact"u8) => Field.Fact,
        _ when name.SequenceEqual("leader"u8) => Field.Leader,
        _ when name.SequenceEqual("membership"u8) => Field.Membership,
        _ when name.SequenceEqual("previous_hash"u8) => Field.PreviousHash,
        _ when name.SequenceEqual("hash"u8) => Field.Hash,
        _ => Field.None,
    };

    private static string NameOf(Field field) => field switch
    {
        Field.Sequence => "sequence",
        Field.Index => "index",
        Field.Term => "term",
        Field.CommittedAt => "committed_at",
        Field.Lamport => "lamport",
        Field.Kind => "kind",
        Field.CommandId => "command_id",
        Field.Fact => "fact",
        Field.Leader => "leader",
        Field.Membership => "membership",
        Field.PreviousHash => "previous_hash",
        Field.Hash => "hash",
        _ => throw new ArgumentOutOfRangeException(nameof(field), field, "Not a single field."),
    };
}
