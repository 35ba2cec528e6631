using System.Text.Json;

namespace Converge.Core.Json;

/// <summary><c>"command_id":{"session":..,"number":..}</c>.</summary>
internal static class CommandIdJson
{
    public static void Write(Utf8JsonWriter writer, CommandId commandId)
    {
        writer.WriteStartObject("command_id"u8);
        writer.WriteString("session"u8, commandId.Session);
        writer.WriteNumber("number"u8, commandId.Number);
        writer.WriteEndObject();
    }

    public static bool TryRead(ref JsonFields json, out CommandId? commandId)
    {
        commandId = null;
        if (!json.TryEnter("command_id", out bool isNull) || isNull)
        {
            return isNull;
        }

        string? session = null;
        ulong? number = null;
        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("session"u8) => session is null ? json.TryReadString("session", out session) : json.FailDuplicate(name),
                _ when name.SequenceEqual("number"u8) => number is null ? TryReadNumber(ref json, "number", out number) : json.FailDuplicate(name),
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

        if (session is null)
        {
            return json.FailMissing("session");
        }

        if (number is null)
        {
            return json.FailMissing("number");
        }

        json.Leave("command_id");
        commandId = new CommandId(session, number.Value);
        return true;
    }

    internal static bool TryReadNumber(ref JsonFields json, string field, out ulong? value)
    {
        bool read = json.TryReadUInt64(field, out ulong number);
        value = read ? number : null;
        return read;
    }
}

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
                    counter is null ? CommandIdJson.TryReadNumber(ref json, "counter", out counter) : json.FailDuplicate(name),
                _ when name.SequenceEqual("node"u8) =>
                    node is null ? CommandIdJson.TryReadNumber(ref json, "node", out node) : json.FailDuplicate(name),
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
