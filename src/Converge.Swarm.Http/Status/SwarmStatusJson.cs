using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Http.Requests;

namespace Converge.Swarm.Http.Status;

/// <summary>A node's status as JSON.</summary>
public static class SwarmStatusJson
{
    /// <summary>A status as compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(SwarmStatus status) => JsonBytes.Of(json => Write(json, status));

    /// <summary>Writes a status as an object; <c>leader</c> and <c>http_url</c> are null where there is none, <c>projection</c> is left out.</summary>
    public static void Write(Utf8JsonWriter json, SwarmStatus status)
    {
        json.WriteStartObject();
        json.WriteString("cluster"u8, status.Cluster);
        json.WriteNumber("node"u8, status.Node.Value);
        json.WriteString("role"u8, NameOf(status.Role));
        json.WriteNumber("term"u8, status.Term.Value);
        if (status.Leader.IsNone)
        {
            json.WriteNull("leader"u8);
        }
        else
        {
            json.WriteNumber("leader"u8, status.Leader.Value);
        }

        json.WriteBoolean("ready"u8, status.Ready);
        json.WriteNumber("commit_index"u8, status.CommitIndex.Value);
        json.WriteNumber("applied_index"u8, status.AppliedIndex.Value);
        json.WriteNumber("durable_index"u8, status.DurableIndex.Value);
        json.WriteNumber("last_index"u8, status.LastIndex.Value);
        json.WriteNumber("first_index"u8, status.FirstIndex.Value);
        json.WriteNumber("snapshot_index"u8, status.SnapshotIndex.Value);
        json.WriteString("digest"u8, status.Digest);
        json.WritePropertyName("ledger"u8);
        LedgerHeadJson.Write(json, status.Ledger);
        json.WriteNumber("proposals"u8, status.Proposals);
        json.WriteNumber("sessions"u8, status.Sessions);
        WriteMembers(json, status.Members);
        WriteProgress(json, status.Progress);
        json.WriteStartArray("problems"u8);
        foreach (string problem in status.Problems)
        {
            json.WriteStringValue(problem);
        }

        json.WriteEndArray();
        WriteProjection(json, status.Projection);
        json.WriteString("version"u8, status.Version);
        json.WriteEndObject();
    }

