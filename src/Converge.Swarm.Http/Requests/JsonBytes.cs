using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Converge.Swarm.Http.Requests;

/// <summary>JSON as the API writes it: compact and readable, never meant to be pasted into HTML.</summary>
internal static class JsonBytes
{
    public const string MediaType = "application/json";

    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static byte[] Of(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new(512);
        using (Utf8JsonWriter json = new(buffer, Options))
        {
            write(json);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
