using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>
/// A disk that keeps apart what was written and what is durable, and that fails when told to: whatever was not flushed is old or new by
/// chance after a loss of power, sector by sector and name by name. A failed flush behaves like Linux: the bytes stay readable and are
/// never written.
/// </summary>
/// <remarks>Only what the simulation does with it takes place: no time passes here, and nothing is random but by the given source.</remarks>
public sealed class SimulatedDisk : IDisk
{
    private readonly SortedDictionary<string, SimulatedFile> _names = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SimulatedFile> _durableNames = new(StringComparer.Ordinal);
    private readonly List<NameChange> _pending = [];
    private long _countdown = long.MaxValue;
    private uint _process;

    /// <summary>The size of the disk in bytes.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    /// <summary>The next write to a file fails after about half of its sectors were written: a sector is written whole or not at all.</summary>
    public bool FailNextWrite { get; set; }

    /// <summary>The next flush of a file or folder fails.</summary>
    public bool FailNextFlush { get; set; }

    /// <summary>True when the machine stopped in the middle of an operation; until <see cref="LosePower"/>.</summary>
    public bool HasStopped { get; private set; }

    /// <summary>The sum of the lengths of all files.</summary>
    public long UsedBytes => _names.Values.Sum(file => file.Length);

    /// <summary>True when a file has a sector that is not as it was written.</summary>
    public bool IsDamaged => _names.Values.Any(file => file.IsDamaged);

    /// <summary>The machine stops before the operation so many from now that changes something; 0 is the next.</summary>
    public void StopAfter(int operations) => _countdown = operations;

    /// <summary>What was to fail next, or stop the machine, does not.</summary>
    public void CancelFaults()
    {
        (FailNextWrite, FailNextFlush) = (false, false);
        _countdown = long.MaxValue;
    }

    /// <inheritdoc/>
    public void CreateFolder(string path) => Change();

    /// <inheritdoc/>
    public bool FileExists(string path) => _names.ContainsKey(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> ListFiles(string folder) =>
        [.. _names.Keys.Where(path => IsIn(folder, path)).Select(path => Path.GetFileName(path))];

    /// <inheritdoc/>
    public IDiskFile Open(string path, DiskFileMode mode)
    {
        if (mode == DiskFileMode.CreateNew)
        {
            Change();
            if (_names.ContainsKey(path))
            {
                throw new IOException($"{path} exists.");
            }

            var file = new SimulatedFile();
            _names.Add(path, file);
            _pending.Add(new NameChange(null, path, file));
        }

        return new OpenFile(this, path, Find(path), mode != DiskFileMode.Read, _process);
    }

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        Change();
        SimulatedFile file = Find(from);
        _names.Remove(from);
        _names[to] = file;
        _pending.Add(new NameChange(from, to, file));
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        Change();
        if (_names.Remove(path))
        {
            _pending.Add(new NameChange(path, null, null));
        }
    }

    /// <inheritdoc/>
    public void FlushFolder(string folder)
    {
        Change();
        FailFlushIfTold();
        for (int i = 0; i < _pending.Count;)
        {
            NameChange change = _pending[i];
            if (IsIn(folder, change.From ?? change.To!))
            {
                change.Apply(_durableNames);
                _pending.RemoveAt(i);
            }
            else
            {
                i++;
            }
        }
    }

    /// <summary>The process ended, and the machine goes on: whatever was written can be read; its files are closed.</summary>
    public void EndProcess()
    {
        _process++;
        (FailNextWrite, FailNextFlush) = (false, false);
    }

    /// <summary>The machine lost its power and has it again. True when something written was lost.</summary>
    public bool LosePower(SimulationRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        EndProcess();
        HasStopped = false;
        _countdown = long.MaxValue;
        bool lost = false;
        foreach (NameChange change in _pending)
        {
            if (random.Next(2) == 1)
            {
                change.Apply(_durableNames);
            }
            else
            {
                lost = true;
            }
        }

        _pending.Clear();
        _names.Clear();
        foreach ((string path, SimulatedFile file) in _durableNames)
        {
            _names.Add(path, file);
            lost |= file.LosePower(random);
        }

        return lost;
    }

