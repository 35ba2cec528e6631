using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>Submissions as JSON: one object a fact, as <c>docs/formats/json.md</c> specifies it.</summary>
public static class FactJson
{
    private const Field Always = Field.Type | Field.ProposalId | Field.At | Field.CommandId | Field.ExpectedRevision | Field.Lamport;

    [Flags]
    private enum Field
    {
        None = 0,
        Type = 1 << 0,
        ProposalId = 1 << 1,
        Author = 1 << 2,
        Validator = 1 << 3,
        Approver = 1 << 4,
        Issuer = 1 << 5,
        Grantor = 1 << 6,
        Title = 1 << 7,
        Detail = 1 << 8,
        Reason = 1 << 9,
        ContentHash = 1 << 10,
        At = 1 << 11,
        CommandId = 1 << 12,
        ExpectedRevision = 1 << 13,
        Lamport = 1 << 14,
    }

    /// <summary>
    /// Reads one submission. Strict: unknown and duplicate fields, wrong types and everything beyond <see cref="FactLimits"/> are faults;
    /// null for an optional field means that it is absent. Never throws, whatever the bytes.
    /// </summary>
    /// <param name="utf8">One JSON object in UTF-8, white space around it allowed.</param>
    /// <param name="submission">What was read; null when there is a fault.</param>
    /// <param name="fault">The first thing that is wrong; null when nothing is.</param>
    /// <returns>True when there is no fault.</returns>
    public static bool TryParse(
        ReadOnlySpan<byte> utf8,
        [NotNullWhen(true)] out FactSubmission? submission,
        [NotNullWhen(false)] out InputFault? fault)
    {
        submission = null;
        if (utf8.Length > FactLimits.MaxFactBytes)
        {
            fault = new InputFault(InputFaultCode.TooLarge, $"A fact may have at most {FactLimits.MaxFactBytes} bytes.");
            return false;
        }

        var json = new JsonFields(utf8);
        if (json.TryBegin() && TryReadBody(ref json, withCommandId: true, out FactSubmission? read) && json.TryEnd())
        {
            fault = SubmissionRules.Check(read!);
            submission = fault is null ? read : null;
            return fault is null;
        }

        fault = json.Fault!;
        return false;
    }

    /// <summary>Writes one submission as an object; fields without a value are left out.</summary>
    public static void Write(Utf8JsonWriter writer, FactSubmission submission)
    {
        writer.WriteStartObject();
        WriteBody(writer, submission, withCommandId: true);
        writer.WriteEndObject();
    }

    /// <summary>One submission as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(FactSubmission submission) => JsonDocumentBytes.Of(submission, Write);

