using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Raft;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Engine;

/// <summary>A cluster as JSON, an entry a line, sealed by a digest over all that stands before it.</summary>
internal static class RaftStoreJson
{
    private const int Version = 1;
    private const int DigestLength = 2 * SHA256.HashSizeInBytes;

    private static readonly byte[] DigestStart = ",\n  \"digest\":\""u8.ToArray();
    private static readonly byte[] DocumentEnd = "\"\n}\n"u8.ToArray();
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] ToUtf8(RaftStoreContent content)
    {
        ArrayBufferWriter<byte> buffer = new(4096);
        Append(buffer, $"{{\n  \"version\":{Version},\n  \"clock\":{content.Clock},\n  \"nodes\":[");
        string beforeNode = "\n";
        foreach (StoredNode node in content.Nodes)
        {
            Append(buffer, $"{beforeNode}    {{\"node\":{node.Node},\"term\":{node.State.Term},\"vote\":{node.State.Vote},\"commit\":{node.State.Commit},\"log\":[");
            string beforeEntry = "\n      ";
            foreach (Entry entry in node.Log)
            {
                Append(buffer, $"{beforeEntry}");
                Write(buffer, entry);
                beforeEntry = ",\n      ";
            }

            Append(buffer, $"]}}");
            beforeNode = ",\n";
        }

        Append(buffer, $"]");
        string digest = Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
        buffer.Write(DigestStart);
        buffer.Write(Encoding.ASCII.GetBytes(digest));
        buffer.Write(DocumentEnd);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads what <see cref="ToUtf8"/> wrote.</summary>
    /// <exception cref="FormatException">These are other bytes; says why.</exception>
    public static RaftStoreContent Parse(ReadOnlyMemory<byte> utf8)
    {
        CheckDigest(utf8.Span);
        try
        {
            using JsonDocument document = JsonDocument.Parse(utf8);
            return Read(document.RootElement);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException or ArgumentException)
        {
            throw new FormatException($"it cannot be understood ({fault.Message})", fault);
        }
    }

    private static void CheckDigest(ReadOnlySpan<byte> utf8)
    {
        int seal = DigestStart.Length + DigestLength + DocumentEnd.Length;
        if (utf8.Length < seal || !utf8[^seal..].StartsWith(DigestStart) || !utf8.EndsWith(DocumentEnd))
        {
            throw new FormatException("it does not end with a digest.");
        }

        string computed = Convert.ToHexStringLower(SHA256.HashData(utf8[..^seal]));
        string said = Encoding.ASCII.GetString(utf8[^(DigestLength + DocumentEnd.Length)..^DocumentEnd.Length]);
        if (!string.Equals(computed, said, StringComparison.Ordinal))
        {
            throw new FormatException($"its digest is {computed}, but it says {said}.");
        }
    }

    private static void Write(ArrayBufferWriter<byte> buffer, in Entry entry)
    {
        using Utf8JsonWriter json = new(buffer, Compact);
        json.WriteStartObject();
        json.WriteNumber("index", entry.Index.Value);
        json.WriteNumber("term", entry.Term.Value);
        if (!entry.Data.IsEmpty)
        {
            StampedCommand command = CommandCodec.Decode(entry.Data.Span);
            json.WriteNumber("time", command.Stamp.TimeUnixMilliseconds);
            json.WriteStartObject("lamport");
            json.WriteNumber("counter", command.Stamp.Lamport.Counter);
            json.WriteNumber("node", command.Stamp.Lamport.Node.Value);
            json.WriteEndObject();
            switch (command)
            {
                case FactCommand fact:
                    json.WritePropertyName("fact");
                    FactJson.Write(json, fact.Submission);
                    break;
                case AuthorityCommand authority:
                    json.WriteNumber("leader", authority.Leader.Value);
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(entry), command, "Not a command.");
            }
        }

        json.WriteEndObject();
    }

    private static RaftStoreContent Read(JsonElement root)
    {
        int version = root.GetProperty("version").GetInt32();
        return version == Version
            ? new RaftStoreContent(root.GetProperty("clock").GetUInt64(), [.. root.GetProperty("nodes").EnumerateArray().Select(ReadNode)])
            : throw new FormatException($"its version is {version}; this program knows {Version}.");
    }

    private static StoredNode ReadNode(JsonElement json)
    {
        var node = new NodeId(json.GetProperty("node").GetUInt64());
        var state = new HardState(
            new Term(json.GetProperty("term").GetUInt64()),
            new NodeId(json.GetProperty("vote").GetUInt64()),
            new LogIndex(json.GetProperty("commit").GetUInt64()));
        List<Entry> log = [];
        foreach (JsonElement element in json.GetProperty("log").EnumerateArray())
        {
            Entry entry = ReadEntry(element);
            if (entry.Index.Value != (ulong)log.Count + 1 || entry.Term > state.Term || (log.Count > 0 && entry.Term < log[^1].Term))
            {
                throw new FormatException($"entry {entry} of node {node} does not follow the one before.");
            }

            log.Add(entry);
        }

        return state.Commit.Value <= (ulong)log.Count
            ? new StoredNode(node, state, log)
            : throw new FormatException($"node {node} has committed entry {state.Commit} and has only {log.Count}.");
    }

    private static Entry ReadEntry(JsonElement json)
    {
        var index = new LogIndex(json.GetProperty("index").GetUInt64());
        var term = new Term(json.GetProperty("term").GetUInt64());
        if (!json.TryGetProperty("lamport", out JsonElement lamport))
        {
            return new Entry(term, index, EntryKind.Normal, default);
        }

        var stamp = new CommandStamp(
            json.GetProperty("time").GetInt64(),
            new LamportTimestamp(lamport.GetProperty("counter").GetUInt64(), new NodeId(lamport.GetProperty("node").GetUInt64())));
        return new Entry(term, index, EntryKind.Normal, ReadCommand(json, stamp));
    }

    private static byte[] ReadCommand(JsonElement json, CommandStamp stamp)
    {
        if (json.TryGetProperty("leader", out JsonElement leader))
        {
            return CommandCodec.EncodeAuthority(new NodeId(leader.GetUInt64()), stamp);
        }

        return FactJson.TryParse(JsonMarshal.GetRawUtf8Value(json.GetProperty("fact")), out FactSubmission? submission, out InputFault? fault)
            ? CommandCodec.EncodeFact(submission, stamp)
            : throw new FormatException(fault.Message);
    }

    private static void Append(ArrayBufferWriter<byte> buffer, FormattableString text) =>
        buffer.Write(Encoding.UTF8.GetBytes(text.ToString(CultureInfo.InvariantCulture)));
}
