using System.Buffers.Binary;
using System.Text;
using Converge.Core;

namespace Converge.Swarm.Ledger;

/// <summary>A client's command id within an encoding: a session's name and a number.</summary>
internal ref struct EncodedCommandId
{
    public ReadOnlySpan<byte> Session;
    public ulong Number;

    /// <summary>The whole encoding; empty when there is no command id.</summary>
    public ReadOnlySpan<byte> Bytes;

    public readonly bool IsPresent => !Bytes.IsEmpty;

    public static int SizeOf(CommandId? commandId) => commandId is null ? 0 : FieldWriter.SizeOf(commandId.Session) + sizeof(ulong);

    public static void Write(ref FieldWriter writer, CommandId? commandId)
    {
        if (commandId is not null)
        {
            writer.String(commandId.Session);
            writer.UInt64(commandId.Number);
        }
    }

    /// <summary>Takes the next fields as a command id.</summary>
    /// <exception cref="MalformedEncodingException">These are not the bytes of a command id.</exception>
    public static EncodedCommandId Read(scoped ref FieldReader reader)
    {
        int start = reader.Position;
        var commandId = new EncodedCommandId
        {
            Session = reader.String("command_id.session", 1, FactLimits.MaxSessionLength),
            Number = reader.UInt64("command_id.number"),
        };
        if (commandId.Number == 0)
        {
            throw new MalformedEncodingException("command_id.number is zero.");
        }

        commandId.Bytes = reader.Since(start);
        return commandId;
    }

    /// <summary>Passes over a command id without checking it; false when the bytes end in it.</summary>
    public static bool TrySkip(ref ReadOnlySpan<byte> bytes)
    {
        int end = BinaryPrimitives.TryReadUInt16LittleEndian(bytes, out ushort session) ? FieldWriter.StringLengthSize + session + sizeof(ulong) : int.MaxValue;
        if (end > bytes.Length)
        {
            return false;
        }

        bytes = bytes[end..];
        return true;
    }

    public readonly CommandId? ToCommandId() => IsPresent ? new CommandId(Encoding.UTF8.GetString(Session), Number) : null;
}