    /// <summary>Turns one bit of something durable. False when nothing is.</summary>
    public bool FlipBit(SimulationRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        List<SimulatedFile> files = [.. _names.Values];
        return files.Count > 0 && random.Pick(files).FlipBit(random);
    }

    /// <summary>Puts every flipped bit right that was not written over.</summary>
    public void Repair()
    {
        foreach (SimulatedFile file in _names.Values)
        {
            file.Repair();
        }
    }

    private static bool IsIn(string folder, string path) =>
        path.Length > folder.Length + 1
        && path.StartsWith(folder, StringComparison.Ordinal)
        && path[folder.Length] == Path.DirectorySeparatorChar
        && path.IndexOf(Path.DirectorySeparatorChar, folder.Length + 1) < 0;

    private SimulatedFile Find(string path) => _names.TryGetValue(path, out SimulatedFile? file) ? file : throw new FileNotFoundException("No such file.", path);

    private void Change()
    {
        if (HasStopped || _countdown-- <= 0)
        {
            HasStopped = true;
            throw new SimulatedCrashException();
        }
    }

    private void FailFlushIfTold()
    {
        if (FailNextFlush)
        {
            FailNextFlush = false;
            throw new IOException("The simulated disk failed to flush.");
        }
    }

    private sealed record NameChange(string? From, string? To, SimulatedFile? File)
    {
        public void Apply(SortedDictionary<string, SimulatedFile> names)
        {
            if (From is not null)
            {
                names.Remove(From);
            }

            if (To is not null)
            {
                names[To] = File!;
            }
        }
    }

    private sealed class OpenFile(SimulatedDisk disk, string path, SimulatedFile file, bool writable, uint process) : IDiskFile
    {
        private bool _closed;

        public long Length => file.Length;

        public int Read(long offset, Span<byte> buffer)
        {
            ThrowIfClosed();
            return file.Read(offset, buffer);
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            BeginChange();
            if (disk.FailNextWrite)
            {
                disk.FailNextWrite = false;
                long whole = (offset + (bytes.Length / 2)) / SimulatedFile.SectorBytes * SimulatedFile.SectorBytes;
                file.Write(offset, bytes[..(int)Math.Max(0, whole - offset)]);
                throw new IOException($"The simulated disk failed to write {path}.");
            }

            ThrowIfNoRoom(offset + bytes.Length);
            file.Write(offset, bytes);
        }

        public void AllocateZeroed(long offset, long length)
        {
            BeginChange();
            ThrowIfNoRoom(offset + length);
            file.AllocateZeroed(offset, length);
        }

        public void Reserve(long offset, long length)
        {
            BeginChange();
            ThrowIfNoRoom(offset + length);
            file.Reserve(offset, length);
        }

        public void BypassMemory()
        {
        }

        public void NoReadAhead()
        {
        }

        public void WriteBack(long offset, long length) => BeginChange();

        public void Flush()
        {
            BeginChange();
            if (disk.FailNextFlush)
            {
                file.FailFlush();
            }

            disk.FailFlushIfTold();
            file.Flush();
        }

        public void Dispose() => _closed = true;

        private void BeginChange()
        {
            ThrowIfClosed();
            if (!writable)
            {
                throw new IOException($"{path} is open for reading only.");
            }

            disk.Change();
        }

        private void ThrowIfNoRoom(long end)
        {
            long longer = end - file.Length;
            if (longer > 0 && disk.UsedBytes + longer > disk.CapacityBytes)
            {
                throw new DiskFullException(path);
            }
        }

        private void ThrowIfClosed() => ObjectDisposedException.ThrowIf(_closed || process != disk._process, this);
    }
}
