using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Converge.Swarm.Storage;

/// <summary>
/// The exclusive use of a data folder by one process, from <see cref="Acquire"/> to <see cref="Dispose"/>. The system releases it when
/// the process dies. On network file systems it is as good as their locks.
/// </summary>
public sealed class FolderLock : IDisposable
{
    /// <summary>The file in the folder that is locked. It stays when the lock is released; only the lock on it counts.</summary>
    public const string FileName = "LOCK";

    private readonly SafeFileHandle _handle;

    private FolderLock(SafeFileHandle handle)
    {
        _handle = handle;
    }

    /// <summary>Takes the lock of a folder, which is created unless it is there.</summary>
    /// <exception cref="FolderInUseException">Another process has it, or this one has it already.</exception>
    /// <exception cref="IOException">The folder or the file cannot be written.</exception>
    public static FolderLock Acquire(string folder)
    {
        PhysicalDisk.Instance.CreateFolder(folder);
        var path = Path.Combine(folder, FileName);
        SafeFileHandle handle;
        try
        {
            // Windows lets nobody read what is opened for nobody else; a second writer is refused by either.
            var share = OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None;
            handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, share);
        }
        catch (IOException e) when (IsHeldByAnother(e))
        {
            throw new FolderInUseException(folder, ReadHolder(path), e);
        }

        try
        {
            // For people only. The lock is what counts, so nothing of this needs to be durable.
            RandomAccess.SetLength(handle, 0);
            RandomAccess.Write(handle, Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)), 0);
        }
        catch (IOException e) when (NativeFile.IsDiskFull(e))
        {
            // A full disk must not keep a node from starting: the lock is held all the same.
        }
        catch
        {
            handle.Dispose();
            throw;
        }

        return new FolderLock(handle);
    }

    /// <summary>Gives the folder free.</summary>
    public void Dispose()
    {
        if (!_handle.IsClosed)
        {
            RandomAccess.SetLength(_handle, 0);
            _handle.Dispose();
        }
    }

    private static bool IsHeldByAnother(IOException e)
    {
        const int SharingViolationWindows = unchecked((int)0x8007_0020);
        const int WouldBlockLinux = 11;
        const int WouldBlockMac = 35;
        return OperatingSystem.IsWindows()
            ? e.HResult == SharingViolationWindows
            : e.HResult == (OperatingSystem.IsMacOS() ? WouldBlockMac : WouldBlockLinux);
    }

    private static int? ReadHolder(string path)
    {
        try
        {
            using var handle = OperatingSystem.IsWindows()
                ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)
                : NativeFile.OpenForReading(path);
            Span<byte> text = stackalloc byte[16];
            var length = RandomAccess.Read(handle, text, 0);
            return int.TryParse(text[..length], NumberStyles.None, CultureInfo.InvariantCulture, out var holder) ? holder : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}

/// <summary>A data folder is in use by another process, or by another node of this one.</summary>
public sealed class FolderInUseException : IOException
{
    /// <summary><paramref name="folder"/> is in use by the process <paramref name="processId"/>, if that is known.</summary>
    public FolderInUseException(string folder, int? processId, Exception? inner = null)
        : base(processId is { } id ? $"The folder {folder} is in use by process {id.ToString(CultureInfo.InvariantCulture)}." : $"The folder {folder} is in use.", inner)
    {
        Folder = folder;
        ProcessId = processId;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The process that has it, if known.</summary>
    public int? ProcessId { get; }
}
