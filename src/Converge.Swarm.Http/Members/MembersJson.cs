using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http.Requests;

namespace Converge.Swarm.Http.Members;

/// <summary>The members, and what became of a change of them, as JSON.</summary>
internal static class MembersJson
{
    private const string Changed = "changed";

    public static byte[] ToUtf8(SwarmMembers members) => JsonBytes.Of(json => Write(json, members));

    /// <summary><c>{"outcome":"changed","index":7,"term":2,"voters":[1,2,3],"learners":[4]}</c>.</summary>
    public static byte[] ToUtf8(MembershipChanged changed) => JsonBytes.Of(json =>
    {
        json.WriteStartObject();
        json.WriteString("outcome"u8, Changed);
        json.WriteNumber("index"u8, changed.Index.Value);
        json.WriteNumber("term"u8, changed.Term.Value);
        WriteNodes(json, "voters", changed.Voters);
        WriteNodes(json, "learners", changed.Learners);
        json.WriteEndObject();
    });

    /// <summary>Reads what was written. Fields that are not known are stepped over.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out SwarmMembers? members)
    {
        members = Read(utf8, root => new SwarmMembers
        {
            Node = new NodeId(root.GetProperty("node").GetUInt64()),
            Leader = ReadLeader(root.GetProperty("leader")),
            ChangedAt = new LogIndex(root.GetProperty("changed_at").GetUInt64()),
            Changing = root.GetProperty("changing").GetBoolean(),
            Members = [.. root.GetProperty("members").EnumerateArray().Select(ReadMember)],
            Removed = ReadNodes(root.GetProperty("removed")),
            Warnings = [.. root.GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString() ?? "")],
        });
        return members is not null;
    }

    /// <summary>Reads what was written. Fields that are not known are stepped over.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out MembershipChanged? changed)
    {
        changed = Read(utf8, root => root.TryGetProperty("outcome", out JsonElement outcome) && outcome.ValueEquals(Changed)
            ? new MembershipChanged(
                new LogIndex(root.GetProperty("index").GetUInt64()),
                new Term(root.GetProperty("term").GetUInt64()),
                [.. ReadNodes(root.GetProperty("voters"))],
                [.. ReadNodes(root.GetProperty("learners"))])
            : null);
        return changed is not null;
    }

    public static void Write(Utf8JsonWriter json, SwarmMembers members)
    {
        json.WriteStartObject();
        json.WriteNumber("node"u8, members.Node.Value);
        if (members.Leader.IsNone)
        {
            json.WriteNull("leader"u8);
        }
        else
        {
            json.WriteNumber("leader"u8, members.Leader.Value);
        }

        json.WriteNumber("changed_at"u8, members.ChangedAt.Value);
        json.WriteBoolean("changing"u8, members.Changing);
        json.WriteStartArray("members"u8);
        foreach (MemberView member in members.Members)
        {
            Write(json, member);
        }

        json.WriteEndArray();
        WriteNodes(json, "removed", members.Removed);
        json.WriteStartArray("warnings"u8);
        foreach (string warning in members.Warnings)
        {
            json.WriteStringValue(warning);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, MemberView member)
    {
        json.WriteStartObject();
        json.WriteNumber("id"u8, member.Id.Value);
        json.WriteString("role"u8, member.Role.Name());
        json.WriteString("wanted"u8, member.Wanted.Name());
        json.WriteString("peer"u8, member.Peer);
        json.WriteString("http"u8, member.Http);
        json.WriteBoolean("leaving"u8, member.Leaving);
        json.WriteBoolean("connected"u8, member.Connected);
        if (member.MatchIndex is { } match)
        {
            json.WriteNumber("match_index"u8, match.Value);
        }

        json.WriteEndObject();
    }

    private static void WriteNodes(Utf8JsonWriter json, string name, IEnumerable<NodeId> nodes)
    {
        json.WriteStartArray(name);
        foreach (NodeId node in nodes)
        {
            json.WriteNumberValue(node.Value);
        }

        json.WriteEndArray();
    }

    private static T? Read<T>(ReadOnlyMemory<byte> utf8, Func<JsonElement, T?> read)
        where T : class
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8);
            return read(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static MemberView ReadMember(JsonElement member) => new(
        new NodeId(member.GetProperty("id").GetUInt64()),
        ReadRole(member.GetProperty("role")),
        ReadRole(member.GetProperty("wanted")),
        member.GetProperty("peer").GetString() ?? "",
        member.GetProperty("http").GetString(),
        member.GetProperty("leaving").GetBoolean(),
        member.GetProperty("connected").GetBoolean(),
        member.TryGetProperty("match_index", out JsonElement match) ? new LogIndex(match.GetUInt64()) : null);

    private static MemberRole ReadRole(JsonElement role) =>
        CodeNames.ParseMemberRole(role.GetString()) ?? throw new FormatException("Not the role of a member.");

    private static NodeId ReadLeader(JsonElement leader) => leader.ValueKind == JsonValueKind.Null ? NodeId.None : new NodeId(leader.GetUInt64());

    private static NodeId[] ReadNodes(JsonElement nodes) => [.. nodes.EnumerateArray().Select(node => new NodeId(node.GetUInt64()))];
}
