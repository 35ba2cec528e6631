using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

public sealed class PhysicalDiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly PhysicalDisk _disk = PhysicalDisk.Instance;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back_and_reading_ends_with_the_file()
    {
        using (var file = _disk.Open(InFolder("a"), DiskFileMode.CreateNew))
        {
            file.Write(3, [1, 2, 3]);
            file.Flush();
            Assert.Equal(6, file.Length);
        }

        using var again = _disk.Open(InFolder("a"), DiskFileMode.Read);
        var buffer = new byte[10];
        Assert.Equal(6, again.Read(0, buffer));
        Assert.Equal([0, 0, 0, 1, 2, 3], buffer[..6]);
        Assert.Equal(1, again.Read(5, buffer));
        Assert.Equal(0, again.Read(6, buffer));
    }

    [Fact]
    public void What_is_allocated_is_zeros_whatever_was_there_and_the_rest_stays()
    {
        const int Length = (3 * 1024 * 1024) + 512;
        using (var file = _disk.Open(InFolder("a"), DiskFileMode.CreateNew))
        {
            file.Write(0, [1, 2, 3]);
            file.AllocateZeroed(1, Length - 1);
            Assert.Equal(Length, file.Length);
            file.AllocateZeroed(512, 512);
            Assert.Equal(Length, file.Length);
        }

        var bytes = File.ReadAllBytes(InFolder("a"));
        Assert.Equal(1, bytes[0]);
        Assert.False(bytes.AsSpan(1).ContainsAnyExcept((byte)0));
    }

    /// <summary>Whether a piece goes past the system's memory depends on where it begins and ends, and in what order pieces come; what is read never does.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_file_that_bypasses_memory_is_as_any_other(int seed)
    {
        const int Length = 256 * 1024;
        var random = new Random(seed);
        var memory = new AlignedBytes(Length);
        var expected = new byte[Length];
        using (var file = _disk.Open(InFolder("a"), DiskFileMode.CreateNew))
        {
            file.BypassMemory();
            file.AllocateZeroed(0, Length);
            for (int i = 0; i < 200; i++)
            {
                int unit = random.Next(3) == 0 ? 1 : 512;
                int from = random.Next(Length / unit) * unit;
                int count = random.Next(1, Math.Min(16 * 1024, Length - from + unit) / unit) * unit;
                Span<byte> piece = memory.Span[random.Next(2)..][..Math.Min(count, Length - from)];
                if (random.Next(2) == 0)
                {
                    random.NextBytes(piece);
                    file.Write(from, piece);
                    piece.CopyTo(expected.AsSpan(from));
                }
                else
                {
                    Assert.Equal(piece.Length, file.Read(from, piece));
                    Assert.True(piece.SequenceEqual(expected.AsSpan(from, piece.Length)));
                }
            }

            file.Flush();
        }

        Assert.Equal(expected, File.ReadAllBytes(InFolder("a")));
    }

    [Fact]
    public void A_file_that_bypasses_memory_ends_where_it_ends()
    {
        byte[] written = new byte[5000];
        new Random(1).NextBytes(written);
        File.WriteAllBytes(InFolder("a"), written);
        var memory = new AlignedBytes(8192);
        using var file = _disk.Open(InFolder("a"), DiskFileMode.Read);
        file.BypassMemory();
        Assert.Equal(5000, file.Read(0, memory.Span));
        Assert.Equal(written, memory.Span[..5000]);
        Assert.Equal(904, file.Read(4096, memory.Span[..1024]));
        Assert.Equal(0, file.Read(8192, memory.Span));
    }

    [Fact]
    public void Blocks_hold_what_stands_in_the_file_wherever_one_asks()
    {
        byte[] written = new byte[(3 * 1024 * 1024) + 700];
        new Random(1).NextBytes(written);
        File.WriteAllBytes(InFolder("a"), written);
        using var file = _disk.Open(InFolder("a"), DiskFileMode.Read);
        var blocks = new BlockReader(file);
        foreach ((long offset, int bytes) in ((long, int)[])[
            (0, 1), (1024 * 1024 - 10, 20), (1024 * 1024 - 10, 2 * 1024 * 1024), (3 * 1024 * 1024, 700), (5, 100), (written.Length - 1, 1), (written.Length - 1, 500)])
        {
            ReadOnlySpan<byte> found = blocks.At(offset, bytes);
            Assert.True(found.Length >= Math.Min(bytes, written.Length - offset));
            Assert.True(found.SequenceEqual(written.AsSpan((int)offset, found.Length)));
        }

        Assert.True(blocks.At(written.Length, 1).IsEmpty);
    }

    [Fact]
    public void What_is_reserved_is_zeros_that_can_be_written_and_what_is_written_back_stays()
    {
        const int Length = 5 * 1024 * 1024;
        var written = new byte[3 * 1024 * 1024];
        new Random(1).NextBytes(written);
        using (var file = _disk.Open(InFolder("a"), DiskFileMode.CreateNew))
        {
            file.Write(0, [1, 2, 3]);
            file.Reserve(3, Length - 3);
            Assert.Equal(Length, file.Length);
            file.Write(1000, written);
            file.WriteBack(0, 1024 * 1024);
            file.WriteBack(1024 * 1024, 3 * 1024 * 1024);
            file.Write(10, [4]);
            file.Flush();
        }

        var bytes = File.ReadAllBytes(InFolder("a"));
        Assert.Equal(Length, bytes.Length);
        Assert.Equal([1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0], bytes[..12]);
        Assert.Equal(written, bytes[1000..(1000 + written.Length)]);
        Assert.False(bytes.AsSpan(1000 + written.Length).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void A_new_file_must_be_new_and_an_existing_one_there()
    {
        _disk.Open(InFolder("a"), DiskFileMode.CreateNew).Dispose();

        Assert.Throws<IOException>(() => _disk.Open(InFolder("a"), DiskFileMode.CreateNew));
        Assert.Throws<FileNotFoundException>(() => _disk.Open(InFolder("b"), DiskFileMode.ReadWrite));
        Assert.Throws<FileNotFoundException>(() => _disk.Open(InFolder("b"), DiskFileMode.Read));
    }

    [Fact]
    public void Folders_are_made_with_their_parents_and_files_listed_in_ordinal_order()
    {
        var folder = Path.Combine(InFolder("x"), "y", "z");
        Assert.Empty(_disk.ListFiles(folder));
        _disk.CreateFolder(folder);
        _disk.CreateFolder(folder);
        foreach (var name in new[] { "b", "a", "B", "_" })
        {
            _disk.Open(Path.Combine(folder, name), DiskFileMode.CreateNew).Dispose();
        }

        _disk.CreateFolder(Path.Combine(folder, "sub"));
        Assert.Equal(["B", "_", "a", "b"], _disk.ListFiles(folder));
        _disk.Rename(Path.Combine(folder, "a"), Path.Combine(folder, "b"));
        _disk.Delete(Path.Combine(folder, "B"));
        _disk.FlushFolder(folder);
        Assert.Equal(["_", "b"], _disk.ListFiles(folder));
        Assert.True(_disk.FileExists(Path.Combine(folder, "b")));
        Assert.False(_disk.FileExists(Path.Combine(folder, "a")));
    }

    [Fact]
    public void A_folder_that_is_not_there_cannot_be_flushed()
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Throws<IOException>(() => _disk.FlushFolder(InFolder("nowhere")));
        }
    }

    [Fact]
    public void A_full_disk_is_told_from_other_failures()
    {
        if (OperatingSystem.IsLinux())
        {
            // Every write to this device fails for want of room.
            using var full = _disk.Open("/dev/full", DiskFileMode.ReadWrite);
            Assert.Throws<DiskFullException>(() => full.Write(0, [1]));
        }
    }

    private string InFolder(string name) => Path.Combine(_folder.Path, name);
}
