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

    private static void WriteFields(Utf8JsonWriter writer, ConsistencyProof proof)
    {
        writer.WriteNumber("from"u8, proof.From);
        writer.WriteNumber("to"u8, proof.To);
        writer.WriteString("from_root"u8, proof.FromRoot);
        writer.WriteString("to_root"u8, proof.ToRoot);
        SealedJson.WritePath(writer, proof.Path);
    }

    private static bool TryRead(ref JsonFields json, [NotNullWhen(true)] out ConsistencyProof? proof)
    {
        proof = null;
        ulong? version = null;
        ulong? from = null;
        ulong? to = null;
        string? fromRoot = null;
        string? toRoot = null;
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
                _ when name.SequenceEqual("from"u8) => from is null ? json.TryReadRequiredUInt64("from", out from) : json.FailDuplicate(name),
                _ when name.SequenceEqual("to"u8) => to is null ? json.TryReadRequiredUInt64("to", out to) : json.FailDuplicate(name),
                _ when name.SequenceEqual("from_root"u8) => fromRoot is null ? HashText.TryRead(ref json, "from_root", out fromRoot) : json.FailDuplicate(name),
                _ when name.SequenceEqual("to_root"u8) => toRoot is null ? HashText.TryRead(ref json, "to_root", out toRoot) : json.FailDuplicate(name),
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

        string? missing = version is null ? "version"
            : from is null ? "from"
            : to is null ? "to"
            : fromRoot is null ? "from_root"
            : toRoot is null ? "to_root"
            : path is null ? "path"
            : null;
        if (missing is not null)
        {
            return json.FailMissing(missing);
        }

        proof = new ConsistencyProof(from!.Value, to!.Value, fromRoot!, toRoot!, path!);
        return true;
    }
}
