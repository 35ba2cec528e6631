using Microsoft.Win32.SafeHandles;

namespace Converge.Swarm.Storage;

/// <summary>The disk of this machine.</summary>
public sealed class PhysicalDisk : IDisk
{
    /// <summary>There is one.</summary>
    public static PhysicalDisk Instance { get; } = new();

    private PhysicalDisk()
    {
    }

    /// <inheritdoc/>
    public void CreateFolder(string path)
    {
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var parent = Path.GetDirectoryName(path);
        if (parent is null)
        {
            return;
        }

        if (!Directory.Exists(parent))
        {
            CreateFolder(parent);
        }

        // Also when it is there: whoever made it may have died before its name was durable.
        Guard(path, () => Directory.CreateDirectory(path));
        NativeFile.FlushFolder(parent);
    }

    /// <inheritdoc/>
    public bool FileExists(string path) => File.Exists(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return [];
        }

        var names = Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).ToArray();
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    /// <inheritdoc/>
    public IDiskFile Open(string path, DiskFileMode mode)
    {
        var handle = mode switch
        {
            DiskFileMode.Read => File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete),
            DiskFileMode.ReadWrite => File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete),
            DiskFileMode.CreateNew => Guard(path, () => File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read | FileShare.Delete)),
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Unknown mode."),
        };
        return new PhysicalFile(handle, path, mode);
    }

    /// <inheritdoc/>
    public void Rename(string from, string to) => Guard(to, () => File.Move(from, to, overwrite: true));

    /// <inheritdoc/>
    public void Delete(string path) => File.Delete(path);

    /// <inheritdoc/>
    public void FlushFolder(string folder) => NativeFile.FlushFolder(folder);

    private static void Guard(string path, Action action) =>
        Guard(path, () =>
        {
            action();
            return 0;
        });

    private static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (IOException e) when (NativeFile.IsDiskFull(e))
        {
            throw new DiskFullException(path, e);
        }
    }

    private sealed class PhysicalFile(SafeFileHandle handle, string path, DiskFileMode mode) : IDiskFile
    {
        private const int ZeroChunkBytes = 1024 * 1024;

        // Once for all files: large objects that come and go have the whole heap collected.
        private static readonly AlignedBytes Zeros = new(ZeroChunkBytes);

        private SafeFileHandle? _direct;

        public long Length => RandomAccess.GetLength(handle);

        public int Read(long offset, Span<byte> buffer)
        {
            var done = 0;
            if (_direct is { } direct && AlignedBytes.AreAligned(offset, buffer))
            {
                done = Math.Max(0, NativeFile.TryReadDirect(direct, offset, buffer, path));
            }

            while (done < buffer.Length)
            {
                var got = RandomAccess.Read(handle, buffer[done..], offset + done);
                if (got == 0)
                {
                    break;
                }

                done += got;
            }

            return done;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            try
            {
                if (_direct is { } direct && AlignedBytes.AreAligned(offset, bytes))
                {
                    if (NativeFile.TryWriteDirect(direct, offset, bytes, path))
                    {
                        return;
                    }

                    _direct = null;
                    direct.Dispose();
                }

                RandomAccess.Write(handle, bytes, offset);
            }
            catch (IOException e) when (NativeFile.IsDiskFull(e))
            {
                throw new DiskFullException(path, e);
            }
        }

        public void AllocateZeroed(long offset, long length)
        {
            // Real zeros, not a hole and not a reservation: both would make a later flush change the file's extents.
            ReadOnlySpan<byte> zeros = Zeros.Span;
            try
            {
                for (var end = offset + length; offset < end; offset += zeros.Length)
                {
                    var piece = zeros[..(int)Math.Min(zeros.Length, end - offset)];
                    Write(offset, piece);

                    // Piece by piece: commits wait for flushes of other files, and those would come behind all of it.
                    NativeFile.WriteBack(handle, offset, piece.Length, path);
                }

                NativeFile.FlushData(handle, path);
            }
            catch (IOException e) when (NativeFile.IsDiskFull(e))
            {
                // Delayed allocation finds out only at a flush; the file is not in use yet, and the caller deletes it.
                throw new DiskFullException(path, e);
            }
        }

        public void Reserve(long offset, long length)
        {
            try
            {
                if (!NativeFile.TryReserve(handle, offset, length, path))
                {
                    AllocateZeroed(offset, length);
                }
            }
            catch (IOException e) when (NativeFile.IsDiskFull(e))
            {
                throw new DiskFullException(path, e);
            }
        }

        public void WriteBack(long offset, long length)
        {
            NativeFile.WriteBack(handle, offset, length, path);

            // The pages that this frees are those that the next piece is written to. Otherwise a long file takes ever more new ones, which in a
            // virtual machine may have to come from its host.
            NativeFile.Forget(handle, offset, length);
        }

        public void BypassMemory() => _direct ??= NativeFile.TryOpenDirect(path, mode != DiskFileMode.Read);

        public void NoReadAhead() => NativeFile.ReadNothingAhead(handle);

        public void Flush() => NativeFile.FlushData(handle, path);

        public void Dispose()
        {
            _direct?.Dispose();
            handle.Dispose();
        }
    }
}
