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
                _ when name.SequenceEqual("number"u8) => number is null ? json.TryReadRequiredUInt64("number", out number) : json.FailDuplicate(name),
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
}
