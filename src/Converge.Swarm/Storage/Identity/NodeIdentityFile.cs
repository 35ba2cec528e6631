using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Converge.Core;

namespace Converge.Swarm.Storage;

/// <summary>To which node of which swarm a data folder belongs, for ever.</summary>
/// <param name="Cluster">The swarm's name.</param>
/// <param name="Node">The node.</param>
/// <param name="Founders">
/// The first members, as they were when the folder was made: what a configuration says later changes no beginning. Empty on a node that
/// joined; null in folders made before that was kept.
/// </param>
public sealed record NodeIdentity(string Cluster, NodeId Node, ImmutableArray<MemberAddress>? Founders = null)
{
    /// <summary>The first members: as kept, or else as configured.</summary>
    /// <param name="configured">As the node's configuration has them; empty on a node that joins.</param>
    public ImmutableArray<MemberAddress> FoundersOr(ImmutableArray<MemberAddress> configured) => Founders ?? configured;

    /// <summary>The same node of the same swarm.</summary>
    internal bool IsSameNode(NodeIdentity other) => Node == other.Node && string.Equals(Cluster, other.Cluster, StringComparison.Ordinal);
}

/// <summary>
/// The file <c>node.json</c> in a data folder. It is written once, after the node's logs have been created, so that where it stands the
/// logs have been: an empty log beside it is a lost one.
/// </summary>
public static class NodeIdentityFile
{
    /// <summary>The file's name.</summary>
    public const string FileName = "node.json";

    /// <summary>The layout of a data folder that this version makes and understands.</summary>
    public const int FormatVersion = 1;

    private const string TemporaryName = FileName + ".new";
    private const int MaxBytes = 16 * 1024;

    /// <summary>True when the folder is known to be this node's; false when it belongs to nobody yet.</summary>
    /// <exception cref="WrongFolderException">It is another node's or another swarm's, in an unknown format, or its file is damaged.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static bool Check(IDisk disk, string folder, NodeIdentity expected) => Find(disk, folder, expected) is not null;

    /// <summary>What a folder that is known to be this node's says; null when it belongs to nobody yet.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="folder">The data folder.</param>
    /// <param name="expected">The node; its founders are not compared.</param>
    /// <exception cref="WrongFolderException">It is another node's or another swarm's, in an unknown format, or its file is damaged.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static NodeIdentity? Find(IDisk disk, string folder, NodeIdentity expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        if (Read(disk, folder) is not { } found)
        {
            return null;
        }

        return found.IsSameNode(expected)
            ? found
            : throw new WrongFolderException(folder, $"it belongs to node {found.Node} of the swarm \"{found.Cluster}\", not to node {expected.Node} of \"{expected.Cluster}\"");
    }

    /// <summary>Whose folder it is; null when it belongs to nobody yet.</summary>
    /// <exception cref="WrongFolderException">The file is in an unknown format or damaged.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static NodeIdentity? Read(IDisk disk, string folder)
    {
        ArgumentNullException.ThrowIfNull(disk);
        var path = Path.Combine(folder, FileName);
        if (!disk.FileExists(path))
        {
            return null;
        }

        using var file = disk.Open(path, DiskFileMode.Read);
        if (file.Length > MaxBytes)
        {
            throw new WrongFolderException(folder, $"{FileName} has {file.Length} bytes; {MaxBytes} are allowed");
        }

        var bytes = new byte[file.Length];
        return Decode(folder, bytes.AsMemory(0, file.Read(0, bytes)));
    }

    /// <summary>Makes the folder a node's, durably. After a crash it is that or nobody's.</summary>
    /// <exception cref="WrongFolderException">It is another node's or another swarm's.</exception>
    /// <exception cref="DiskFullException">There is no room.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static void Write(IDisk disk, string folder, NodeIdentity identity)
    {
        if (Check(disk, folder, identity))
        {
            // Its name may have been read from memory only: whoever wrote it may have died before that was durable.
            disk.FlushFolder(folder);
            return;
        }

        disk.CreateFolder(folder);
        var temporary = Path.Combine(folder, TemporaryName);
        if (disk.FileExists(temporary))
        {
            disk.Delete(temporary);
        }

        using (var file = disk.Open(temporary, DiskFileMode.CreateNew))
        {
            file.Write(0, Encode(identity));
            file.Flush();
        }

        disk.Rename(temporary, Path.Combine(folder, FileName));
        disk.FlushFolder(folder);
    }

    private static byte[] Encode(NodeIdentity identity)
    {
        string founders = identity.Founders is { } first ? $",\"founders\":[{string.Join(',', first.Select(Encode))}]" : "";
        return Encoding.UTF8.GetBytes(
            $"{{\"format\":{FormatVersion},\"cluster\":{JsonSerializer.Serialize(identity.Cluster)},\"node\":{identity.Node}{founders}}}\n");
    }

    private static string Encode(MemberAddress founder)
    {
        string http = founder.HttpUrl is { } url ? $",\"http\":{JsonSerializer.Serialize(url)}" : "";
        return $"{{\"id\":{founder.Id},\"peer\":{JsonSerializer.Serialize(founder.PeerAddress)}{http}}}";
    }

    private static MemberAddress DecodeFounder(JsonElement founder) => new(
        new NodeId(founder.GetProperty("id").GetUInt64()),
        founder.GetProperty("peer").GetString() ?? throw new FormatException("a founder has no address"),
        founder.TryGetProperty("http", out JsonElement http) ? http.GetString() : null,
        Connected: false);

    private static NodeIdentity Decode(string folder, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            var format = root.GetProperty("format").GetInt32();
            if (format != FormatVersion)
            {
                throw new WrongFolderException(folder, $"its format is {format}, known is {FormatVersion}");
            }

            ImmutableArray<MemberAddress>? founders = null;
            if (root.TryGetProperty("founders", out JsonElement list))
            {
                founders = [.. list.EnumerateArray().Select(DecodeFounder)];
            }

            return new NodeIdentity(root.GetProperty("cluster").GetString() ?? "", new NodeId(root.GetProperty("node").GetUInt64()), founders);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new WrongFolderException(folder, $"{FileName} cannot be understood ({e.Message})", e);
        }
    }
}

/// <summary>A data folder is not the one of this node, or that cannot be told. Nothing was changed.</summary>
public sealed class WrongFolderException : IOException
{
    /// <summary><paramref name="folder"/> cannot be used, because <paramref name="why"/>.</summary>
    public WrongFolderException(string folder, string why, Exception? inner = null)
        : base($"The folder {folder} cannot be used: {why}.", inner)
    {
        Folder = folder;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }
}
