using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

/// <summary>The machine stopped in the middle of a disk operation.</summary>
public sealed class SimulatedCrash : Exception
{
    public SimulatedCrash()
        : base("The machine stopped.")
    {
    }
}

/// <summary>
/// A disk in memory that keeps apart what was written and what is durable. After a crash, each sector, length and name that was not
/// flushed is old or new as somebody chooses. A failed flush behaves like Linux: the bytes stay readable and are never written.
/// </summary>
public sealed class FaultyDisk : IDisk
{
    public const int SectorBytes = 512;

    private readonly Dictionary<string, Inode> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Inode> _durableNames = new(StringComparer.Ordinal);
    private readonly List<NameChange> _pending = [];
    private bool _stopped;

    /// <summary>How many operations that change something were begun.</summary>
    public int Operations { get; private set; }

    /// <summary>The operation before which the machine stops; none by default.</summary>
    public int StopBeforeOperation { get; set; } = int.MaxValue;

    /// <summary>The size of the disk.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    /// <summary>The next flush of a file fails.</summary>
    public bool FailNextFlush { get; set; }

    /// <summary>The next write to a file fails after some of it was written.</summary>
    public bool FailNextWrite { get; set; }

    /// <summary>The next flush of a folder fails.</summary>
    public bool FailNextFolderFlush { get; set; }

    /// <summary>The next rename finds no room in its folder.</summary>
    public bool NoRoomForNextName { get; set; }

    /// <summary>The next file that is flushed is another one from then on, by one bit of this byte.</summary>
    public int? FlippedByNextFlush { get; set; }

    /// <summary>Every read fails.</summary>
    public bool FailReads { get; set; }

    /// <summary>How many files are open.</summary>
    public int OpenFiles { get; private set; }

    /// <summary>How many bytes were read.</summary>
    public long BytesRead { get; private set; }

    public IReadOnlyList<string> Files => [.. _names.Keys.Order(StringComparer.Ordinal)];

    public void CreateFolder(string path) => Step();

    public bool FileExists(string path) => _names.ContainsKey(path);

