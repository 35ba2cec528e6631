using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Converge.Swarm.Storage;

/// <summary>The calls that make bytes and names durable, which .NET does not offer: its own flush is always a full fsync, and retries.</summary>
/// <remarks>
/// No call that makes something durable is repeated after a failure, EINTR included. A system may report a lost write exactly once; a file system that
/// answers EINTR may already have taken note that the caller was told. A second call that succeeds would then vouch for bytes that
/// are gone. The price of taking EINTR for a failure is a restart, and local file systems do not answer it.
/// </remarks>
internal static partial class NativeFile
{
    private const int ReadOnly = 0;
    private const int ReadWrite = 2;
    private const int CloseOnExecLinux = 0x8_0000;
    private const int CloseOnExecMac = 0x100_0000;
    private const int FullFlushMac = 51;
    private const uint WaitBefore = 1;
    private const uint Write = 2;
    private const uint WaitAfter = 4;
    private const int NotNeeded = 4;
    private const int AnyOrder = 1;
    private const int Interrupted = 4;
    private const int InvalidArgument = 22;

    private static readonly int Direct = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 ? 0x1_0000 : 0x4000;

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

    /// <summary>Has the system read no more of a file than it is asked for. Advice, which a system may not take.</summary>
    public static void ReadNothingAhead(SafeFileHandle file)
    {
        if (OperatingSystem.IsLinux())
        {
            _ = Advise(file, 0, 0, AnyOrder);
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

    /// <summary>Opens a file a second time, to write and read it past the system's memory. Null where that is not offered.</summary>
    public static SafeFileHandle? TryOpenDirect(string path, bool forWriting)
    {
        int handle = OperatingSystem.IsLinux() ? Open(path, (forWriting ? ReadWrite : ReadOnly) | Direct | CloseOnExecLinux) : -1;
        return handle < 0 ? null : new SafeFileHandle(handle, ownsHandle: true);
    }

    /// <summary>Writes all of it past the system's memory. False when the file system or the device does not do that here: then all of it is to be written in the usual way.</summary>
    public static bool TryWriteDirect(SafeFileHandle file, long offset, ReadOnlySpan<byte> bytes, string path)
    {
        int done = 0;
        while (done < bytes.Length)
        {
            nint written = PWrite(file, bytes[done..], bytes.Length - done, offset + done);
            if (written < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == Interrupted)
                {
                    // Before a byte was written, and nothing is durable yet: another attempt vouches for nothing.
                    continue;
                }

                if (error == InvalidArgument || IsNotOffered(error))
                {
                    return false;
                }
            }

            Check((int)Math.Max(written, -1), "pwrite", path);
            done += (int)written;
        }

        return true;
    }

    /// <summary>Reads past the system's memory, fewer bytes only at the file's end. -1 when the file system or the device does not do that here.</summary>
    public static int TryReadDirect(SafeFileHandle file, long offset, Span<byte> buffer, string path)
    {
        while (true)
        {
            nint read = PRead(file, buffer, buffer.Length, offset);
            if (read >= 0)
            {
                return (int)read;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == InvalidArgument || IsNotOffered(error))
            {
                return -1;
            }

            if (error != Interrupted)
            {
                Check(-1, "pread", path);
            }
        }
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

    [LibraryImport("libc", EntryPoint = "pread64", SetLastError = true)]
    private static partial nint PRead(SafeFileHandle file, Span<byte> bytes, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite64", SetLastError = true)]
    private static partial nint PWrite(SafeFileHandle file, ReadOnlySpan<byte> bytes, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FControl(SafeFileHandle file, int command);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
