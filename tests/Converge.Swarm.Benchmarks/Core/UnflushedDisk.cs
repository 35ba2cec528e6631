using Converge.Swarm.Storage;

namespace Converge.Swarm.Benchmarks;

/// <summary>This machine's disk, but nothing is ever made durable: what is left is the cost of everything else.</summary>
internal sealed class UnflushedDisk : IDisk
{
    private readonly PhysicalDisk _disk = PhysicalDisk.Instance;

    public void CreateFolder(string path) => _disk.CreateFolder(path);

    public bool FileExists(string path) => _disk.FileExists(path);

    public IReadOnlyList<string> ListFiles(string folder) => _disk.ListFiles(folder);

    public IDiskFile Open(string path, DiskFileMode mode) => new UnflushedFile(_disk.Open(path, mode));

    public void Rename(string from, string to) => _disk.Rename(from, to);

    public void Delete(string path) => _disk.Delete(path);

    public void FlushFolder(string folder)
    {
    }

    private sealed class UnflushedFile(IDiskFile file) : IDiskFile
    {
        public long Length => file.Length;

        public int Read(long offset, Span<byte> buffer) => file.Read(offset, buffer);

        public void Write(long offset, ReadOnlySpan<byte> bytes) => file.Write(offset, bytes);

        public void AllocateZeroed(long offset, long length) => file.AllocateZeroed(offset, length);

        public void Reserve(long offset, long length) => file.Reserve(offset, length);

        public void BypassMemory() => file.BypassMemory();

        public void NoReadAhead() => file.NoReadAhead();

        public void WriteBack(long offset, long length)
        {
        }

        public void Flush()
        {
        }

        public void Dispose() => file.Dispose();
    }
}
