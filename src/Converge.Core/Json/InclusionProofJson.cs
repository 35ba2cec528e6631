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
        [NotNullWhen(false)] out InputFault? fault)
    {
        proof = null;
        utf8 = SealedJson.WithoutLineEnd(utf8);
        fault = SealedJson.CheckSeal(utf8, MaxBytes);
        if (fault is not null)
        {
            return false;
        }

        var json = new JsonFields(utf8);
        bool read = TryRead(ref json, out proof);
        fault = read ? null : json.Fault!;
        return read;
    }

    private static void WriteFields(Utf8JsonWriter writer, InclusionProof proof)
    {
        writer.WriteNumber("sequence"u8, proof.Sequence);
        writer.WriteNumber("size"u8, proof.Size);
        writer.WriteString("hash"u8, proof.Hash);
        SealedJson.WritePath(writer, proof.Path);
        writer.WriteString("root"u8, proof.Root);
    }

    private static bool TryRead(ref JsonFields json, [NotNullWhen(true)] out InclusionProof? proof)
    {
        proof = null;
        ulong? version = null;
        ulong? sequence = null;
        ulong? size = null;
        string? hash = null;
        IReadOnlyList<string>? path = null;
        string? root = null;
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
                _ when name.SequenceEqual("sequence"u8) => sequence is null ? json.TryReadRequiredUInt64("sequence", out sequence) : json.FailDuplicate(name),
                _ when name.SequenceEqual("size"u8) => size is null ? json.TryReadRequiredUInt64("size", out size) : json.FailDuplicate(name),
                _ when name.SequenceEqual("hash"u8) => hash is null ? HashText.TryRead(ref json, "hash", out hash) : json.FailDuplicate(name),
                _ when name.SequenceEqual("path"u8) => path is null ? SealedJson.TryReadPath(ref json, out path) : json.FailDuplicate(name),
                _ when name.SequenceEqual("root"u8) => root is null ? HashText.TryRead(ref json, "root", out root) : json.FailDuplicate(name),
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

        string? missing = version is null ? "version"
            : sequence is null ? "sequence"
            : size is null ? "size"
            : hash is null ? "hash"
            : path is null ? "path"
            : root is null ? "root"
            : null;
        if (missing is not null)
        {
            return json.FailMissing(missing);
        }

        proof = new InclusionProof(sequence!.Value, size!.Value, hash!, path!, root!);
        return true;
    }
}
