using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>Answers as JSON: <c>status</c> says which of the four cases it is.</summary>
public static class CommitAnswerJson
{
    private const string OutcomeUnknown = "outcome_unknown";

    /// <summary>Writes one answer as an object.</summary>
    public static void Write(Utf8JsonWriter writer, CommitAnswer answer) => Write(writer, answer, receipt: null);

    /// <summary>Writes one answer as an object, with the receipt of its record as the last field <c>receipt</c>, byte for byte as sealed.</summary>
    public static void Write(Utf8JsonWriter writer, CommitAnswer answer, LedgerReceipt? receipt)
    {
        writer.WriteStartObject();
        switch (answer)
        {
            case FactAccepted accepted:
                writer.WriteString("status"u8, "accepted"u8);
                writer.WriteNumber("sequence"u8, accepted.Sequence);
                writer.WriteNumber("index"u8, accepted.Index.Value);
                writer.WriteNumber("term"u8, accepted.Term.Value);
                WriteTime(writer, accepted.CommittedAtUnixMilliseconds);
                LamportJson.Write(writer, accepted.Lamport);
                writer.WriteString("hash"u8, accepted.Hash);
                writer.WriteNumber("revision"u8, accepted.Revision);
                break;
            case FactRefused refused:
                writer.WriteString("status"u8, "refused"u8);
                writer.WriteString("code"u8, refused.Code.Name());
                writer.WriteNumber("revision"u8, refused.Revision);
                writer.WriteString("message"u8, refused.Code.Explain());
                break;
            case FactNotCommitted notCommitted:
                writer.WriteString("status"u8, "not_committed"u8);
                writer.WriteString("code"u8, notCommitted.Reason.Name());
                writer.WriteString("message"u8, notCommitted.Message);
                break;
            case FactOutcomeUnknown unknown:
                writer.WriteString("status"u8, "unknown"u8);
                writer.WriteString("code"u8, OutcomeUnknown);
                writer.WriteString("message"u8, unknown.Message);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(answer), answer, "Not one of the four answers.");
        }

        if (receipt is not null)
        {
            writer.WritePropertyName("receipt"u8);
            writer.WriteRawValue(LedgerReceiptJson.ToUtf8(receipt), skipInputValidation: true);
        }

        writer.WriteEndObject();
    }

    /// <summary>One answer as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(CommitAnswer answer) => JsonDocumentBytes.Of(answer, Write);

    /// <summary>
    /// Reads one answer. Fields that it does not know are stepped over, so that an older client understands a newer node. Never throws.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> utf8,
        [NotNullWhen(true)] out CommitAnswer? answer,
        [NotNullWhen(false)] out InputFault? fault)
    {
        var json = new JsonFields(utf8);
        bool read = TryRead(ref json, out answer);
        fault = read ? null : json.Fault!;
        return read;
    }

    internal static void WriteTime(Utf8JsonWriter writer, long unixMilliseconds)
    {
        Span<byte> time = stackalloc byte[UnixTime.MaxLength];
        writer.WritePropertyName("committed_at"u8);
        writer.WriteRawValue(time[..UnixTime.Format(unixMilliseconds, time)], skipInputValidation: true);
    }

    private static bool TryRead(ref JsonFields json, [NotNullWhen(true)] out CommitAnswer? answer)
    {
        answer = null;
        string? status = null;
        string? code = null;
        string? hash = null;
        string message = "";
        ulong? sequence = null;
        ulong? index = null;
        ulong? term = null;
        ulong? revision = null;
        long? committedAt = null;
        LamportTimestamp? lamport = null;

        if (!json.TryBegin())
        {
            return false;
        }

        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("status"u8) => json.TryReadOptionalString("status", out status),
                _ when name.SequenceEqual("code"u8) => json.TryReadOptionalString("code", out code),
                _ when name.SequenceEqual("message"u8) => json.TryReadString("message", out message),
                _ when name.SequenceEqual("hash"u8) => HashText.TryRead(ref json, "hash", out hash),
                _ when name.SequenceEqual("sequence"u8) => json.TryReadOptionalUInt64("sequence", out sequence),
                _ when name.SequenceEqual("index"u8) => json.TryReadOptionalUInt64("index", out index),
                _ when name.SequenceEqual("term"u8) => json.TryReadOptionalUInt64("term", out term),
                _ when name.SequenceEqual("revision"u8) => json.TryReadOptionalUInt64("revision", out revision),
                _ when name.SequenceEqual("committed_at"u8) => TryReadTime(ref json, out committedAt),
                _ when name.SequenceEqual("lamport"u8) => LamportJson.TryRead(ref json, out lamport),
                _ => json.TrySkip(),
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

        answer = status switch
        {
            "accepted" => Accepted(ref json, sequence, index, term, committedAt, lamport, hash, revision),
            "refused" => Refused(ref json, code, revision),
            "not_committed" => NotCommitted(ref json, code, message),
            "unknown" => new FactOutcomeUnknown(message),
            null => Missing(ref json, "status"),
            _ => Invalid(ref json, "status", "status is not one of the four."),
        };
        return answer is not null;
    }

    internal static bool TryReadTime(ref JsonFields json, out long? unixMilliseconds)
    {
        bool read = json.TryReadUnixTime("committed_at", out long time);
        unixMilliseconds = read ? time : null;
        return read;
    }

    private static CommitAnswer? Accepted(
        ref JsonFields json,
        ulong? sequence,
        ulong? index,
        ulong? term,
        long? committedAt,
        LamportTimestamp? lamport,
        string? hash,
        ulong? revision)
    {
        string? missing = sequence is null ? "sequence"
            : index is null ? "index"
            : term is null ? "term"
            : committedAt is null ? "committed_at"
            : lamport is null ? "lamport"
            : hash is null ? "hash"
            : revision is null ? "revision"
            : null;
        return missing is not null
            ? Missing(ref json, missing)
            : new FactAccepted(
                sequence!.Value,
                new LogIndex(index!.Value),
                new Term(term!.Value),
                committedAt!.Value,
                lamport!.Value,
                hash!,
                revision!.Value);
    }

    private static CommitAnswer? Refused(ref JsonFields json, string? code, ulong? revision)
    {
        if (code is null || revision is null)
        {
            return Missing(ref json, code is null ? "code" : "revision");
        }

        return CodeNames.ParseRefusalCode(code) is { } refusal
            ? new FactRefused(refusal, revision.Value)
            : Invalid(ref json, "code", "code is not a refusal.");
    }

    private static CommitAnswer? NotCommitted(ref JsonFields json, string? code, string message)
    {
        if (code is null)
        {
            return Missing(ref json, "code");
        }

        return CodeNames.ParseNotCommittedReason(code) is { } reason
            ? new FactNotCommitted(reason, message)
            : Invalid(ref json, "code", "code is not a reason for not committing.");
    }

    private static CommitAnswer? Missing(ref JsonFields json, string field)
    {
        json.FailMissing(field);
        return null;
    }

    private static CommitAnswer? Invalid(ref JsonFields json, string field, string message)
    {
        json.Fail(InputFaultCode.InvalidValue, message, field);
        return null;
    }
}
