using Converge.Swarm.Storage;

namespace Converge.Swarm.Engine;

/// <summary>
/// Keeps a cluster in one JSON file that a person can read, specified in <c>docs/engine.md</c>. Each save writes the file anew beside the
/// old one and puts it in its place, so that a crash at any moment leaves the one or the other, whole.
/// </summary>
public sealed class JsonFileRaftStore : IRaftStore
{
    /// <summary>No file is longer: 64 MiB.</summary>
    public const int MaxBytes = 64 * 1024 * 1024;

    private const string TemporarySuffix = ".new";

    private readonly IDisk _disk;
    private readonly string _path;
    private readonly string _folder;

    /// <summary>Keeps it in this file; neither the file nor its folder need be there.</summary>
    public JsonFileRaftStore(string path)
        : this(System.IO.Path.GetFullPath(path), PhysicalDisk.Instance)
    {
    }

    /// <summary>Keeps it in a file of another disk.</summary>
    public JsonFileRaftStore(string path, IDisk disk)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _disk = disk;
        _path = path;
        _folder = System.IO.Path.GetDirectoryName(path) ?? throw new ArgumentException($"{path} is a folder.", nameof(path));
    }

    /// <summary>The file.</summary>
    public string Path => _path;

    /// <inheritdoc/>
    public RaftStoreContent? Load()
    {
        if (!_disk.FileExists(_path))
        {
            return null;
        }

        // Whoever saved it may have died before its name was durable; it must not go away again after somebody has seen it.
        _disk.FlushFolder(_folder);
        using IDiskFile file = _disk.Open(_path, DiskFileMode.Read);
        if (file.Length > MaxBytes)
        {
            throw new RaftStoreDamagedException(_path, $"it has {file.Length} bytes, and at most {MaxBytes} are ever written.");
        }

        byte[] bytes = new byte[file.Length];
        int read = file.Read(0, bytes);
        try
        {
            return RaftStoreJson.Parse(bytes.AsMemory(0, read));
        }
        catch (FormatException fault)
        {
            throw new RaftStoreDamagedException(_path, fault.Message, fault);
        }
    }

    /// <inheritdoc/>
    public void Save(RaftStoreContent content)
    {
        byte[] bytes = RaftStoreJson.ToUtf8(content);
        if (bytes.Length > MaxBytes)
        {
            throw new IOException($"The content has {bytes.Length} bytes; {_path} may have {MaxBytes}.");
        }

        _disk.CreateFolder(_folder);
        string temporary = _path + TemporarySuffix;
        if (_disk.FileExists(temporary))
        {
            // What a crash left half written.
            _disk.Delete(temporary);
        }

        using (IDiskFile file = _disk.Open(temporary, DiskFileMode.CreateNew))
        {
            file.Write(0, bytes);
            file.Flush();
        }

        _disk.Rename(temporary, _path);
        _disk.FlushFolder(_folder);
    }
}