    public IReadOnlyList<string> ListFiles(string folder) =>
        [.. _names.Keys.Where(path => IsIn(folder, path)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    public IDiskFile Open(string path, DiskFileMode mode)
    {
        if (mode == DiskFileMode.CreateNew)
        {
            Step();
            if (_names.ContainsKey(path))
            {
                throw new IOException($"{path} exists.");
            }

            _names[path] = new Inode();
            _pending.Add(new NameChange(null, path, _names[path]));
        }

        OpenFiles++;
        return new OpenFile(this, path, Find(path), mode != DiskFileMode.Read);
    }

    public void Rename(string from, string to)
    {
        Step();
        if (NoRoomForNextName)
        {
            NoRoomForNextName = false;
            throw new DiskFullException(to);
        }

        var inode = Find(from);
        _names.Remove(from);
        _names[to] = inode;
        _pending.Add(new NameChange(from, to, inode));
    }

    public void Delete(string path)
    {
        Step();
        if (_names.Remove(path))
        {
            _pending.Add(new NameChange(path, null, null));
        }
    }

    public void FlushFolder(string folder)
    {
        Step();
        if (FailNextFolderFlush)
        {
            FailNextFolderFlush = false;
            throw new IOException("The folder could not be flushed.");
        }

        foreach (var change in _pending.Where(change => IsIn(folder, change.From ?? change.To!)).ToList())
        {
            change.Apply(_durableNames);
            _pending.Remove(change);
        }
    }

    /// <summary>The disk as found after the machine stopped. <paramref name="choose"/> picks one of so many outcomes.</summary>
    public FaultyDisk AfterCrash(Func<int, int> choose)
    {
        ArgumentNullException.ThrowIfNull(choose);
        var names = new Dictionary<string, Inode>(_durableNames, StringComparer.Ordinal);
        foreach (var change in _pending.Where(_ => choose(2) == 1))
        {
            change.Apply(names);
        }

        var disk = new FaultyDisk { CapacityBytes = CapacityBytes };
        foreach (var (path, inode) in names.OrderBy(name => name.Key, StringComparer.Ordinal))
        {
            disk.Put(path, inode.AfterCrash(choose));
        }

        return disk;
    }

    /// <summary>The process was killed and the machine goes on: whatever was written can be read.</summary>
    public void Restart()
    {
        _stopped = false;
        StopBeforeOperation = int.MaxValue;
        OpenFiles = 0;
    }

    /// <summary>The same files, all durable, apart from this disk.</summary>
    public FaultyDisk Copy()
    {
        var disk = new FaultyDisk { CapacityBytes = CapacityBytes };
        foreach (var (path, inode) in _names)
        {
            disk.Put(path, (byte[])inode.Current.Clone());
        }

        return disk;
    }

    /// <summary>The bytes of a file as written.</summary>
    public byte[] Bytes(string path) => Find(path).Current;

    /// <summary>Puts a durable file in place.</summary>
    public void Put(string path, byte[] bytes)
    {
        var inode = new Inode { Current = bytes, Durable = (byte[])bytes.Clone() };
        _names[path] = inode;
        _durableNames[path] = inode;
    }

    /// <summary>Loses a file.</summary>
    public void Lose(string path)
    {
        _names.Remove(path);
        _durableNames.Remove(path);
    }

    private static bool IsIn(string folder, string path) => string.Equals(Path.GetDirectoryName(path), folder, StringComparison.Ordinal);

    private Inode Find(string path) => _names.TryGetValue(path, out var inode) ? inode : throw new FileNotFoundException("No such file.", path);

    private void Step()
    {
        if (_stopped || Operations >= StopBeforeOperation)
        {
            _stopped = true;
            throw new SimulatedCrash();
        }

        Operations++;
    }

    private sealed record NameChange(string? From, string? To, Inode? Inode)
    {
        public void Apply(Dictionary<string, Inode> names)
        {
            if (From is not null)
            {
                names.Remove(From);
            }

            if (To is not null)
            {
                names[To] = Inode!;
            }
        }
    }

    private sealed class Inode
    {
        /// <summary>What was written to each sector since it was last flushed, in order.</summary>
        private readonly SortedDictionary<long, List<byte[]>> _unflushed = [];

        public byte[] Current { get; set; } = [];

        public byte[] Durable { get; set; } = [];

        public void Resize(long length)
        {
            Current = new byte[length];
            _unflushed.Clear();
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            if (offset + bytes.Length > Current.Length)
            {
                var longer = new byte[offset + bytes.Length];
                Current.CopyTo(longer, 0);
                Current = longer;
            }

            bytes.CopyTo(Current.AsSpan((int)offset));
            for (var sector = offset / SectorBytes; sector * SectorBytes < offset + bytes.Length; sector++)
            {
                if (!_unflushed.TryGetValue(sector, out var versions))
                {
                    _unflushed[sector] = versions = [];
                }

                versions.Add(Sector(Current, sector).ToArray());
            }
        }

        public void Flush()
        {
            if (Durable.Length != Current.Length)
            {
                Durable = (byte[])Current.Clone();
            }

            foreach (var sector in _unflushed.Keys)
            {
                Sector(Current, sector).CopyTo(Sector(Durable, sector));
            }

            _unflushed.Clear();
        }

        public void ForgetUnflushed() => _unflushed.Clear();

        public byte[] AfterCrash(Func<int, int> choose)
        {
            var length = Durable.Length;
            if (Current.Length != length)
            {
                var possible = new[] { length, Current.Length, Current.Length / 2, Math.Min(Current.Length, SectorBytes), Math.Max(0, Current.Length - 1) };
                length = possible[choose(possible.Length)];
            }

            var bytes = new byte[length];
            Durable.AsSpan(0, Math.Min(length, Durable.Length)).CopyTo(bytes);
            foreach (var (sector, versions) in _unflushed)
            {
                if (sector * SectorBytes < length && choose(versions.Count + 1) is > 0 and var chosen)
                {
                    var target = Sector(bytes, sector);
                    versions[chosen - 1].AsSpan(0, Math.Min(target.Length, versions[chosen - 1].Length)).CopyTo(target);
                }
            }

            return bytes;
        }

        private static Span<byte> Sector(byte[] bytes, long sector)
        {
            var start = (int)Math.Min(sector * SectorBytes, bytes.Length);
            return bytes.AsSpan(start, Math.Min(SectorBytes, bytes.Length - start));
        }
    }

    private sealed class OpenFile(FaultyDisk disk, string path, Inode inode, bool writable) : IDiskFile
    {
        private bool _closed;

        public long Length => inode.Current.Length;

        public int Read(long offset, Span<byte> buffer)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (disk.FailReads)
            {
                throw new IOException($"{path} cannot be read.");
            }

            var bytes = inode.Current;
            var count = (int)Math.Clamp(bytes.Length - offset, 0, buffer.Length);
            bytes.AsSpan((int)Math.Min(offset, bytes.Length), count).CopyTo(buffer);
            disk.BytesRead += count;
            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            Change();
            if (disk.FailNextWrite)
            {
                disk.FailNextWrite = false;
                inode.Write(offset, bytes[..(bytes.Length / 2)]);
                throw new IOException($"{path} cannot be written.");
            }

            if (offset + bytes.Length > inode.Current.Length && offset + bytes.Length - inode.Current.Length > Free)
            {
                throw new DiskFullException(path);
            }

            inode.Write(offset, bytes);
        }

        private long Free => disk.CapacityBytes - disk._names.Values.Sum(other => (long)other.Current.Length);

        public void AllocateZeroed(long offset, long length)
        {
            Change();
            Extend(offset, length);
            Change();
            inode.Flush();
        }

        public void Reserve(long offset, long length)
        {
            Change();
            Extend(offset, length);
        }

        private void Extend(long offset, long length)
        {
            var room = inode.Current.Length + Math.Max(0, Free);
            inode.Write(offset, new byte[Math.Max(0, Math.Min(length, room - offset))]);
            if (offset + length > room)
            {
                throw new DiskFullException(path);
            }
        }

        public void BypassMemory()
        {
        }

        public void NoReadAhead()
        {
        }

        public void WriteBack(long offset, long length) => Change();

        public void Flush()
        {
            Change();
            if (disk.FailNextFlush)
            {
                disk.FailNextFlush = false;
                inode.ForgetUnflushed();
                throw new IOException($"{path} cannot be flushed.");
            }

            if (disk.FlippedByNextFlush is { } flipped)
            {
                disk.FlippedByNextFlush = null;
                inode.Current = (byte[])inode.Current.Clone();
                inode.Current[flipped] ^= 1;
            }

            inode.Flush();
        }

        public void Dispose()
        {
            if (!_closed)
            {
                _closed = true;
                disk.OpenFiles--;
            }
        }

        private void Change()
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (!writable)
            {
                throw new IOException($"{path} is open for reading only.");
            }

            disk.Step();
        }
    }
}
