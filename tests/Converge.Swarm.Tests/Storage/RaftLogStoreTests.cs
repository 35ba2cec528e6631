using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

/// <summary>The Raft log of the in-box host, on a disk; a crash is a closed file.</summary>
public sealed class RaftLogStoreOnThePhysicalDiskTests : RaftLogContract
{
    protected override IRaftLogUnderTest NewLog()
    {
        var folder = new TemporaryFolder();
        return new RaftLogStoreUnderTest(PhysicalDisk.Instance, folder.Path, (disk, _) => disk, folder);
    }
}

/// <summary>The same on a disk that loses and tears what was not flushed.</summary>
public sealed class RaftLogStoreOnAFaultyDiskTests : RaftLogContract
{
    protected override IRaftLogUnderTest NewLog() =>
        new RaftLogStoreUnderTest(new FaultyDisk(), "data", (disk, seed) => ((FaultyDisk)disk).AfterCrash(Choices.Seeded(seed)), owned: null);
}

/// <summary>What is particular to the store on the segmented log.</summary>
public sealed class RaftLogStoreTests
{
    private static readonly RaftLogStoreOptions Small = new() { SegmentBytes = 4096, MaxGroupBytes = 2048, MaxBatchBytes = 1900 };

    private readonly FaultyDisk _disk = new();

    [Fact]
    public void As_many_batches_as_fit_are_taken_at_once_and_the_rest_is_for_the_next_call()
    {
        using var store = RaftLogStore.Open(_disk, "data", Small, out _);
        var batches = Enumerable.Range(1, 10).Select(i => Batch((ulong)i, 400)).ToList();
        var calls = new List<int>();

        while (batches.Count > 0)
        {
            calls.Add(store.Append(batches));
            store.Flush();
            batches.RemoveRange(0, calls[^1]);
        }

        Assert.Equal([4, 4, 2], calls);
        store.Dispose();
        using var reopened = RaftLogStore.Open(_disk, "data", Small, out var recovered);
        Assert.Equal(10, recovered.Entries.Count);
        Assert.Equal(10ul, reopened.Verify());
    }

    [Fact]
    public void A_batch_that_is_too_large_is_refused_when_it_comes_first_and_nothing_changes()
    {
        using var store = RaftLogStore.Open(_disk, "data", Small, out _);

        Assert.Equal(1, store.Append([Batch(1, 10), Batch(2, 1900)]));
        store.Flush();
        var refused = Assert.Throws<RecordTooLargeException>(() => store.Append([Batch(2, 1900)]));
        Assert.Equal(1900, refused.MaxBytes);
        Assert.Equal(new LogIndex(1), store.Outline.LastIndex);
        Assert.Equal(1, store.Append([Batch(2, 10)]));
    }

    [Fact]
    public void No_room_on_the_disk_leaves_the_outline_as_it_was()
    {
        using var store = RaftLogStore.Open(_disk, "data", Small, out _);
        store.Append([Batch(1, 1800)]);
        store.Flush();
        _disk.CapacityBytes = 5000;

        Assert.Throws<DiskFullException>(() => store.Append([Batch(2, 1800)]));
        Assert.Equal(new LogIndex(1), store.Outline.LastIndex);
        _disk.CapacityBytes = long.MaxValue;
        store.Append([Batch(2, 1800)]);
        store.Flush();
        Assert.Equal(new LogIndex(2), store.Outline.LastIndex);
    }

    [Fact]
    public void Files_go_when_a_mark_has_made_all_in_them_obsolete()
    {
        using var store = RaftLogStore.Open(_disk, "data", Small, out _);
        for (var i = 1ul; i <= 20; i++)
        {
            store.Append([Batch(i, 900)]);
            store.Flush();
        }

        var before = _disk.Files.Count;
        store.RemoveObsolete();
        Assert.Equal(before, _disk.Files.Count);
        Mark(store, 15);
        store.RemoveObsolete();
        Assert.InRange(_disk.Files.Count, 2, before - 4);
        Mark(store, 20);
        store.RemoveObsolete();
        Assert.Single(_disk.Files, file => file.EndsWith(".segment", StringComparison.Ordinal));
        store.Dispose();

        using var reopened = RaftLogStore.Open(_disk, "data", Small, out var recovered);
        Assert.Empty(recovered.Entries);
        Assert.Equal(new LogIndex(20), recovered.Mark.Index);
        Assert.Equal(new DurableState(new Term(1), NodeId.None, new LogIndex(20)), recovered.State);
    }

    [Fact]
    public void What_a_truncation_took_back_does_not_keep_files()
    {
        using var store = RaftLogStore.Open(_disk, "data", Small, out _);
        store.Append([Batch(1, 900)]);
        store.Flush();
        for (var i = 0; i < 10; i++)
        {
            store.Append([store.Outline.Storing(null, [new LogEntry(new LogIndex(2), new Term(1), 0, new byte[900])])]);
            store.Flush();
        }

        Mark(store, 1);
        store.RemoveObsolete();

        Assert.InRange(_disk.Files.Count, 1, 2);
        store.Dispose();
        using var reopened = RaftLogStore.Open(_disk, "data", Small, out var recovered);
        Assert.Equal(new LogIndex(2), Assert.Single(recovered.Entries).Index);
    }

