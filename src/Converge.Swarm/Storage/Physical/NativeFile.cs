using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Converge.Swarm.Storage;

/// <summary>The calls that make bytes and names durable, which .NET does not offer: its own flush is always a full fsync, and retries.</summary>
/// <remarks>
/// No call here is repeated after a failure, EINTR included. A system may report a lost write exactly once; a file system that
/// answers EINTR may already have taken note that the caller was told. A second call that succeeds would then vouch for bytes that
/// are gone. The price of taking EINTR for a failure is a restart, and local file systems do not answer it.
/// </remarks>
internal static partial class NativeFile
{
    private const int ReadOnly = 0;
    private const int CloseOnExecLinux = 0x8_0000;
    private const int CloseOnExecMac = 0x100_0000;
    private const int FullFlushMac = 51;
    private const uint WaitBefore = 1;
    private const uint Write = 2;
    private const uint WaitAfter = 4;
    private const int NotNeeded = 4;

    /// <summary>Makes the data of a file durable; of its metadata only what is needed to read them.</summary>
    public static void FlushData(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsLinux())
        {
            Check(FDataSync(file), "fdatasync", path);
        }
        else
        {
            FlushAll(file, path);
        }
    }

    /// <summary>
    /// Has a range written to the device. On Linux without what makes a flush dear, the device's own memory and the file system's journal;
    /// elsewhere, and where that is not offered, it is one.
    /// </summary>
    public static void WriteBack(SafeFileHandle file, long offset, long length, string path)
    {
        int result = OperatingSystem.IsLinux() ? SyncFileRange(file, offset, length, WaitBefore | Write | WaitAfter) : 0;
        if (!OperatingSystem.IsLinux() || (result < 0 && IsNotOffered(Marshal.GetLastPInvokeError())))
        {
            FlushData(file, path);
        }
        else
        {
            Check(result, "sync_file_range", path);
        }
    }

    /// <summary>Lets the system forget what it keeps in memory of a range that is on the device. Advice, which a system may not take.</summary>
    public static void Forget(SafeFileHandle file, long offset, long length)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Advise(file, offset, length, NotNeeded);
        }
    }

    /// <summary>Reserves room for a range, zeros until it is written. False when this file system, or any but Linux, cannot.</summary>
    /// <exception cref="IOException">It can, and did not; see <see cref="IsDiskFull"/>.</exception>
    public static bool TryReserve(SafeFileHandle file, long offset, long length, string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        int result = Allocate(file, 0, offset, length);
        if (result < 0 && IsNotOffered(Marshal.GetLastPInvokeError()))
        {
            return false;
        }

        Check(result, "fallocate", path);
        return true;
    }

    /// <summary>Makes the data and all metadata of a file durable.</summary>
    public static void FlushAll(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(file);
        }
        else if (OperatingSystem.IsMacOS())
        {
            // fsync leaves the bytes in the drive's cache there. The command takes no argument, so the variadic call needs none.
            Check(FControl(file, FullFlushMac), "fcntl(F_FULLFSYNC)", path);
        }
        else
        {
            Check(FSync(file), "fsync", path);
        }
    }

    /// <summary>Makes the names in a folder durable. Windows keeps them in its journal and has no such call.</summary>
    public static void FlushFolder(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            using var folder = OpenForReading(path);
            FlushAll(folder, path);
        }
    }

    /// <summary>Opens a file or a folder without taking part in .NET's advisory locks. Not for Windows.</summary>
    public static SafeFileHandle OpenForReading(string path)
    {
        var handle = Open(path, ReadOnly | (OperatingSystem.IsMacOS() ? CloseOnExecMac : CloseOnExecLinux));
        Check(handle, "open", path);
        return new SafeFileHandle(handle, ownsHandle: true);
    }

    /// <summary>True for the ways in which a system says that there is no room, or none for this user.</summary>
    public static bool IsDiskFull(IOException e)
    {
        const int DiskFullWindows = unchecked((int)0x8007_0070);
        const int HandleDiskFullWindows = unchecked((int)0x8007_0027);
        const int NoSpace = 28;
        const int QuotaLinux = 122;
        const int QuotaMac = 69;
        return OperatingSystem.IsWindows()
            ? e.HResult is DiskFullWindows or HandleDiskFullWindows
            : e.HResult is NoSpace || e.HResult == (OperatingSystem.IsMacOS() ? QuotaMac : QuotaLinux);
    }

    /// <summary>
    /// The ways in which Linux says that there is no such call for this file, or for this program: nothing was begun then, so that another way
    /// may be taken.
    /// </summary>
    private static bool IsNotOffered(int error)
    {
        const int NotPermitted = 1;
        const int NoSeek = 29;
        const int NoSuchCall = 38;
        const int NotSupported = 95;
        return error is NotPermitted or NoSeek or NoSuchCall or NotSupported;
    }

    private static void Check(int result, string call, string path)
    {
        if (result < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            throw new IOException($"{call} of {path} failed: {new Win32Exception(error).Message}.", error);
        }
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FDataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "sync_file_range", SetLastError = true)]
    private static partial int SyncFileRange(SafeFileHandle file, long offset, long length, uint flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FControl(SafeFileHandle file, int command);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
