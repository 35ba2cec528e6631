using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Members;

/// <summary>
/// A <see cref="MemberTable"/> as bytes: what snapshots keep of the members. Specified in <c>docs/formats/members.md</c>; every table has
/// exactly one encoding, and bytes once written stay readable.
/// </summary>
public static class MemberTableCodec
{
    /// <summary>The version that is written.</summary>
    public const byte Version = 1;

    private const byte HasHttp = 1;

    /// <summary>The bytes of a table.</summary>
    public static byte[] Encode(MemberTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        byte[] bytes = new byte[SizeOf(table)];
        var writer = new FieldWriter(bytes);
        writer.Byte(Version);
        writer.UInt64(table.ChangedAt.Value);
        ConfigurationState configuration = table.Configuration;
        MembershipCodec.Write(ref writer, configuration.Voters);
        MembershipCodec.Write(ref writer, configuration.VotersOutgoing);
        MembershipCodec.Write(ref writer, configuration.Learners);
        MembershipCodec.Write(ref writer, configuration.LearnersNext);
        writer.Byte(configuration.AutoLeave ? (byte)1 : (byte)0);
        writer.Byte(checked((byte)table.Members.Length));
        foreach (SwarmMember member in table.Members)
        {
            writer.UInt64(member.Id.Value);
            writer.Byte((byte)member.Wanted);
            writer.UInt64(member.AddedAt.Value);
            writer.Byte(member.Http is null ? (byte)0 : HasHttp);
            writer.String(member.Peer);
            if (member.Http is { } http)
            {
                writer.String(http);
            }
        }

        writer.UInt16(checked((ushort)table.Removed.Length));
        foreach (NodeId removed in table.Removed)
        {
            writer.UInt64(removed.Value);
        }

        return bytes;
    }

    /// <summary>The table that bytes stand for.</summary>
    /// <exception cref="MalformedEncodingException">They are damaged, or of a version that this program does not know.</exception>
    public static MemberTable Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new FieldReader(bytes);
        byte version = reader.Byte("the version");
        if (version != Version)
        {
            throw new MalformedEncodingException($"The members have version {version}; this program knows {Version}.");
        }

        var changedAt = new LogIndex(reader.UInt64("the last change"));
        ConfigurationState configuration = ReadConfiguration(ref reader);
        ImmutableArray<SwarmMember> members = ReadMembers(ref reader);
        ImmutableArray<NodeId> removed = ReadRemoved(ref reader);
        reader.End();

        bool covered = members.All(member => configuration.IsMember(member.Id))
            && configuration.Voters.Concat(configuration.VotersOutgoing).Concat(configuration.Learners).All(id => members.Any(member => member.Id == id));
        return covered
            ? new MemberTable(configuration, members, removed, changedAt)
            : throw new MalformedEncodingException($"The members are not those of the configuration {configuration}.");
    }

    private static int SizeOf(MemberTable table)
    {
        ConfigurationState configuration = table.Configuration;
        int size = 1 + sizeof(ulong)
            + MembershipCodec.SizeOf(configuration.Voters)
            + MembershipCodec.SizeOf(configuration.VotersOutgoing)
            + MembershipCodec.SizeOf(configuration.Learners)
            + MembershipCodec.SizeOf(configuration.LearnersNext)
            + 1
            + 1;
        foreach (SwarmMember member in table.Members)
        {
            size += (2 * sizeof(ulong)) + 2 + FieldWriter.SizeOf(member.Peer) + (member.Http is { } http ? FieldWriter.SizeOf(http) : 0);
        }

        return size + sizeof(ushort) + (table.Removed.Length * sizeof(ulong));
    }

    private static ConfigurationState ReadConfiguration(ref FieldReader reader)
    {
        ImmutableArray<NodeId> voters = MembershipCodec.ReadNodes(ref reader, "the voters");
        ImmutableArray<NodeId> outgoing = MembershipCodec.ReadNodes(ref reader, "the outgoing voters");
        ImmutableArray<NodeId> learners = MembershipCodec.ReadNodes(ref reader, "the learners");
        ImmutableArray<NodeId> learnersNext = MembershipCodec.ReadNodes(ref reader, "the learners to come");
        byte autoLeave = reader.Byte("whether the joint configuration is left by itself");
        if (autoLeave > 1)
        {
            throw new MalformedEncodingException($"Whether the joint configuration is left by itself is 0 or 1, not {autoLeave}.");
        }

        return ConfigurationState.TryCreate(
            voters.AsSpan(), outgoing.AsSpan(), learners.AsSpan(), learnersNext.AsSpan(), autoLeave == 1, out ConfigurationState? configuration, out string? fault)
            && voters.SequenceEqual(configuration.Voters)
            && outgoing.SequenceEqual(configuration.VotersOutgoing)
            && learners.SequenceEqual(configuration.Learners)
            && learnersNext.SequenceEqual(configuration.LearnersNext)
                ? configuration
                : throw new MalformedEncodingException(fault ?? "The ids of a configuration are not in ascending order.");
    }

    private static ImmutableArray<SwarmMember> ReadMembers(ref FieldReader reader)
    {
        int count = reader.Byte("the number of members");
        ImmutableArray<SwarmMember>.Builder members = ImmutableArray.CreateBuilder<SwarmMember>(count);
        for (int i = 0; i < count; i++)
        {
            var id = new NodeId(reader.UInt64("a member's id"));
            var wanted = (MemberRole)reader.Byte("a member's role");
            var addedAt = new LogIndex(reader.UInt64("the entry that added a member"));
            byte parts = reader.Byte("a member's parts");
            if (parts > HasHttp || !Enum.IsDefined(wanted) || (i > 0 && id.CompareTo(members[i - 1].Id) <= 0))
            {
                throw new MalformedEncodingException($"Member {id} has the role {(int)wanted} and the parts {parts}, or is out of order.");
            }

            string peer = MembershipCodec.ReadText(ref reader, "a member's peer address", MembershipLimits.MaxPeerLength);
            string? http = parts == HasHttp ? MembershipCodec.ReadText(ref reader, "a member's HTTP address", MembershipLimits.MaxHttpLength) : null;
            members.Add(new SwarmMember(id, peer, http, wanted, addedAt));
        }

        return members.MoveToImmutable();
    }

    private static ImmutableArray<NodeId> ReadRemoved(ref FieldReader reader)
    {
        int count = reader.UInt16("the number of removed members");
        if (count > MembershipLimits.MaxRemoved)
        {
            throw new MalformedEncodingException($"{count} members were removed; at most {MembershipLimits.MaxRemoved} are kept.");
        }

        ImmutableArray<NodeId>.Builder removed = ImmutableArray.CreateBuilder<NodeId>(count);
        for (int i = 0; i < count; i++)
        {
            var id = new NodeId(reader.UInt64("a removed member"));
            if (i > 0 && id.CompareTo(removed[i - 1]) <= 0)
            {
                throw new MalformedEncodingException($"The removed member {id} is out of order.");
            }

            removed.Add(id);
        }

        return removed.MoveToImmutable();
    }
}
