using System.Text;
using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

public sealed class NodeIdentityFileTests
{
    private static readonly NodeIdentity Identity = new("prod \"a\"", new NodeId(3));

    private static readonly string File = Path.Combine("data", NodeIdentityFile.FileName);

    private readonly FaultyDisk _disk = new();

    [Fact]
    public void A_folder_is_nobodys_until_it_is_written_and_then_this_nodes_for_ever()
    {
        Assert.False(NodeIdentityFile.Check(_disk, "data", Identity));
        NodeIdentityFile.Write(_disk, "data", Identity);
        NodeIdentityFile.Write(_disk, "data", Identity);
        Assert.True(NodeIdentityFile.Check(_disk, "data", Identity));
        Assert.Equal(Identity, NodeIdentityFile.Read(_disk, "data"));
        Assert.Equal([File], _disk.Files);
        Assert.Equal("{\"format\":1,\"cluster\":\"prod \\u0022a\\u0022\",\"node\":3}\n", Encoding.UTF8.GetString(_disk.Bytes(File)));
    }

    [Fact]
    public void The_first_members_are_kept_as_they_were_whatever_is_said_later()
    {
        MemberAddress[] founders = [new(new NodeId(1), "127.0.0.1:7201", "http://127.0.0.1:7101", false), new(new NodeId(3), "127.0.0.1:7203", null, false)];
        NodeIdentityFile.Write(_disk, "data", Identity with { Founders = [.. founders] });
        NodeIdentityFile.Write(_disk, "data", Identity with { Founders = [founders[0]] });

        NodeIdentity kept = NodeIdentityFile.Find(_disk, "data", Identity)!;

        Assert.Equal(founders, kept.FoundersOr([]).AsEnumerable());
        Assert.Equal(
            "{\"format\":1,\"cluster\":\"prod \\u0022a\\u0022\",\"node\":3,\"founders\":[{\"id\":1,\"peer\":\"127.0.0.1:7201\",\"http\":\"http://127.0.0.1:7101\"},{\"id\":3,\"peer\":\"127.0.0.1:7203\"}]}\n",
            Encoding.UTF8.GetString(_disk.Bytes(File)));
    }

    [Fact]
    public void A_node_that_joined_founds_nothing_whatever_is_configured_later()
    {
        MemberAddress configured = new(new NodeId(3), "127.0.0.1:7203", null, false);
        NodeIdentityFile.Write(_disk, "data", Identity with { Founders = [] });

        Assert.Empty(NodeIdentityFile.Find(_disk, "data", Identity)!.FoundersOr([configured]));
        Assert.Equal([configured], Identity.FoundersOr([configured]).AsEnumerable());
    }

    [Fact]
    public void The_folder_of_another_node_or_swarm_is_refused()
    {
        NodeIdentityFile.Write(_disk, "data", Identity);

        Assert.Throws<WrongFolderException>(() => NodeIdentityFile.Check(_disk, "data", Identity with { Node = new NodeId(2) }));
        Assert.Throws<WrongFolderException>(() => NodeIdentityFile.Check(_disk, "data", Identity with { Cluster = "other" }));
        Assert.Throws<WrongFolderException>(() => NodeIdentityFile.Write(_disk, "data", Identity with { Cluster = "other" }));
        Assert.True(NodeIdentityFile.Check(_disk, "data", Identity));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("{\"format\":2,\"cluster\":\"a\",\"node\":3}")]
    [InlineData("{\"format\":1,\"cluster\":\"a\",\"node\":-3}")]
    [InlineData("{\"format\":1,\"cluster\":3,\"node\":3}")]
    [InlineData("{\"format\":1,\"cluster\":null,\"node\":3}")]
    [InlineData("{\"format\":1,\"cluster\":\"a\",\"node\":0}")]
    [InlineData("{\"format\":1,\"cluster\":\"a\"")]
    public void A_file_that_cannot_be_understood_is_refused_and_not_overwritten(string text)
    {
        _disk.Put(File, Encoding.UTF8.GetBytes(text));

        Assert.Throws<WrongFolderException>(() => NodeIdentityFile.Check(_disk, "data", Identity));
        Assert.Throws<WrongFolderException>(() => NodeIdentityFile.Write(_disk, "data", Identity));
        Assert.Equal(text, Encoding.UTF8.GetString(_disk.Bytes(File)));
    }

    [Fact]
    public void A_file_that_is_much_too_large_is_not_read()
    {
        _disk.Put(File, new byte[1_000_000]);

        Assert.Throws<WrongFolderException>(() => NodeIdentityFile.Read(_disk, "data"));
        Assert.Equal(0, _disk.BytesRead);
    }

    [Fact]
    public void A_name_that_its_writer_left_in_memory_only_is_durable_once_the_folder_was_used_again()
    {
        _disk.FailNextFolderFlush = true;
        Assert.Throws<IOException>(() => NodeIdentityFile.Write(_disk, "data", Identity));

        NodeIdentityFile.Write(_disk, "data", Identity);

        Assert.True(NodeIdentityFile.Check(_disk.AfterCrash(_ => 0), "data", Identity));
    }

    [Fact]
    public void After_a_power_loss_at_any_operation_it_is_whole_or_not_there_and_once_written_it_stays()
    {
        for (var stop = 0; ; stop++)
        {
            var disk = new FaultyDisk { StopBeforeOperation = stop };
            var written = Written(disk);
            var ways = 0;
            for (var choices = new Choices(); ways == 0 || choices.Next(); ways++)
            {
                var crashed = disk.AfterCrash(choices.Choose);
                Assert.True(NodeIdentityFile.Check(crashed, "data", Identity) || !written);
                NodeIdentityFile.Write(crashed, "data", Identity);
                Assert.True(NodeIdentityFile.Check(crashed, "data", Identity));
            }

            if (written)
            {
                return;
            }
        }
    }

    private static bool Written(FaultyDisk disk)
    {
        try
        {
            NodeIdentityFile.Write(disk, "data", Identity);
            return true;
        }
        catch (SimulatedCrash)
        {
            return false;
        }
    }
}

public sealed class FolderLockTests
{
    [Fact]
    public void A_folder_is_locked_once_and_free_again_afterwards()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "a", "b");
        using (FolderLock.Acquire(path))
        {
            var refused = Assert.Throws<FolderInUseException>(() => FolderLock.Acquire(path));
            Assert.Equal((path, Environment.ProcessId), (refused.Folder, refused.ProcessId));
            Assert.Contains(path, refused.Message, StringComparison.Ordinal);
        }

        using var again = FolderLock.Acquire(path);
        again.Dispose();
        again.Dispose();
        FolderLock.Acquire(path).Dispose();
    }

    [Fact]
    public void A_file_left_by_a_process_that_died_locks_nothing()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, FolderLock.FileName), "4242");

        using var taken = FolderLock.Acquire(folder.Path);

        Assert.Equal(Environment.ProcessId, Assert.Throws<FolderInUseException>(() => FolderLock.Acquire(folder.Path)).ProcessId);
    }
}
