using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>Proposals as JSON.</summary>
public static class ProposalViewJson
{
    /// <summary>Writes one proposal as an object; fields without a value are left out.</summary>
    public static void Write(Utf8JsonWriter writer, ProposalView view)
    {
        writer.WriteStartObject();
        writer.WriteString("proposal_id"u8, view.ProposalId);
        writer.WriteString("status"u8, view.Status.Name());
        writer.WriteNumber("revision"u8, view.Revision);
        writer.WriteString("author"u8, view.Author);
        WriteOptional(writer, "title"u8, view.Title);
        WriteOptional(writer, "content_hash"u8, view.ContentHash);
        WriteOptional(writer, "decided_by"u8, view.DecidedBy);
        writer.WriteStartArray("validators"u8);
        foreach (ValidatorResult result in view.Validators)
        {
            writer.WriteStartObject();
            writer.WriteString("validator"u8, result.Validator);
            writer.WriteBoolean("passed"u8, result.Passed);
            writer.WriteBoolean("overridden"u8, result.Overridden);
            writer.WriteNumber("sequence"u8, result.Sequence);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("created_sequence"u8, view.CreatedSequence);
        writer.WriteNumber("last_sequence"u8, view.LastSequence);
        writer.WriteNumber("as_of_index"u8, view.AsOfIndex.Value);
        writer.WriteEndObject();
    }

    /// <summary>One proposal as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(ProposalView view) => JsonDocumentBytes.Of(view, Write);

    /// <summary>Reads one proposal. Fields that it does not know are stepped over. Never throws.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> utf8,
        [NotNullWhen(true)] out ProposalView? view,
        [NotNullWhen(false)] out InputFault? fault)
    {
        var json = new JsonFields(utf8);
        bool read = TryRead(ref json, out view);
        fault = read ? null : json.Fault!;
        return read;
    }

    private static void WriteOptional(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    private static bool TryRead(ref JsonFields json, [NotNullWhen(true)] out ProposalView? view)
    {
        view = null;
        string? proposalId = null;
        string? status = null;
        string? author = null;
        string? title = null;
        string? contentHash = null;
        string? decidedBy = null;
        ulong? revision = null;
        ulong? createdSequence = null;
        ulong? lastSequence = null;
        ulong? asOfIndex = null;
        List<ValidatorResult>? validators = null;

        if (!json.TryBegin())
        {
            return false;
        }

        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("proposal_id"u8) => json.TryReadOptionalString("proposal_id", out proposalId),
                _ when name.SequenceEqual("status"u8) => json.TryReadOptionalString("status", out status),
                _ when name.SequenceEqual("revision"u8) => json.TryReadOptionalUInt64("revision", out revision),
                _ when name.SequenceEqual("author"u8) => json.TryReadOptionalString("author", out author),
                _ when name.SequenceEqual("title"u8) => json.TryReadOptionalString("title", out title),
                _ when name.SequenceEqual("content_hash"u8) => json.TryReadOptionalString("content_hash", out contentHash),
                _ when name.SequenceEqual("decided_by"u8) => json.TryReadOptionalString("decided_by", out decidedBy),
                _ when name.SequenceEqual("validators"u8) => TryReadValidators(ref json, out validators),
                _ when name.SequenceEqual("created_sequence"u8) => json.TryReadOptionalUInt64("created_sequence", out createdSequence),
                _ when name.SequenceEqual("last_sequence"u8) => json.TryReadOptionalUInt64("last_sequence", out lastSequence),
                _ when name.SequenceEqual("as_of_index"u8) => json.TryReadOptionalUInt64("as_of_index", out asOfIndex),
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

        string? missing = proposalId is null ? "proposal_id"
            : status is null ? "status"
            : revision is null ? "revision"
            : author is null ? "author"
            : validators is null ? "validators"
            : createdSequence is null ? "created_sequence"
            : lastSequence is null ? "last_sequence"
            : asOfIndex is null ? "as_of_index"
            : null;
        if (missing is not null)
        {
            return json.FailMissing(missing);
        }

        if (CodeNames.ParseProposalStatus(status) is not { } parsedStatus)
        {
            return json.Fail(InputFaultCode.InvalidValue, "status is not the status of a proposal.", "status");
        }

        view = new ProposalView(
            proposalId!,
            parsedStatus,
            revision!.Value,
            author!,
            title,
            contentHash,
            decidedBy,
            validators!,
            createdSequence!.Value,
            lastSequence!.Value,
            new LogIndex(asOfIndex!.Value));
        return true;
    }

    private static bool TryReadValidators(ref JsonFields json, out List<ValidatorResult>? validators)
    {
        validators = null;
        if (!json.TryEnterArray("validators"))
        {
            return false;
        }

        var read = new List<ValidatorResult>();
        while (json.TryNextElement("validators"))
        {
            if (!TryReadValidator(ref json, out ValidatorResult? result))
            {
                return false;
            }

            read.Add(result);
        }

        validators = read;
        return json.Fault is null;
    }

    private static bool TryReadValidator(ref JsonFields json, [NotNullWhen(true)] out ValidatorResult? result)
    {
        result = null;
        string? validator = null;
        bool? passed = null;
        bool? overridden = null;
        ulong? sequence = null;
        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("validator"u8) => json.TryReadOptionalString("validator", out validator),
                _ when name.SequenceEqual("passed"u8) => TryReadFlag(ref json, "passed", out passed),
                _ when name.SequenceEqual("overridden"u8) => TryReadFlag(ref json, "overridden", out overridden),
                _ when name.SequenceEqual("sequence"u8) => json.TryReadOptionalUInt64("sequence", out sequence),
                _ => json.TrySkip(),
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

        string? missing = validator is null ? "validators.validator"
            : passed is null ? "validators.passed"
            : overridden is null ? "validators.overridden"
            : sequence is null ? "validators.sequence"
            : null;
        if (missing is not null)
        {
            return json.FailMissing(missing);
        }

        result = new ValidatorResult(validator!, passed!.Value, overridden!.Value, sequence!.Value);
        return true;
    }

    private static bool TryReadFlag(ref JsonFields json, string field, out bool? flag)
    {
        bool read = json.TryReadBoolean(field, out bool value);
        flag = read ? value : null;
        return read;
    }
}