    [Fact]
    public void Segments_that_are_gone_without_a_mark_are_damage()
    {
        using (var store = RaftLogStore.Open(_disk, "data", Small, out _))
        {
            for (var i = 1ul; i <= 10; i++)
            {
                store.Append([Batch(i, 900)]);
                store.Flush();
            }
        }

        _disk.Lose(_disk.Files[0]);

        var damage = Assert.Throws<LogDamagedException>(() => RaftLogStore.Open(_disk, "data", Small, out _));
        Assert.Equal(_disk.Files[0], damage.File);
    }

    [Fact]
    public void An_empty_last_segment_without_those_before_it_is_damage()
    {
        var store = RaftLogStore.Open(_disk, "data", Small, out _);
        store.Append([Batch(1, 1800)]);
        store.Flush();

        // The new segment is there, the old one sealed, and the machine stops before the first write into the new one.
        _disk.StopBeforeOperation = _disk.Operations + 9;
        Assert.Throws<LogFailedException>(() => store.Append([Batch(2, 1800)]));
        store.Dispose();
        _disk.Restart();
        Assert.Equal(2, _disk.Files.Count);
        _disk.Lose(_disk.Files[0]);

        var damage = Assert.Throws<LogDamagedException>(() => RaftLogStore.Open(_disk, "data", Small, out _));
        Assert.Equal((_disk.Files[0], 512), (damage.File, damage.Offset));
    }

    [Fact]
    public void A_whole_record_that_makes_no_sense_is_damage_and_says_where()
    {
        var folder = Path.Combine("data", RaftLogStore.FolderName);
        using (var log = SegmentedLog.Open(_disk, folder, new SegmentedLogOptions { Purpose = RaftLogStore.Purpose, SegmentBytes = 4096, MaxGroupBytes = 2048, MaxRecordBytes = 1900 }))
        {
            log.Append([LogBatchCodec.Encode(Batch(1, 10))]);
            log.Flush();
            log.Append([LogBatchCodec.Encode(Batch(3, 10))]);
            log.Flush();
        }

        var damage = Assert.Throws<LogDamagedException>(() => RaftLogStore.Open(_disk, "data", Small, out _));

        Assert.Equal((_disk.Files[0], 640), (damage.File, damage.Offset));
        Assert.IsType<LogOrderException>(damage.InnerException);
        Assert.Equal(0, _disk.OpenFiles);
    }

    [Fact]
    public void A_lost_log_is_not_taken_for_a_new_one()
    {
        Assert.Throws<LogDamagedException>(() => RaftLogStore.Open(_disk, "data", Small with { MustExist = true }, out _));
    }

    [Fact]
    public void The_last_segment_that_is_missing_is_damage_and_not_an_older_log()
    {
        using (var store = RaftLogStore.Open(_disk, "data", Small, out _))
        {
            for (var i = 1ul; i <= 10; i++)
            {
                store.Append([Batch(i, 900)]);
                store.Flush();
            }
        }

        var last = _disk.Files[^1];
        _disk.Lose(last);

        Assert.Equal(last, Assert.Throws<LogDamagedException>(() => RaftLogStore.Open(_disk, "data", Small, out _)).File);
    }

    private static LogBatch Batch(ulong index, int bytes) => new()
    {
        State = new DurableState(new Term(1), NodeId.None, LogIndex.Zero),
        Entries = [new LogEntry(new LogIndex(index), new Term(1), 0, new byte[bytes])],
    };

    private static void Mark(RaftLogStore store, ulong index)
    {
        store.Append([store.Outline.Marking(new DurableState(new Term(1), NodeId.None, new LogIndex(index)), new SnapshotMark(new LogIndex(index), new Term(1)))]);
        store.Flush();
    }
}

internal sealed class RaftLogStoreUnderTest(IDisk disk, string folder, Func<IDisk, int, IDisk> crash, IDisposable? owned) : IRaftLogUnderTest
{
    private static readonly RaftLogStoreOptions Options = new() { SegmentBytes = 8192, MaxGroupBytes = 4096, MaxBatchBytes = 3500 };

    private IDisk _disk = disk;
    private RaftLogStore? _store;

    private RaftLogStore Store => _store ?? throw new InvalidOperationException("Not open.");

    public ValueTask<LogModel> OpenAsync()
    {
        _store?.Dispose();
        _store = RaftLogStore.Open(_disk, folder, Options, out var recovered);
        return ValueTask.FromResult(recovered);
    }

    public ValueTask StoreAsync(params LogBatch[] batches)
    {
        for (var rest = batches; rest.Length > 0;)
        {
            rest = rest[Store.Append(rest)..];
            Store.Flush();
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask BeginStoringAsync(params LogBatch[] batches)
    {
        Store.Append(batches);
        return ValueTask.CompletedTask;
    }

    public ValueTask RemoveObsoleteAsync()
    {
        Store.RemoveObsolete();
        return ValueTask.CompletedTask;
    }

    public ValueTask CloseAsync()
    {
        Store.Dispose();
        _store = null;
        return ValueTask.CompletedTask;
    }

    public ValueTask CrashAsync(int seed)
    {
        _disk = crash(_disk, seed);
        return CloseAsync();
    }

    public ValueTask DisposeAsync()
    {
        _store?.Dispose();
        owned?.Dispose();
        return ValueTask.CompletedTask;
    }
}
