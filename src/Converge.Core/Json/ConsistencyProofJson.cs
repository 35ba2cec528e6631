using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>Consistency proofs as sealed JSON, specified in <c>docs/formats/receipt.md</c>: every byte counts.</summary>
public static class ConsistencyProofJson
{
    /// <summary>No proof is longer.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>A proof as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(ConsistencyProof proof) => SealedJson.Of(proof, WriteFields);

    /// <summary>
    /// Reads a proof, one line end behind it allowed. Strict: a document that is not exactly as it was sealed is a fault. Whether it
    /// proves anything is not checked here. Never throws.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> utf8,
        [NotNullWhen(true)] out ConsistencyProof? proof,
        [NotNullWhen(false)] out InputFault? fault) =>
        SealedJson.TryParse<Fields, ConsistencyProof>(utf8, MaxBytes, out proof, out fault);

    private static void WriteFields(Utf8JsonWriter writer, ConsistencyProof proof)
    {
        writer.WriteNumber("from"u8, proof.From);
        writer.WriteNumber("to"u8, proof.To);
        writer.WriteString("from_root"u8, proof.FromRoot);
        writer.WriteString("to_root"u8, proof.ToRoot);
        SealedJson.WritePath(writer, proof.Path);
    }

    private struct Fields : ISealedFields<ConsistencyProof>
    {
        private ulong? _from;
        private ulong? _to;
        private string? _fromRoot;
        private string? _toRoot;
        private IReadOnlyList<string>? _path;

        public readonly string? Missing =>
            _from is null ? "from"
            : _to is null ? "to"
            : _fromRoot is null ? "from_root"
            : _toRoot is null ? "to_root"
            : _path is null ? "path"
            : null;

        public bool TryRead(ref JsonFields json, ReadOnlySpan<byte> name) => name switch
        {
            _ when name.SequenceEqual("from"u8) => _from is null ? json.TryReadRequiredUInt64("from", out _from) : json.FailDuplicate(name),
            _ when name.SequenceEqual("to"u8) => _to is null ? json.TryReadRequiredUInt64("to", out _to) : json.FailDuplicate(name),
            _ when name.SequenceEqual("from_root"u8) => _fromRoot is null ? HashText.TryRead(ref json, "from_root", out _fromRoot) : json.FailDuplicate(name),
            _ when name.SequenceEqual("to_root"u8) => _toRoot is null ? HashText.TryRead(ref json, "to_root", out _toRoot) : json.FailDuplicate(name),
            _ when name.SequenceEqual("path"u8) => _path is null ? SealedJson.TryReadPath(ref json, out _path) : json.FailDuplicate(name),
            _ => json.FailUnknown(name),
        };

        public readonly ConsistencyProof ToDocument() => new(_from!.Value, _to!.Value, _fromRoot!, _toRoot!, _path!);
    }
}