    /// <summary>
    /// Reads what <see cref="Write"/> wrote. Fields that it does not know are stepped over, so that an older client understands a newer node.
    /// </summary>
    /// <exception cref="FormatException">It is not a status.</exception>
    public static SwarmStatus Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8);
            return Read(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new FormatException($"Not the status of a node: {fault.Message}", fault);
        }
    }

    /// <summary>The role's stable name, for example <c>pre_candidate</c>.</summary>
    public static string NameOf(NodeRole role) => role switch
    {
        NodeRole.Follower => "follower",
        NodeRole.PreCandidate => "pre_candidate",
        NodeRole.Candidate => "candidate",
        NodeRole.Leader => "leader",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Not a role."),
    };

    private static void WriteMembers(Utf8JsonWriter json, IReadOnlyList<MemberAddress> members)
    {
        json.WriteStartArray("members"u8);
        foreach (MemberAddress member in members)
        {
            json.WriteStartObject();
            json.WriteNumber("id"u8, member.Id.Value);
            json.WriteString("peer_address"u8, member.PeerAddress);
            json.WriteString("http_url"u8, member.HttpUrl);
            json.WriteBoolean("connected"u8, member.Connected);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteProgress(Utf8JsonWriter json, IReadOnlyList<MemberProgress> progress)
    {
        json.WriteStartArray("progress"u8);
        foreach (MemberProgress member in progress)
        {
            json.WriteStartObject();
            json.WriteNumber("id"u8, member.Id.Value);
            json.WriteString("progress"u8, member.Progress);
            json.WriteNumber("match_index"u8, member.MatchIndex.Value);
            json.WriteBoolean("active"u8, member.Active);
            json.WriteBoolean("learner"u8, member.Learner);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteProjection(Utf8JsonWriter json, ProjectionStatus? projection)
    {
        if (projection is null)
        {
            return;
        }

        json.WriteStartObject("projection"u8);
        json.WriteString("store"u8, projection.Store);
        json.WriteNumber("sequence"u8, projection.Sequence);
        json.WriteNumber("records_behind"u8, projection.RecordsBehind);
        if (projection.RecordsPerSecond is { } rate)
        {
            json.WriteNumber("records_per_second"u8, Math.Round(rate, 1));
        }
        else
        {
            json.WriteNull("records_per_second"u8);
        }

        json.WriteString("problem"u8, projection.Problem);
        json.WriteEndObject();
    }

    private static SwarmStatus Read(JsonElement root) => new()
    {
        Cluster = TextOf(root, "cluster"),
        Node = new NodeId(root.GetProperty("node").GetUInt64()),
        Role = RoleOf(TextOf(root, "role")),
        Term = new Term(root.GetProperty("term").GetUInt64()),
        Leader = root.GetProperty("leader") is { ValueKind: JsonValueKind.Number } leader ? new NodeId(leader.GetUInt64()) : NodeId.None,
        Ready = root.GetProperty("ready").GetBoolean(),
        CommitIndex = IndexOf(root, "commit_index"),
        AppliedIndex = IndexOf(root, "applied_index"),
        DurableIndex = IndexOf(root, "durable_index"),
        LastIndex = IndexOf(root, "last_index"),
        FirstIndex = IndexOrZero(root, "first_index"),
        SnapshotIndex = IndexOrZero(root, "snapshot_index"),
        Digest = TextOf(root, "digest"),
        Ledger = HeadOf(root.GetProperty("ledger")),
        Proposals = root.GetProperty("proposals").GetUInt64(),
        Sessions = root.GetProperty("sessions").GetInt32(),
        Members = [.. root.GetProperty("members").EnumerateArray().Select(MemberOf)],
        Progress = [.. root.GetProperty("progress").EnumerateArray().Select(ProgressOf)],
        Problems = [.. root.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString() ?? "")],
        Version = TextOf(root, "version"),
        Projection = root.TryGetProperty("projection", out JsonElement projection) ? ProjectionOf(projection) : null,
    };

    private static ProjectionStatus ProjectionOf(JsonElement projection) => new()
    {
        Store = TextOf(projection, "store"),
        Sequence = projection.GetProperty("sequence").GetUInt64(),
        RecordsBehind = projection.GetProperty("records_behind").GetUInt64(),
        RecordsPerSecond = projection.GetProperty("records_per_second") is { ValueKind: JsonValueKind.Number } rate ? rate.GetDouble() : null,
        Problem = projection.GetProperty("problem").GetString(),
    };

    private static MemberAddress MemberOf(JsonElement member) => new(
        new NodeId(member.GetProperty("id").GetUInt64()),
        TextOf(member, "peer_address"),
        member.GetProperty("http_url").GetString(),
        member.GetProperty("connected").GetBoolean());

    private static MemberProgress ProgressOf(JsonElement member) => new(
        new NodeId(member.GetProperty("id").GetUInt64()),
        TextOf(member, "progress"),
        IndexOf(member, "match_index"),
        member.GetProperty("active").GetBoolean(),
        member.GetProperty("learner").GetBoolean());

    private static LedgerHead HeadOf(JsonElement head) =>
        LedgerHeadJson.TryParse(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(head), out LedgerHead? read, out InputFault? fault)
            ? read
            : throw new FormatException(fault.Message);

    private static LogIndex IndexOf(JsonElement element, string name) => new(element.GetProperty(name).GetUInt64());

    /// <summary>For what an older node does not say.</summary>
    private static LogIndex IndexOrZero(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement index) ? new(index.GetUInt64()) : LogIndex.Zero;

    private static string TextOf(JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new FormatException($"{name} is null.");

    private static NodeRole RoleOf(string name)
    {
        foreach (NodeRole role in Enum.GetValues<NodeRole>())
        {
            if (string.Equals(NameOf(role), name, StringComparison.Ordinal))
            {
                return role;
            }
        }

        throw new FormatException($"{name} is not a role.");
    }
}
