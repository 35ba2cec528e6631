using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Converge.Swarm;

/// <summary>Writes the file form of the options.</summary>
internal static class ConfigurationWriter
{
    private static readonly JsonWriterOptions Json = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(SwarmOptions options)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, Json))
        {
            json.WriteStartObject();
            json.WriteString(ConfigurationKeys.Cluster, options.Cluster);
            json.WriteNumber(ConfigurationKeys.Node, options.Node.Value);
            json.WriteString(ConfigurationKeys.DataFolder, options.DataFolder);
            json.WriteStartArray(ConfigurationKeys.Members);
            foreach (MemberOptions member in options.Members)
            {
                json.WriteStartObject();
                json.WriteNumber(ConfigurationKeys.MemberId, member.Id.Value);
                json.WriteString(ConfigurationKeys.MemberPeer, member.Peer.ToString());
                if (member.Http is not null)
                {
                    json.WriteString(ConfigurationKeys.MemberHttp, member.Http.ToString());
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            foreach (ConfigurationKeys.NumberKey key in ConfigurationKeys.Numbers)
            {
                json.WriteNumber(key.Name, key.Get(options));
            }

            if (options.Join)
            {
                json.WriteBoolean(ConfigurationKeys.Join, true);
            }

            json.WriteBoolean(ConfigurationKeys.LeasedReads, options.LeasedReads);
            WriteProjection(json, options);
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteProjection(Utf8JsonWriter json, SwarmOptions options)
    {
        ProjectionOptions projection = options.Projection;
        json.WriteStartObject(ConfigurationKeys.Projection);
        json.WriteString(ConfigurationKeys.ProjectionStoreName, ConfigurationKeys.ProjectionStores.Single(store => store.Value == projection.Store).Key);
        if (projection.PostgreSql is not null)
        {
            json.WriteString(ConfigurationKeys.ProjectionPostgreSql, projection.PostgreSql);
        }

        json.WriteString(ConfigurationKeys.ProjectionSchema, projection.Schema);
        json.WriteNumber(ConfigurationKeys.ProjectionBatchRecords.Name, ConfigurationKeys.ProjectionBatchRecords.Get(options));
        json.WriteEndObject();
    }
}
