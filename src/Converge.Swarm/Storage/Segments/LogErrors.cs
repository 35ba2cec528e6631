namespace Converge.Swarm.Storage;

/// <summary>
/// Bytes of a log are not what was written, and no crash explains it. The log is not opened, or the read is not answered;
/// nothing was changed. The file is for an operator, or for repair from the quorum.
/// </summary>
public sealed class LogDamagedException : IOException
{
    /// <summary>Damage in <paramref name="file"/> at <paramref name="offset"/>.</summary>
    public LogDamagedException(string file, long offset, string what, Exception? inner = null)
        : base($"{file} is damaged at byte {offset}: {what}.", inner)
    {
        File = file;
        Offset = offset;
        What = what;
    }

    /// <summary>The damaged or missing file.</summary>
    public string File { get; }

    /// <summary>The offset in it, in bytes, at which what was read stops making sense.</summary>
    public long Offset { get; }

    /// <summary>What is wrong there.</summary>
    public string What { get; }
}

/// <summary>
/// A write or a flush failed, so that it is not known what is on the disk. The log takes and gives nothing more; a flush is never
/// retried, because a second one may succeed without having written what the first one lost. The process exits and recovers.
/// </summary>
public sealed class LogFailedException : IOException
{
    /// <summary>The log in <paramref name="folder"/> failed because of <paramref name="inner"/>.</summary>
    public LogFailedException(string folder, Exception inner)
        : base($"The log in {folder} failed and takes no more: {inner.Message}", inner)
    {
        Folder = folder;
    }

    /// <summary>The log's folder.</summary>
    public string Folder { get; }
}

/// <summary>A whole and undamaged log that is not the one asked for: of another purpose, or in a format that this version does not know.</summary>
public sealed class WrongLogException : IOException
{
    /// <summary><paramref name="file"/> is not what was asked for.</summary>
    public WrongLogException(string file, string what)
        : base($"{file} cannot be opened: {what}.")
    {
        File = file;
    }

    /// <summary>The file that says so.</summary>
    public string File { get; }
}

/// <summary>Records were asked for that have been removed from the front of the log.</summary>
public sealed class RecordRemovedException : InvalidOperationException
{
    /// <summary>Record <paramref name="number"/> is gone; the first one kept is <paramref name="firstNumber"/>.</summary>
    public RecordRemovedException(ulong number, ulong firstNumber)
        : base($"Record {number} was removed; the first one kept is {firstNumber}.")
    {
        Number = number;
        FirstNumber = firstNumber;
    }

    /// <summary>The record asked for.</summary>
    public ulong Number { get; }

    /// <summary>The first record that can be had.</summary>
    public ulong FirstNumber { get; }
}

/// <summary>A record or a group of records is larger than the log takes. Nothing was changed.</summary>
public sealed class RecordTooLargeException : ArgumentException
{
    /// <summary><paramref name="what"/> has <paramref name="bytes"/> bytes; <paramref name="maxBytes"/> are allowed.</summary>
    public RecordTooLargeException(string what, long bytes, long maxBytes)
        : base($"{what} of {bytes} bytes is larger than the {maxBytes} bytes allowed.")
    {
        Bytes = bytes;
        MaxBytes = maxBytes;
    }

    /// <summary>Its size.</summary>
    public long Bytes { get; }

    /// <summary>The greatest size allowed.</summary>
    public long MaxBytes { get; }
}
