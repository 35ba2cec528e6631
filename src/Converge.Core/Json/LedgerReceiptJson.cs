using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>Receipts as sealed JSON, specified in <c>docs/formats/receipt.md</c>: every byte counts.</summary>
public static class LedgerReceiptJson
{
    /// <summary>No receipt is longer: the longest fact with every character escaped, and the longest path.</summary>
    public const int MaxBytes = 128 * 1024;

    /// <summary>A receipt as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(LedgerReceipt receipt) => SealedJson.Of(receipt, WriteFields);

    /// <summary>
    /// Reads a receipt, one line end behind it allowed. Strict: a document that is not exactly as it was sealed is a fault. Whether it
    /// proves anything is not checked here. Never throws.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> utf8,
        [NotNullWhen(true)] out LedgerReceipt? receipt,
        [NotNullWhen(false)] out InputFault? fault)
    {
        receipt = null;
        utf8 = SealedJson.WithoutLineEnd(utf8);
        fault = SealedJson.CheckSeal(utf8, MaxBytes);
        if (fault is not null)
        {
            return false;
        }

        var json = new JsonFields(utf8);
        bool read = TryRead(ref json, out receipt);
        fault = read ? null : json.Fault!;
        return read;
    }

    private static void WriteFields(Utf8JsonWriter writer, LedgerReceipt receipt)
    {
        writer.WritePropertyName("record"u8);
        LedgerRecordJson.Write(writer, receipt.Record);
        writer.WritePropertyName("head"u8);
        LedgerHeadJson.Write(writer, receipt.Head);
        SealedJson.WritePath(writer, receipt.Path);
    }

    private static bool TryRead(ref JsonFields json, [NotNullWhen(true)] out LedgerReceipt? receipt)
    {
        receipt = null;
        ulong? version = null;
        LedgerRecord? record = null;
        LedgerHead? head = null;
        IReadOnlyList<string>? path = null;
        string? digest = null;
        if (!json.TryBegin())
        {
            return false;
        }

        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("version"u8) => version is null ? SealedJson.TryReadVersion(ref json, out version) : json.FailDuplicate(name),
                _ when name.SequenceEqual("record"u8) => record is null ? TryReadRecord(ref json, out record) : json.FailDuplicate(name),
                _ when name.SequenceEqual("head"u8) => head is null ? TryReadHead(ref json, out head) : json.FailDuplicate(name),
                _ when name.SequenceEqual("path"u8) => path is null ? SealedJson.TryReadPath(ref json, out path) : json.FailDuplicate(name),
                _ when name.SequenceEqual("digest"u8) => digest is null ? HashText.TryRead(ref json, "digest", out digest) : json.FailDuplicate(name),
                _ => json.FailUnknown(name),
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

        string? missing = version is null ? "version" : record is null ? "record" : head is null ? "head" : path is null ? "path" : null;
        if (missing is not null)
        {
            return json.FailMissing(missing);
        }

        receipt = new LedgerReceipt(record!, head!, path!);
        return true;
    }

    private static bool TryReadRecord(ref JsonFields json, out LedgerRecord? record)
    {
        record = null;
        return json.TryReadRaw(out ReadOnlySpan<byte> raw)
            && (LedgerRecordJson.TryParse(raw, out record, out InputFault? fault) || json.FailInside("record", fault));
    }

    private static bool TryReadHead(ref JsonFields json, out LedgerHead? head)
    {
        head = null;
        return json.TryReadRaw(out ReadOnlySpan<byte> raw)
            && (LedgerHeadJson.TryParse(raw, out head, out InputFault? fault) || json.FailInside("head", fault));
    }
}
