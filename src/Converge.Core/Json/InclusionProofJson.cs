using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>Inclusion proofs as sealed JSON, specified in <c>docs/formats/receipt.md</c>: every byte counts.</summary>
public static class InclusionProofJson
{
    /// <summary>No proof is longer.</summary>
    public const int MaxBytes = 16 * 1024;

    /// <summary>A proof as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(InclusionProof proof) => SealedJson.Of(proof, WriteFields);

    /// <summary>
    /// Reads a proof, one line end behind it allowed. Strict: a document that is not exactly as it was sealed is a fault. Whether it
    /// proves anything is not checked here. Never throws.
    /// </summary>
    public static bool TryParse(
        ReadOnlySpan<byte> utf8,
        [NotNullWhen(true)] out InclusionProof? proof,
        [NotNullWhen(false)] out InputFault? fault) =>
        SealedJson.TryParse<Fields, InclusionProof>(utf8, MaxBytes, out proof, out fault);

    private static void WriteFields(Utf8JsonWriter writer, InclusionProof proof)
    {
        writer.WriteNumber("sequence"u8, proof.Sequence);
        writer.WriteNumber("size"u8, proof.Size);
        writer.WriteString("hash"u8, proof.Hash);
        SealedJson.WritePath(writer, proof.Path);
        writer.WriteString("root"u8, proof.Root);
    }

    private struct Fields : ISealedFields<InclusionProof>
    {
        private ulong? _sequence;
        private ulong? _size;
        private string? _hash;
        private IReadOnlyList<string>? _path;
        private string? _root;

        public readonly string? Missing =>
            _sequence is null ? "sequence"
            : _size is null ? "size"
            : _hash is null ? "hash"
            : _path is null ? "path"
            : _root is null ? "root"
            : null;

        public bool TryRead(ref JsonFields json, ReadOnlySpan<byte> name) => name switch
        {
            _ when name.SequenceEqual("sequence"u8) => _sequence is null ? json.TryReadRequiredUInt64("sequence", out _sequence) : json.FailDuplicate(name),
            _ when name.SequenceEqual("size"u8) => _size is null ? json.TryReadRequiredUInt64("size", out _size) : json.FailDuplicate(name),
            _ when name.SequenceEqual("hash"u8) => _hash is null ? HashText.TryRead(ref json, "hash", out _hash) : json.FailDuplicate(name),
            _ when name.SequenceEqual("path"u8) => _path is null ? SealedJson.TryReadPath(ref json, out _path) : json.FailDuplicate(name),
            _ when name.SequenceEqual("root"u8) => _root is null ? HashText.TryRead(ref json, "root", out _root) : json.FailDuplicate(name),
            _ => json.FailUnknown(name),
        };

        public readonly InclusionProof ToDocument() => new(_sequence!.Value, _size!.Value, _hash!, _path!, _root!);
    }
}
