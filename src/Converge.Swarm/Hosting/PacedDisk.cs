using Converge.Swarm.Actors;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Hosting;

/// <summary>
/// A disk for long work that nobody waits for, such as writing a snapshot: whoever reads or writes there rests after a while, for several times as long as
/// it worked. A low priority keeps such work from the processor, but not from the disk: three nodes that write their snapshots as fast as they can
/// make every flush of a log on that disk wait for them. For one thread at a time.
/// </summary>
/// <remarks>What is worked between two calls counts, too. Nothing else is changed: each call does what it does on the disk itself.</remarks>
/// <param name="disk">The disk itself.</param>
/// <param name="pace">Whether somebody waits for it after all: then there are no rests.</param>
/// <param name="time">Measures the work.</param>
/// <param name="rest">Waits.</param>
internal sealed class PacedDisk(IDisk disk, SnapshotPace pace, TimeProvider time, Action<TimeSpan> rest) : IDisk
{
    /// <summary>Rests are so many times as long as the work before.</summary>
    internal const int RestPerWork = 3;

    /// <summary>Short enough that others wait for little, and long enough for a rest that a system can measure.</summary>
    internal static readonly TimeSpan LeastWork = TimeSpan.FromMilliseconds(2);

    /// <summary>Who could not work, because the machine stood still or the disk was slow, does not rest for that.</summary>
    internal static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(25);

    private long _begun;

    /// <summary>On the system's clock.</summary>
    public PacedDisk(IDisk disk, SnapshotPace pace)
        : this(disk, pace, TimeProvider.System, Thread.Sleep)
    {
    }

    public void CreateFolder(string path) => disk.CreateFolder(path);

    public bool FileExists(string path) => disk.FileExists(path);

    public IReadOnlyList<string> ListFiles(string folder) => disk.ListFiles(folder);

    public IDiskFile Open(string path, DiskFileMode mode)
    {
        _begun = time.GetTimestamp();
        return new PacedFile(disk.Open(path, mode), this);
    }

    public void Rename(string from, string to) => disk.Rename(from, to);

    public void Delete(string path) => disk.Delete(path);

    public void FlushFolder(string folder) => disk.FlushFolder(folder);

    private void Rest()
    {
        TimeSpan worked = time.GetElapsedTime(_begun);
        if (worked >= LeastWork && !pace.IsHurried)
        {
            TimeSpan due = worked * RestPerWork;
            rest(due < LongestRest ? due : LongestRest);
            _begun = time.GetTimestamp();
        }
    }

    private sealed class PacedFile(IDiskFile file, PacedDisk pace) : IDiskFile
    {
        public long Length => file.Length;

        public int Read(long offset, Span<byte> buffer)
        {
            int read = file.Read(offset, buffer);
            pace.Rest();
            return read;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            file.Write(offset, bytes);
            pace.Rest();
        }

        public void AllocateZeroed(long offset, long length) => file.AllocateZeroed(offset, length);

        public void Reserve(long offset, long length) => file.Reserve(offset, length);

        public void WriteBack(long offset, long length) => file.WriteBack(offset, length);

        public void BypassMemory() => file.BypassMemory();

        public void NoReadAhead() => file.NoReadAhead();

        public void Flush() => file.Flush();

        public void Dispose() => file.Dispose();
    }
}
