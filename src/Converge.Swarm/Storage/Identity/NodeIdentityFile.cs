using System.Text;
using System.Text.Json;
using Converge.Core;

namespace Converge.Swarm.Storage;

/// <summary>To which node of which swarm a data folder belongs, for ever.</summary>
/// <param name="Cluster">The swarm's name.</param>
/// <param name="Node">The node.</param>
public sealed record NodeIdentity(string Cluster, NodeId Node);

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
    private const int MaxBytes = 4096;

    /// <summary>True when the folder is known to be this node's; false when it belongs to nobody yet.</summary>
    /// <exception cref="WrongFolderException">It is another node's or another swarm's, in an unknown format, or its file is damaged.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static bool Check(IDisk disk, string folder, NodeIdentity expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        if (Read(disk, folder) is not { } found)
        {
            return false;
        }

        return found == expected
            ? true
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

    private static byte[] Encode(NodeIdentity identity) =>
        Encoding.UTF8.GetBytes($"{{\"format\":{FormatVersion},\"cluster\":{JsonSerializer.Serialize(identity.Cluster)},\"node\":{identity.Node}}}\n");

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

            return new NodeIdentity(root.GetProperty("cluster").GetString() ?? "", new NodeId(root.GetProperty("node").GetUInt64()));
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
