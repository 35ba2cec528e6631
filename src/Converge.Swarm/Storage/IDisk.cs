namespace Converge.Swarm.Storage;

/// <summary>
/// The file operations that storage needs, and no more, so that a simulator can stand in for a real disk.
/// Paths use the host's separator and lie below one folder.
/// </summary>
/// <remarks>
/// What is written is durable only after <see cref="IDiskFile.Flush"/>; what is created, renamed or deleted only after
/// <see cref="FlushFolder"/> of its folder. Everything may throw <see cref="IOException"/>.
/// </remarks>
public interface IDisk
{
    /// <summary>Creates a folder and its parents unless it is there, durably.</summary>
    void CreateFolder(string path);

    /// <summary>True when a file is there.</summary>
    bool FileExists(string path);

    /// <summary>The names (not paths) of the files directly in a folder, in ordinal order; none when it is not there.</summary>
    IReadOnlyList<string> ListFiles(string folder);

    /// <summary>Opens a file. Only one writer may have it open.</summary>
    IDiskFile Open(string path, DiskFileMode mode);

    /// <summary>Renames a file over whatever has the new name, atomically.</summary>
    void Rename(string from, string to);

    /// <summary>Deletes a file.</summary>
    void Delete(string path);

    /// <summary>Makes creations, renames and deletions in a folder durable.</summary>
    void FlushFolder(string folder);
}

/// <summary>How a file is opened.</summary>
public enum DiskFileMode
{
    /// <summary>An existing file, for reading.</summary>
    Read,

    /// <summary>An existing file, for reading and writing.</summary>
    ReadWrite,

    /// <summary>A new file; it is an error when it exists.</summary>
    CreateNew,
}

/// <summary>An open file, addressed by offset. Reads may run beside one writer.</summary>
public interface IDiskFile : IDisposable
{
    /// <summary>Its length in bytes.</summary>
    long Length { get; }

    /// <summary>Reads up to <paramref name="buffer"/>'s length; fewer bytes only at the end of the file.</summary>
    int Read(long offset, Span<byte> buffer);

    /// <summary>Writes all of it.</summary>
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Makes a range zeros that are really allocated, durably, so that later flushes of what is written there need not touch metadata. Reaches to the
    /// file's end or beyond, and makes it longer then; where there was something it is overwritten.
    /// </summary>
    /// <exception cref="DiskFullException">There is no room; what was allocated is for the caller to delete.</exception>
    void AllocateZeroed(long offset, long length);

    /// <summary>
    /// Makes the file longer by zeros for which there is room from then on. Costs almost nothing now and something at every flush of what is
    /// written there, and is durable with the first one.
    /// </summary>
    /// <param name="offset">The file's end.</param>
    /// <param name="length">By so much.</param>
    /// <exception cref="DiskFullException">There is no room; what was reserved is for the caller to delete.</exception>
    void Reserve(long offset, long length);

    /// <summary>
    /// Has a range written to the device now, and waits for it, so that a later <see cref="Flush"/> finds little left to do; the system need
    /// not keep it in memory. Promises nothing: neither the device's own memory nor the file's length need be safe. For long files, which
    /// others' flushes must not wait for and which must not drive everything else out of memory.
    /// </summary>
    void WriteBack(long offset, long length);

    /// <summary>
    /// From now on what is written or read goes to or comes from the device without a copy in the system's memory, wherever it begins and ends at a
    /// multiple of 512 bytes both in the file and in memory. Only spares work: nothing is durable sooner, and where a
    /// system, a file system or a device does not offer it, everything is as before. For what is not read again soon.
    /// </summary>
    void BypassMemory();

    /// <summary>
    /// From now on the system reads through this handle what it is asked for and nothing ahead. For who goes through a long file in blocks and has time:
    /// megabytes that the system would ask the device for at once, others' flushes would wait for. Advice, which a system may not take.
    /// </summary>
    void NoReadAhead();

    /// <summary>Makes everything written so far durable. After a failure nothing is known of what was written: never retried.</summary>
    void Flush();
}

/// <summary>There is no room on the disk.</summary>
public sealed class DiskFullException : IOException
{
    /// <summary>No room for <paramref name="path"/>.</summary>
    public DiskFullException(string path, Exception? inner = null)
        : base($"No room on the disk for {path}.", inner)
    {
    }
}
