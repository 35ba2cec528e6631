namespace Converge.Swarm.Storage;

/// <summary>One segment file as the log knows it. Everything that changes is guarded by the log's gate.</summary>
internal sealed class Segment(SegmentHeader header, string path)
{
    public SegmentHeader Header { get; } = header;

    public string Path { get; } = path;

    public ulong FirstNumber => Header.FirstNumber;

    /// <summary>The number after its last record that may be read.</summary>
    public ulong EndNumber { get; set; } = header.FirstNumber;

    /// <summary>Open while it is written, read or lately read.</summary>
    public IDiskFile? File { get; set; }

    /// <summary>Known while the file is open, once somebody needed it.</summary>
    public SparseIndex? Index { get; set; }

    public int Readers { get; set; }

    /// <summary>When it was last read, as a count of reads.</summary>
    public long LastUse { get; set; }

    /// <summary>Its file is deleted; the last reader closes it.</summary>
    public bool Removed { get; set; }

    public void Close()
    {
        File?.Dispose();
        File = null;
        Index = null;
    }
}
