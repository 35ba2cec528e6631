using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Http.Requests;

namespace Converge.Swarm.Http.Leader;

/// <summary>The outcomes of a transfer of leadership as JSON; those that are no problem of the request.</summary>
internal static class LeadershipTransferJson
{
    private const string Transferred = "transferred";
    private const string NotTransferred = "not_transferred";

    /// <summary><c>{"outcome":"transferred","leader":2,"term":7}</c>.</summary>
    public static byte[] ToUtf8(LeadershipTransferred transferred) =>
        JsonBytes.Of(json => Write(json, Transferred, transferred.Leader, transferred.Term, message: null));

    /// <summary>The same with <c>not_transferred</c> and a <c>message</c>; <c>leader</c> is null when none is known.</summary>
    public static byte[] ToUtf8(LeadershipNotTransferred not) =>
        JsonBytes.Of(json => Write(json, NotTransferred, not.Leader, not.Term, not.Message));

    /// <summary>Reads what was written. Fields that are not known are stepped over.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out LeadershipTransfer? outcome)
    {
        outcome = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8);
            JsonElement root = document.RootElement;
            JsonElement leader = root.GetProperty("leader");
            NodeId node = leader.ValueKind == JsonValueKind.Null ? NodeId.None : new NodeId(leader.GetUInt64());
            Term term = new(root.GetProperty("term").GetUInt64());
            outcome = root.GetProperty("outcome").GetString() switch
            {
                Transferred => new LeadershipTransferred(node, term),
                NotTransferred => new LeadershipNotTransferred(node, term, root.GetProperty("message").GetString() ?? ""),
                _ => null,
            };
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return false;
        }

        return outcome is not null;
    }

    private static void Write(Utf8JsonWriter json, string outcome, NodeId leader, Term term, string? message)
    {
        json.WriteStartObject();
        json.WriteString("outcome"u8, outcome);
        if (leader.IsNone)
        {
            json.WriteNull("leader"u8);
        }
        else
        {
            json.WriteNumber("leader"u8, leader.Value);
        }

        json.WriteNumber("term"u8, term.Value);
        if (message is not null)
        {
            json.WriteString("message"u8, message);
        }

        json.WriteEndObject();
    }
}