    /// <summary>Reads the fields up to the object's end. Does not enforce <see cref="SubmissionRules"/>.</summary>
    internal static bool TryReadBody(ref JsonFields json, bool withCommandId, out FactSubmission? submission)
    {
        submission = null;
        Field seen = Field.None;
        FactKind? kind = null;
        string? proposalId = null;
        string? actor = null;
        string? text = null;
        string? contentHash = null;
        ulong? at = null;
        ulong? expectedRevision = null;
        CommandId? commandId = null;
        LamportTimestamp? lamport = null;

        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            Field field = FieldNamed(name);
            if (field == Field.None || (field == Field.CommandId && !withCommandId))
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
                Field.Type => TryReadKind(ref json, out kind),
                Field.ProposalId => json.TryReadString(NameOf(field), out proposalId),
                Field.Author or Field.Validator or Field.Approver or Field.Issuer or Field.Grantor =>
                    json.TryReadString(NameOf(field), out actor),
                Field.Reason => json.TryReadString(NameOf(field), out text),
                Field.Title or Field.Detail => json.TryReadOptionalString(NameOf(field), out text),
                Field.ContentHash => json.TryReadOptionalString(NameOf(field), out contentHash),
                Field.At => json.TryReadOptionalUInt64(NameOf(field), out at),
                Field.ExpectedRevision => json.TryReadOptionalUInt64(NameOf(field), out expectedRevision),
                Field.CommandId => CommandIdJson.TryRead(ref json, out commandId),
                _ => LamportJson.TryRead(ref json, out lamport),
            };
            if (!read)
            {
                return false;
            }
        }

        if (json.Fault is not null)
        {
            return false;
        }

        if (kind is null)
        {
            return json.FailMissing(NameOf(Field.Type));
        }

        Field required = Field.ProposalId | RequiredBy(kind.Value);
        Field unknown = seen & ~(Always | required | OptionalIn(kind.Value));
        if (unknown != Field.None)
        {
            string field = NameOf(Lowest(unknown));
            return json.Fail(InputFaultCode.UnknownField, $"A {kind.Value.Name()} has no field {field}.", field);
        }

        Field missing = required & ~seen;
        if (missing != Field.None)
        {
            return json.FailMissing(NameOf(Lowest(missing)));
        }

        if (at > long.MaxValue)
        {
            return json.Fail(InputFaultCode.InvalidValue, "at is out of range.", NameOf(Field.At));
        }

        submission = new FactSubmission(
            FactShape.Create(kind.Value, proposalId!, actor!, text, contentHash),
            (long?)at,
            commandId,
            expectedRevision,
            lamport);
        return true;
    }

    /// <summary>Writes the fields without the braces.</summary>
    internal static void WriteBody(Utf8JsonWriter writer, FactSubmission submission, bool withCommandId)
    {
        GovernanceFact fact = submission.Fact;
        writer.WriteString("type"u8, fact.Kind.Name());
        writer.WriteString("proposal_id"u8, fact.ProposalId);
        writer.WriteString(fact.Kind.ActorField(), fact.Actor);
        if (fact.Text() is { } text)
        {
            writer.WriteString(fact.Kind.TextField()!, text);
        }

        if (fact.ContentHash() is { } contentHash)
        {
            writer.WriteString("content_hash"u8, contentHash);
        }

        if (submission.At is { } at)
        {
            writer.WriteNumber("at"u8, at);
        }

        if (withCommandId && submission.CommandId is { } commandId)
        {
            CommandIdJson.Write(writer, commandId);
        }

        if (submission.ExpectedRevision is { } expectedRevision)
        {
            writer.WriteNumber("expected_revision"u8, expectedRevision);
        }

        if (submission.Lamport is { } lamport)
        {
            LamportJson.Write(writer, lamport);
        }
    }

    private static bool TryReadKind(ref JsonFields json, out FactKind? kind)
    {
        kind = null;
        if (!json.TryReadString("type", out string name))
        {
            return false;
        }

        kind = CodeNames.ParseFactKind(name);
        return kind is not null || json.Fail(InputFaultCode.InvalidValue, "type is not one of the seven facts.", "type");
    }

    private static Field FieldNamed(ReadOnlySpan<byte> name) => name switch
    {
        _ when name.SequenceEqual("type"u8) => Field.Type,
        _ when name.SequenceEqual("proposal_id"u8) => Field.ProposalId,
        _ when name.SequenceEqual("author"u8) => Field.Author,
        _ when name.SequenceEqual("validator"u8) => Field.Validator,
        _ when name.SequenceEqual("approver"u8) => Field.Approver,
        _ when name.SequenceEqual("issuer"u8) => Field.Issuer,
        _ when name.SequenceEqual("grantor"u8) => Field.Grantor,
        _ when name.SequenceEqual("title"u8) => Field.Title,
        _ when name.SequenceEqual("detail"u8) => Field.Detail,
        _ when name.SequenceEqual("reason"u8) => Field.Reason,
        _ when name.SequenceEqual("content_hash"u8) => Field.ContentHash,
        _ when name.SequenceEqual("at"u8) => Field.At,
        _ when name.SequenceEqual("command_id"u8) => Field.CommandId,
        _ when name.SequenceEqual("expected_revision"u8) => Field.ExpectedRevision,
        _ when name.SequenceEqual("lamport"u8) => Field.Lamport,
        _ => Field.None,
    };

    private static string NameOf(Field field) => field switch
    {
        Field.Type => "type",
        Field.ProposalId => "proposal_id",
        Field.Author => "author",
        Field.Validator => "validator",
        Field.Approver => "approver",
        Field.Issuer => "issuer",
        Field.Grantor => "grantor",
        Field.Title => "title",
        Field.Detail => "detail",
        Field.Reason => "reason",
        Field.ContentHash => "content_hash",
        Field.At => "at",
        Field.CommandId => "command_id",
        Field.ExpectedRevision => "expected_revision",
        Field.Lamport => "lamport",
        _ => throw new ArgumentOutOfRangeException(nameof(field), field, "Not a single field."),
    };

    private static Field RequiredBy(FactKind kind) => kind switch
    {
        FactKind.ProposalCreated => Field.Author,
        FactKind.ValidationPassed => Field.Validator,
        FactKind.ValidationFailed => Field.Validator | Field.Reason,
        FactKind.PromotionApproved => Field.Approver,
        FactKind.PromotionRejected => Field.Approver | Field.Reason,
        FactKind.RollbackIssued => Field.Issuer | Field.Reason,
        FactKind.OverrideGranted => Field.Grantor | Field.Reason,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not one of the seven facts."),
    };

    private static Field OptionalIn(FactKind kind) => kind switch
    {
        FactKind.ProposalCreated => Field.Title | Field.ContentHash,
        FactKind.ValidationPassed => Field.Detail,
        _ => Field.None,
    };

    private static Field Lowest(Field fields) => fields & (Field)(-(int)fields);
}
