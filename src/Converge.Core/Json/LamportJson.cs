using System.Text.Json;

namespace Converge.Core.Json;

/// <summary><c>"lamport":{"counter":..,"node":..}</c>.</summary>
internal static class LamportJson
{
    public static void Write(Utf8JsonWriter writer, LamportTimestamp lamport)
    {
        writer.WriteStartObject("lamport"u8);
        writer.WriteNumber("counter"u8, lamport.Counter);
        writer.WriteNumber("node"u8, lamport.Node.Value);
        writer.WriteEndObject();
    }

    public static bool TryRead(ref JsonFields json, out LamportTimestamp? lamport)
    {
        lamport = null;
        if (!json.TryEnter("lamport", out bool isNull) || isNull)
        {
            return isNull;
        }

        ulong? counter = null;
        ulong? node = null;
        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("counter"u8) =>
                    counter is null ? json.TryReadRequiredUInt64("counter", out counter) : json.FailDuplicate(name),
                _ when name.SequenceEqual("node"u8) =>
                    node is null ? json.TryReadRequiredUInt64("node", out node) : json.FailDuplicate(name),
                _ => json.FailUnknown(name),
            };
            if (!read)
            {
                return false;
            }
        }

        if (json.Fault is not null)
        {
            return false;
        }

        if (counter is null)
        {
            return json.FailMissing("counter");
        }

        if (node is null)
        {
            return json.FailMissing("node");
        }

        json.Leave("lamport");
        lamport = new LamportTimestamp(counter.Value, new NodeId(node.Value));
        return true;
    }
}
