namespace Converge.Swarm.Simulation;

/// <summary>
/// The bytes of one file: what the system would give back, and beside it what a loss of power could bring back instead. Only pages that
/// were written exist; the rest reads as zeros.
/// </summary>
internal sealed class SimulatedFile
{
    public const int SectorBytes = 512;
    private const int PageBytes = 4096;

    private byte[]?[] _pages = [];

    /// <summary>The sectors that are not durable, in order, with what the medium has.</summary>
    private readonly SortedList<long, DirtySector> _dirty = [];

    private long _durableLength;

    /// <summary>The sectors that went bad, with what they should be.</summary>
    private readonly SortedList<long, byte[]> _damaged = [];

    /// <summary>Its length in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>True when a sector differs from what was written.</summary>
    public bool IsDamaged => _damaged.Count > 0;

    public int Read(long offset, Span<byte> buffer)
    {
        int count = (int)Math.Clamp(Length - offset, 0, buffer.Length);
        for (int done = 0; done < count;)
        {
            long at = offset + done;
            int inPage = (int)(at % PageBytes);
            int part = Math.Min(count - done, PageBytes - inPage);
            if (Page(at) is { } page)
            {
                page.AsSpan(inPage, part).CopyTo(buffer[done..]);
            }
            else
            {
                buffer.Slice(done, part).Clear();
            }

            done += part;
        }

        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        Length = Math.Max(Length, offset + bytes.Length);
        while (!bytes.IsEmpty)
        {
            long sector = offset / SectorBytes;
            int inSector = (int)(offset % SectorBytes);
            int part = Math.Min(bytes.Length, SectorBytes - inSector);
            Span<byte> current = Sector(sector);
            if (_dirty.TryGetValue(sector, out DirtySector? dirty))
            {
                dirty.Versions.Add(current.ToArray());
                dirty.WillNeverBeWritten = false;
            }
            else
            {
                _dirty.Add(sector, new DirtySector(current.ToArray()));
            }

            _damaged.Remove(sector);
            bytes[..part].CopyTo(current[inSector..]);
            bytes = bytes[part..];
            offset += part;
        }
    }

    /// <summary>Makes a range zeros, durably and at once.</summary>
    public void AllocateZeroed(long offset, long length)
    {
        if (offset < Length)
        {
            Write(offset, new byte[Math.Min(length, Length - offset)]);
            Flush();
        }

        // What was never written is zeros and takes no memory.
        Length = Math.Max(Length, offset + length);
        _durableLength = Length;
    }

    /// <summary>Makes the file longer by zeros; durable with the next flush.</summary>
    public void Reserve(long offset, long length) => Length = Math.Max(Length, offset + length);

    public void Flush()
    {
        _durableLength = Length;
        for (int i = _dirty.Count - 1; i >= 0; i--)
        {
            if (!_dirty.GetValueAtIndex(i).WillNeverBeWritten)
            {
                _dirty.RemoveAt(i);
            }
        }
    }

    /// <summary>A flush failed as on Linux: what was to be written stays readable, counts as clean, and never gets to the medium.</summary>
    public void FailFlush()
    {
        foreach (DirtySector dirty in _dirty.Values)
        {
            dirty.Versions.Clear();
            dirty.WillNeverBeWritten = true;
        }
    }

    /// <summary>The power is gone and comes back: each sector that was not durable is old or new by chance. True when any was lost.</summary>
    public bool LosePower(SimulationRandom random)
    {
        bool lost = false;
        if (Length != _durableLength)
        {
            Length = random.Next(2) == 0 ? _durableLength : random.Between(Math.Min(Length, _durableLength), Math.Max(Length, _durableLength));
        }

        foreach ((long sector, DirtySector dirty) in _dirty)
        {
            // The medium's own, or any of the versions between it and the last one, which is already in place.
            int choice = dirty.WillNeverBeWritten ? 0 : random.Next(dirty.Versions.Count + 2);
            if (choice == 0)
            {
                dirty.Medium.CopyTo(Sector(sector));
                lost = true;
            }
            else if (choice <= dirty.Versions.Count)
            {
                dirty.Versions[choice - 1].CopyTo(Sector(sector));
                lost = true;
            }
        }

        _dirty.Clear();
        _durableLength = Length;
        return lost;
    }

    /// <summary>Turns one bit of a durable sector that was ever written. False when there is none.</summary>
    public bool FlipBit(SimulationRandom random)
    {
        List<long> candidates = [];
        for (int page = 0; page < _pages.Length; page++)
        {
            for (int i = 0; _pages[page] is not null && i < PageBytes / SectorBytes; i++)
            {
                long sector = ((long)page * PageBytes / SectorBytes) + i;
                if (!_dirty.ContainsKey(sector) && !_damaged.ContainsKey(sector) && Sector(sector).ContainsAnyExcept((byte)0))
                {
                    candidates.Add(sector);
                }
            }
        }

        if (candidates.Count == 0)
        {
            return false;
        }

        long chosen = random.Pick(candidates);
        Span<byte> bytes = Sector(chosen);
        _damaged.Add(chosen, bytes.ToArray());
        bytes[random.Next(SectorBytes)] ^= (byte)(1 << random.Next(8));
        return true;
    }

    /// <summary>Puts right what <see cref="FlipBit"/> did, as from a copy of the medium.</summary>
    public void Repair()
    {
        foreach ((long sector, byte[] bytes) in _damaged)
        {
            bytes.CopyTo(Sector(sector));
        }

        _damaged.Clear();
    }

    private byte[]? Page(long offset)
    {
        long page = offset / PageBytes;
        return page < _pages.Length ? _pages[page] : null;
    }

    private Span<byte> Sector(long sector)
    {
        int page = (int)(sector * SectorBytes / PageBytes);
        if (page >= _pages.Length)
        {
            Array.Resize(ref _pages, Math.Max(page + 1, Math.Min(2 * _pages.Length, page + 64)));
        }

        byte[] bytes = _pages[page] ??= new byte[PageBytes];
        return bytes.AsSpan((int)(sector * SectorBytes % PageBytes), SectorBytes);
    }

    private sealed class DirtySector(byte[] medium)
    {
        /// <summary>What the medium has.</summary>
        public byte[] Medium { get; } = medium;

        /// <summary>What was written since, without the last of it.</summary>
        public List<byte[]> Versions { get; } = [];

        public bool WillNeverBeWritten { get; set; }
    }
}
