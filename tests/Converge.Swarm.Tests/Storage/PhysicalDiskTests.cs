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
