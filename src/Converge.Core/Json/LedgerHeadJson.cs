using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>The ledger's head as JSON: what an auditor keeps to recognise any later change.</summary>
public static class LedgerHeadJson
{
    /// <summary>Writes a head as an object.</summary>
    public static void Write(Utf8JsonWriter writer, LedgerHead head)
    {
        writer.WriteStartObject();
        writer.WriteNumber("sequence"u8, head.Sequence);
        writer.WriteString("hash"u8, head.Hash);
        writer.WriteString("root"u8, head.Root);
        writer.WriteNumber("index"u8, head.Index.Value);
        writer.WriteNumber("term"u8, head.Term.Value);
        writer.WriteEndObject();
    }

    /// <summary>A head as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(LedgerHead head) => JsonDocumentBytes.Of(head, Write);

    /// <summary>Reads a head. Fields that it does not know are stepped over. Never throws.</summary>
    public static bool TryParse(
        ReadOnlySpan<byte> utf8,
        [NotNullWhen(true)] out LedgerHead? head,
        [NotNullWhen(false)] out InputFault? fault)
    {
        var json = new JsonFields(utf8);
        bool read = TryRead(ref json, out head);
        fault = read ? null : json.Fault!;
        return read;
    }

    private static bool TryRead(ref JsonFields json, [NotNullWhen(true)] out LedgerHead? head)
    {
        head = null;
        ulong? sequence = null;
        ulong? index = null;
        ulong? term = null;
        string? hash = null;
        string? root = null;

        if (!json.TryBegin())
        {
            return false;
        }

        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("sequence"u8) => json.TryReadOptionalUInt64("sequence", out sequence),
                _ when name.SequenceEqual("hash"u8) => HashText.TryRead(ref json, "hash", out hash),
                _ when name.SequenceEqual("root"u8) => HashText.TryRead(ref json, "root", out root),
                _ when name.SequenceEqual("index"u8) => json.TryReadOptionalUInt64("index", out index),
                _ when name.SequenceEqual("term"u8) => json.TryReadOptionalUInt64("term", out term),
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

        string? missing = sequence is null ? "sequence"
            : hash is null ? "hash"
            : root is null ? "root"
            : index is null ? "index"
            : term is null ? "term"
            : null;
        if (missing is not null)
        {
            return json.FailMissing(missing);
        }

        head = new LedgerHead(sequence!.Value, hash!, root!, new LogIndex(index!.Value), new Term(term!.Value));
        return true;
    }
}
