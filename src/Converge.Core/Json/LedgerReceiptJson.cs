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
        [NotNullWhen(false)] out InputFault? fault) =>
        SealedJson.TryParse<Fields, LedgerReceipt>(utf8, MaxBytes, out receipt, out fault);

    private static void WriteFields(Utf8JsonWriter writer, LedgerReceipt receipt)
    {
        writer.WritePropertyName("record"u8);
        LedgerRecordJson.Write(writer, receipt.Record);
        writer.WritePropertyName("head"u8);
        LedgerHeadJson.Write(writer, receipt.Head);
        SealedJson.WritePath(writer, receipt.Path);
    }

    private struct Fields : ISealedFields<LedgerReceipt>
    {
        private LedgerRecord? _record;
        private LedgerHead? _head;
        private IReadOnlyList<string>? _path;

        public readonly string? Missing =>
            _record is null ? "record"
            : _head is null ? "head"
            : _path is null ? "path"
            : null;

        public bool TryRead(ref JsonFields json, ReadOnlySpan<byte> name) => name switch
        {
            _ when name.SequenceEqual("record"u8) => _record is null ? TryReadRecord(ref json, out _record) : json.FailDuplicate(name),
            _ when name.SequenceEqual("head"u8) => _head is null ? TryReadHead(ref json, out _head) : json.FailDuplicate(name),
            _ when name.SequenceEqual("path"u8) => _path is null ? SealedJson.TryReadPath(ref json, out _path) : json.FailDuplicate(name),
            _ => json.FailUnknown(name),
        };

        public readonly LedgerReceipt ToDocument() => new(_record!, _head!, _path!);

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
}
