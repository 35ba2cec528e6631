namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Damage to one file, undone at the end.</summary>
internal sealed class Damage : IDisposable
{
    private readonly string _path;
    private readonly byte[] _whole;

    private Damage(string path)
    {
        _path = path;
        _whole = File.ReadAllBytes(path);
    }

    /// <summary>Changes one byte.</summary>
    public static Damage Flip(string path, long offset)
    {
        Damage damage = new(path);
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = offset;
        int before = file.ReadByte();
        file.Position = offset;
        file.WriteByte((byte)(before ^ 0x10));
        return damage;
    }

    /// <summary>Ends the file early.</summary>
    public static Damage Cut(string path, long length)
    {
        Damage damage = new(path);
        using FileStream file = File.Open(path, FileMode.Open, FileAccess.Write);
        file.SetLength(length);
        return damage;
    }

    /// <summary>Turns bytes into zeros, as they are where a write never reached the disk.</summary>
    public static Damage Cleared(string path, long from, long to)
    {
        Damage damage = new(path);
        SegmentFile.Clear(path, from, to);
        return damage;
    }

    /// <summary>Takes the file away.</summary>
    public static Damage Remove(string path)
    {
        Damage damage = new(path);
        File.Delete(path);
        return damage;
    }

    /// <summary>The file as it was.</summary>
    public void Dispose() => File.WriteAllBytes(_path, _whole);
}
