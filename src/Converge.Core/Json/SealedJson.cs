using System.Buffers;
using System.Diagnostics.CodeAnalysis;
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

    /// <summary>Reads a sealed document, one line end behind it allowed. Strict: one that is not exactly as it was sealed is a fault. Never throws.</summary>
    public static bool TryParse<TFields, TDocument>(
        ReadOnlySpan<byte> utf8,
        int maxBytes,
        [NotNullWhen(true)] out TDocument? document,
        [NotNullWhen(false)] out InputFault? fault)
        where TFields : struct, ISealedFields<TDocument>
        where TDocument : class
    {
        document = null;
        utf8 = utf8.EndsWith([LineEnd]) ? utf8[..^1] : utf8;
        fault = CheckSeal(utf8, maxBytes);
        if (fault is not null)
        {
            return false;
        }

        var json = new JsonFields(utf8);
        TFields fields = default;
        if (!TryReadFields<TFields, TDocument>(ref json, ref fields))
        {
            fault = json.Fault!;
            return false;
        }

        document = fields.ToDocument();
        return true;
    }

    /// <summary>What is wrong with a document's length or seal; null when nothing is. The fields are not looked at.</summary>
    private static InputFault? CheckSeal(ReadOnlySpan<byte> utf8, int maxBytes)
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

    private static bool TryReadFields<TFields, TDocument>(ref JsonFields json, ref TFields fields)
        where TFields : struct, ISealedFields<TDocument>
    {
        ulong? version = null;
        string? digest = null;
        if (!json.TryBegin())
        {
            return false;
        }

        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("version"u8) => version is null ? TryReadVersion(ref json, out version) : json.FailDuplicate(name),
                _ when name.SequenceEqual("digest"u8) => digest is null ? HashText.TryRead(ref json, "digest", out digest) : json.FailDuplicate(name),
                _ => fields.TryRead(ref json, name),
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

        string? missing = version is null ? "version" : fields.Missing;
        return missing is null || json.FailMissing(missing);
    }

    /// <summary>Reads the version; one that is not known is a fault.</summary>
    private static bool TryReadVersion(ref JsonFields json, out ulong? version)
    {
        if (!json.TryReadRequiredUInt64("version", out version))
        {
            return false;
        }

        return version == Version || json.Fail(InputFaultCode.InvalidValue, $"This program knows version {Version}, not {version}.", "version");
    }

    private static InputFault Unsealed() => new(InputFaultCode.MissingField, "The last field must be digest, with nothing behind the document.", "digest");
}
