namespace Converge.Swarm.Governance;

/// <summary>A snapshot's bytes are not what was written. Nothing was changed; the file is for an operator, or to be replaced from the quorum.</summary>
public sealed class SnapshotDamagedException : IOException
{
    /// <summary>Damage in <paramref name="file"/> at <paramref name="offset"/>.</summary>
    public SnapshotDamagedException(string file, long offset, string what, Exception? inner = null)
        : base($"{file} is damaged at byte {offset}: {what}.", inner)
    {
        File = file;
        Offset = offset;
        What = what;
    }

    /// <summary>The damaged file.</summary>
    public string File { get; }

    /// <summary>The offset in it, in bytes, at which the part begins that is not what was written.</summary>
    public long Offset { get; }

    /// <summary>What is wrong there.</summary>
    public string What { get; }
}

/// <summary>A whole snapshot that this program cannot use: in a format, or by apply rules, that it does not know.</summary>
public sealed class UnsupportedSnapshotException : IOException
{
    /// <summary><paramref name="file"/> cannot be used.</summary>
    public UnsupportedSnapshotException(string file, string what)
        : base($"{file} cannot be used: {what}.")
    {
        File = file;
    }

    /// <summary>The file.</summary>
    public string File { get; }
}
