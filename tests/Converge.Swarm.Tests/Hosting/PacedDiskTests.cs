using Converge.Swarm.Actors;
using Converge.Swarm.Hosting;
using Converge.Swarm.Storage;
using Converge.Swarm.Tests.Client;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Hosting;

public sealed class PacedDiskTests
{
    private readonly FaultyDisk _disk = new();
    private readonly ManualTime _time = new();
    private readonly List<TimeSpan> _rests = [];
    private readonly SnapshotPace _pace = new();
    private readonly PacedDisk _paced;

    public PacedDiskTests() => _paced = new PacedDisk(_disk, _pace, _time, _rests.Add);

    [Fact]
    public void After_a_while_there_is_a_rest_several_times_as_long()
    {
        using IDiskFile file = _paced.Open("f", DiskFileMode.CreateNew);
        for (int i = 0; i < 5; i++)
        {
            _time.Advance(PacedDisk.LeastWork / 2);
            file.Write(i, [1]);
        }

        Assert.Equal(Enumerable.Repeat(PacedDisk.LeastWork * PacedDisk.RestPerWork, 2), _rests);
    }

    [Fact]
    public void Reading_is_work_too_and_the_rest_itself_is_none()
    {
        using IDiskFile file = new PacedDisk(_disk, _pace, _time, rest =>
        {
            _rests.Add(rest);
            _time.Advance(rest);
        }).Open("f", DiskFileMode.CreateNew);
        file.Write(0, [1]);
        for (int i = 0; i < 3; i++)
        {
            _time.Advance(PacedDisk.LeastWork);
            Assert.Equal(1, file.Read(0, new byte[1]));
        }

        Assert.Equal(Enumerable.Repeat(PacedDisk.LeastWork * PacedDisk.RestPerWork, 3), _rests);
    }

    [Fact]
    public void Nobody_rests_for_the_time_before_the_file_was_opened_or_for_long()
    {
        _time.Advance(TimeSpan.FromHours(1));
        using IDiskFile file = _paced.Open("f", DiskFileMode.CreateNew);
        file.Write(0, [1]);
        Assert.Empty(_rests);

        _time.Advance(TimeSpan.FromHours(1));
        file.Write(0, [1]);
        Assert.Equal(PacedDisk.LongestRest, Assert.Single(_rests));
    }

    [Fact]
    public void Who_is_in_a_hurry_does_not_rest()
    {
        using IDiskFile file = _paced.Open("f", DiskFileMode.CreateNew);
        _time.Advance(PacedDisk.LeastWork);
        file.Write(0, [1]);
        Assert.Single(_rests);

        _pace.Hurry();
        _time.Advance(PacedDisk.LeastWork);
        file.Write(0, [1]);
        Assert.Single(_rests);
    }

    [Fact]
    public void What_is_done_on_it_is_done_on_the_disk()
    {
        _paced.CreateFolder("a");
        using (IDiskFile file = _paced.Open("a/f", DiskFileMode.CreateNew))
        {
            file.BypassMemory();
            file.NoReadAhead();
            file.AllocateZeroed(0, 10);
            file.Reserve(10, 10);
            file.Write(3, [7]);
            file.WriteBack(0, 10);
            file.Flush();
            Assert.Equal(20, file.Length);
        }

        _paced.FlushFolder("a");
        _paced.Rename("a/f", "a/g");
        Assert.True(_paced.FileExists("a/g"));
        Assert.Equal(["g"], _paced.ListFiles("a"));
        Assert.Equal(7, _disk.Bytes("a/g")[3]);
        _paced.Delete("a/g");
        Assert.False(_disk.FileExists("a/g"));
    }
}
