using System.Buffers;
using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// The bytes of a <see cref="ConfigurationChange"/>, format 1: the format byte, the transition byte, the number of steps (variable-length
/// integer, seven bits a byte, low ones first), for each step its kind byte and its node (variable-length integer), then the context to
/// the end. No bytes at all are the change that leaves a joint configuration. Stored in logs: old bytes stay readable for ever.
/// </summary>
internal static class ConfigurationChangeCodec
{
    /// <summary>More steps than this are no honest change; bounds what a decoder allocates.</summary>
    internal const int MaxChanges = 1024;

    private const byte Format = 1;

    public static ReadOnlyMemory<byte> Encode(ConfigurationChange change)
    {
        if (change.LeavesJoint && change.Context.IsEmpty)
        {
            return ReadOnlyMemory<byte>.Empty;
        }

        var writer = new ArrayBufferWriter<byte>(16 + (change.Changes.Length * 4) + change.Context.Length);
        Write(writer, Format);
        Write(writer, (byte)change.Transition);
        WriteVarint(writer, (ulong)change.Changes.Length);
        foreach (MemberChange step in change.Changes)
        {
            Write(writer, (byte)step.Kind);
            WriteVarint(writer, step.Node.Value);
        }

        writer.Write(change.Context.Span);
        return writer.WrittenMemory;
    }

    public static ConfigurationChange? Decode(EntryKind kind, ReadOnlyMemory<byte> data)
    {
        if (kind == EntryKind.Normal)
        {
            return null;
        }

        if (data.IsEmpty)
        {
            return kind == EntryKind.ConfigurationChangeV2 ? ConfigurationChange.Leave : null;
        }

        ReadOnlySpan<byte> bytes = data.Span;
        if (bytes.Length < 3 || bytes[0] != Format || bytes[1] > (byte)ConfigurationTransition.JointExplicit)
        {
            return null;
        }

        var transition = (ConfigurationTransition)bytes[1];
        int at = 2;
        if (!TryReadVarint(bytes, ref at, out ulong count) || count > MaxChanges)
        {
            return null;
        }

        ImmutableArray<MemberChange>.Builder changes = ImmutableArray.CreateBuilder<MemberChange>((int)count);
        for (ulong i = 0; i < count; i++)
        {
            if (at >= bytes.Length)
            {
                return null;
            }

            var step = (MemberChangeKind)bytes[at++];
            if (!TryReadVarint(bytes, ref at, out ulong node))
            {
                return null;
            }

            changes.Add(new MemberChange(step, new NodeId(node)));
        }

        ReadOnlyMemory<byte> context = data[at..];
        if (kind == EntryKind.ConfigurationChangeV2)
        {
            return new ConfigurationChange(changes.MoveToImmutable(), transition, context);
        }

        return count == 1 && transition == ConfigurationTransition.Auto
            ? ConfigurationChange.SingleServer(changes[0].Kind, changes[0].Node, context)
            : null;
    }

    private static void Write(ArrayBufferWriter<byte> writer, byte value)
    {
        writer.GetSpan(1)[0] = value;
        writer.Advance(1);
    }

    private static void WriteVarint(ArrayBufferWriter<byte> writer, ulong value)
    {
        while (value >= 0x80)
        {
            Write(writer, (byte)(value | 0x80));
            value >>= 7;
        }

        Write(writer, (byte)value);
    }

    private static bool TryReadVarint(ReadOnlySpan<byte> bytes, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64 && at < bytes.Length; shift += 7)
        {
            byte next = bytes[at++];
            if (shift == 63 && next > 1)
            {
                return false;
            }

            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
