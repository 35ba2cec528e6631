using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>
/// Documents in which every byte counts. The last field is <c>digest</c>, the SHA-256 of all bytes before <c>,"digest":</c>. Neither a
/// space nor the order of fields nor how a character is escaped can be changed unnoticed, and no other program has to write the same
/// escapes to check it.
/// </summary>
internal static class SealedJson
{
    /// <summary>The version that is written and understood.</summary>
    public const ulong Version = 1;

    /// <summary>No path is longer: a tree has no more than 2^64 leaves, and a consistency proof one hash more than levels.</summary>
    public const int MaxPathHashes = 65;

    private const byte LineEnd = (byte)'\n';

    private static readonly byte[] DigestField = ",\"digest\":\""u8.ToArray();
    private static readonly byte[] DocumentEnd = "\"}"u8.ToArray();
    private static readonly int SealLength = DigestField.Length + (2 * SHA256.HashSizeInBytes) + DocumentEnd.Length;
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>A sealed document of these fields, without a line end.</summary>
    public static byte[] Of<T>(T value, Action<Utf8JsonWriter, T> writeFields)
    {
        ArrayBufferWriter<byte> buffer = new(2048);
        using (Utf8JsonWriter writer = new(buffer, Compact))
        {
            writer.WriteStartObject();
            writer.WriteNumber("version"u8, Version);
            writeFields(writer, value);
        }

        string digest = Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
        buffer.Write(DigestField);
        buffer.Write(Encoding.ASCII.GetBytes(digest));
        buffer.Write(DocumentEnd);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Takes away one line end behind a document, which a file may have.</summary>
    public static ReadOnlySpan<byte> WithoutLineEnd(ReadOnlySpan<byte> utf8) => utf8.EndsWith([LineEnd]) ? utf8[..^1] : utf8;

    /// <summary>What is wrong with a document's length or seal; null when nothing is. The fields are not looked at.</summary>
    public static InputFault? CheckSeal(ReadOnlySpan<byte> utf8, int maxBytes)
    {
        if (utf8.Length > maxBytes)
        {
            return new InputFault(InputFaultCode.TooLarge, $"It has {utf8.Length} bytes; at most {maxBytes} are allowed.");
        }

        if (utf8.Length < SealLength)
        {
            return Unsealed();
        }

        ReadOnlySpan<byte> covered = utf8[..^SealLength];
        ReadOnlySpan<byte> seal = utf8[^SealLength..];
        ReadOnlySpan<byte> digest = seal[DigestField.Length..^DocumentEnd.Length];
        if (!seal.StartsWith(DigestField) || !seal.EndsWith(DocumentEnd) || digest.ContainsAnyExcept("0123456789abcdef"u8))
        {
            return Unsealed();
        }

        string computed = Convert.ToHexStringLower(SHA256.HashData(covered));
        return string.Equals(computed, Encoding.ASCII.GetString(digest), StringComparison.Ordinal)
            ? null
            : new InputFault(InputFaultCode.InvalidValue, $"The bytes are not those that were sealed: their digest is {computed}.", "digest");
    }

    /// <summary>Writes a path as an array of hashes.</summary>
    public static void WritePath(Utf8JsonWriter writer, IReadOnlyList<string> path)
    {
        writer.WriteStartArray("path"u8);
        foreach (string hash in path)
        {
            writer.WriteStringValue(hash);
        }

        writer.WriteEndArray();
    }

    /// <summary>Reads what <see cref="WritePath"/> wrote.</summary>
    public static bool TryReadPath(ref JsonFields json, out IReadOnlyList<string>? path)
    {
        path = null;
        if (!json.TryEnterArray("path"))
        {
            return false;
        }

        List<string> hashes = [];
        while (json.TryNextString("path", out string? hash))
        {
            if (!HashText.IsHash(hash))
            {
                return json.Fail(InputFaultCode.InvalidValue, "path must hold hashes of 64 lower-case hexadecimal digits.", "path");
            }

            if (hashes.Count == MaxPathHashes)
            {
                return json.Fail(InputFaultCode.TooLong, $"path has more than {MaxPathHashes} hashes.", "path");
            }

            hashes.Add(hash);
        }

        path = hashes;
        return json.Fault is null;
    }

    /// <summary>Reads the version; one that is not known is a fault.</summary>
    public static bool TryReadVersion(ref JsonFields json, out ulong? version)
    {
        if (!json.TryReadRequiredUInt64("version", out version))
        {
            return false;
        }

        return version == Version || json.Fail(InputFaultCode.InvalidValue, $"This program knows version {Version}, not {version}.", "version");
    }

    private static InputFault Unsealed() => new(InputFaultCode.MissingField, "The last field must be digest, with nothing behind the document.", "digest");
}
