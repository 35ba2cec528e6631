using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>Makes one compact JSON document of one value.</summary>
internal static class JsonDocumentBytes
{
    // The documents are served as application/json and printed on terminals, never pasted into HTML: readable text is worth more
    // than escapes that only a browser's script parser would need.
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static byte[] Of<T>(T value, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Compact))
        {
            write(writer, value);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
