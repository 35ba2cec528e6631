using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

public sealed class SegmentedLogTests
{
    private readonly FaultyDisk _disk = new();

    [Fact]
    public void A_new_log_is_empty_and_begins_with_record_1()
    {
        using var log = SmallLog.Open(_disk);

        Assert.Equal(1ul, log.FirstNumber);
        Assert.Equal(1ul, log.NextNumber);
        Assert.Empty(log.Read(1, 10, 1000));
        Assert.Equal(new LogRecovery(1, 1, 1, null), log.Recovery);
        Assert.Equal([SmallLog.File(1)], _disk.Files);
    }

    [Fact]
    public void What_was_appended_is_read_back_in_order_now_and_after_reopening()
    {
        var sizes = new[] { 0, 1, 27, 28, 29, 500, 512, 1900, 3, 900, 64, 700, 1900, 1900, 5 };
        using (var log = SmallLog.Open(_disk))
        {
            foreach (var size in sizes)
            {
                log.AppendGroup(size);
            }

            Check(log);
            Assert.True(_disk.Files.Count > 2);
        }

        using var reopened = SmallLog.Open(_disk);
        Check(reopened);
        Assert.Null(reopened.Recovery.TornTail);
        Assert.Equal((ulong)sizes.Length, reopened.Verify());

        void Check(SegmentedLog log)
        {
            var expected = sizes.Select((size, i) => SmallLog.Record((ulong)i + 1, size)).ToList();
            Assert.Equal(expected, log.ReadAll());
            Assert.Equal(expected, log.ReadAll(maxRecords: 1));
            Assert.Equal(expected, log.ReadAll(maxRecords: 3, maxBytes: 600));
        }
    }

    [Fact]
    public void The_records_of_a_group_get_dense_numbers_and_can_be_read_from_the_middle()
    {
        using var log = SmallLog.Open(_disk);
        log.AppendGroup(10, 20, 0, 30);
        log.AppendGroup(40, 50);

        var records = log.Read(3, 3, int.MaxValue);

        Assert.Equal([3ul, 4ul, 5ul], records.Select(record => record.Number));
        Assert.Equal([0, 30, 40], records.Select(record => record.Bytes.Length));
    }

    [Fact]
    public void A_read_stops_at_its_limits_but_gives_at_least_one_record()
    {
        using var log = SmallLog.Open(_disk);
        log.AppendGroup(100, 100, 100);
        log.AppendGroup(100);

        Assert.Equal(2, log.Read(1, 100, 299).Count);
        Assert.Equal(3, log.Read(1, 100, 300).Count);
        Assert.Single(log.Read(2, 100, 1));
        Assert.Equal(2, log.Read(2, 2, int.MaxValue).Count);
    }

    [Fact]
    public void What_is_not_flushed_cannot_be_read()
    {
        using var log = SmallLog.Open(_disk);

        Assert.Equal(1ul, log.Append([SmallLog.Record(1, 10)]));

        Assert.Equal(2ul, log.NextNumber);
        Assert.Equal(1ul, log.DurableNextNumber);
        Assert.Empty(log.Read(1, 1, 1));
        log.Flush();
        Assert.Single(log.Read(1, 1, 1));
    }

    [Fact]
    public void A_second_group_in_flight_is_refused()
    {
        using var log = SmallLog.Open(_disk);
        log.Append([SmallLog.Record(1, 10)]);

        Assert.Throws<InvalidOperationException>(() => log.Append([SmallLog.Record(2, 10)]));
        log.Flush();
        log.AppendGroup(10);
        Assert.Equal(2, log.ReadAll().Count);
    }

    [Fact]
    public void What_is_too_large_or_empty_is_refused_and_nothing_changes()
    {
        using var log = SmallLog.Open(_disk);

        var record = Assert.Throws<RecordTooLargeException>(() => log.Append([new byte[1901]]));
        Assert.Equal((1901, 1900), (record.Bytes, record.MaxBytes));
        Assert.Throws<RecordTooLargeException>(() => log.Append([new byte[1900], new byte[200]]));
        Assert.Throws<ArgumentException>(() => log.Append([]));
        Assert.Equal(1ul, log.NextNumber);
        log.AppendGroup(1900);
    }

    [Fact]
    public void Reading_behind_the_end_is_an_error_and_not_the_end()
    {
        using var log = SmallLog.Open(_disk);
        log.AppendGroup(10);

        Assert.Empty(log.Read(2, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => log.Read(3, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => log.Read(0, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => log.Read(1, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => log.Read(1, 1, 0));
    }

    [Fact]
    public void A_read_error_is_never_taken_for_the_end()
    {
        using var log = SmallLog.Open(_disk);
        log.AppendGroup(10);
        _disk.FailReads = true;

        Assert.Throws<IOException>(() => log.Read(1, 1, 1));
        _disk.FailReads = false;
        Assert.Single(log.Read(1, 1, 1));
    }

    [Fact]
    public void Removal_drops_whole_segments_only_and_says_what_is_left()
    {
        using var log = Filled(12);
        var second = SecondSegment();

        Assert.Equal(1ul, log.RemoveBefore(second - 1));
        Assert.Equal(second, log.RemoveBefore(second));
        Assert.False(_disk.FileExists(SmallLog.File(1)));
        var gone = Assert.Throws<RecordRemovedException>(() => log.Read(1, 1, 1));
        Assert.Equal((1ul, second), (gone.Number, gone.FirstNumber));
        Assert.Equal(12 - (int)second + 1, log.ReadAll().Count);
    }

    [Fact]
    public void Removal_of_everything_keeps_the_segment_in_use_and_the_numbers()
    {
        ulong first;
        using (var log = Filled(12))
        {
            first = log.RemoveBefore(13);
            Assert.Single(_disk.Files, file => file.EndsWith(".segment", StringComparison.Ordinal));
            Assert.Throws<ArgumentOutOfRangeException>(() => log.RemoveBefore(14));
        }

        using var reopened = SmallLog.Open(_disk);
        Assert.Equal(first, reopened.FirstNumber);
        Assert.Equal(13ul, reopened.NextNumber);
        reopened.AppendGroup(10);
        Assert.Equal(14ul, reopened.NextNumber);
    }

    [Fact]
    public async Task A_segment_that_is_being_read_stays_readable_while_it_is_removed()
    {
        using var folder = new TemporaryFolder();
        using var log = SegmentedLog.Open(PhysicalDisk.Instance, folder.Path, SmallLog.Options);
        for (var i = 0; i < 200; i++)
        {
            log.AppendGroup(900);
        }

        var reader = Task.Run(() =>
        {
            var number = 1ul;
            while (number <= 200)
            {
                try
                {
                    foreach (var record in log.Read(number, 3, int.MaxValue))
                    {
                        Assert.Equal(SmallLog.Record(record.Number, 900), record.Bytes.ToArray());
                        number = record.Number + 1;
                    }
                }
                catch (RecordRemovedException e)
                {
                    Assert.True(e.FirstNumber > number);
                    number = e.FirstNumber;
                }
            }
        });
        for (var number = 1ul; number <= 201; number++)
        {
            log.RemoveBefore(number);
        }

        await reader.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Readers_beside_the_writer_see_whole_records_in_order()
    {
        using var folder = new TemporaryFolder();
        using var log = SegmentedLog.Open(PhysicalDisk.Instance, folder.Path, SmallLog.Options);
        const int Groups = 300;
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var number = 1ul;
            while (number <= Groups * 2)
            {
                foreach (var record in log.Read(number, 7, 5000))
                {
                    Assert.Equal(number, record.Number);
                    Assert.Equal(SmallLog.Record(number, 100 + (int)((number - 1) % 2)), record.Bytes.ToArray());
                    number++;
                }
            }
        })).ToArray();
        for (var i = 0; i < Groups; i++)
        {
            log.AppendGroup(100, 101);
        }

        await Task.WhenAll(readers).WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void A_permanent_log_removes_nothing_and_must_begin_with_record_1()
    {
        var permanent = SmallLog.Options with { Permanent = true };
        using (var log = Filled(12))
        {
            log.RemoveBefore(SecondSegment());
        }

        var damage = Assert.Throws<LogDamagedException>(() => SmallLog.Open(_disk, permanent));
        Assert.Equal(SmallLog.File(1), damage.File);

        using var fresh = SmallLog.Open(new FaultyDisk(), permanent);
        fresh.AppendGroup(10);
        Assert.Throws<InvalidOperationException>(() => fresh.RemoveBefore(1));
    }

    [Fact]
    public void A_log_that_must_be_there_and_is_not_is_damage()
    {
        Assert.Throws<LogDamagedException>(() => SmallLog.Open(_disk, SmallLog.Options with { MustExist = true }));
        Assert.Empty(_disk.Files);
        SmallLog.Open(_disk).Dispose();
        SmallLog.Open(_disk, SmallLog.Options with { MustExist = true }).Dispose();
    }

    [Fact]
    public void A_log_of_another_purpose_is_refused()
    {
        SmallLog.Open(_disk).Dispose();

        Assert.Throws<WrongLogException>(() => SmallLog.Open(_disk, SmallLog.Options with { Purpose = "other" }));
    }

    [Theory]
    [InlineData("", 4096, 2048, 1900)]
    [InlineData("a b", 4096, 2048, 1900)]
    [InlineData("abcdefghijklmnopqrstuvwxyz0123456", 4096, 2048, 1900)]
    [InlineData("test", 4097, 2048, 1900)]
    [InlineData("test", 2048, 2048, 1900)]
    [InlineData("test", 4096, 1024, 1900)]
    [InlineData("test", 4096, 2048, 0)]
    [InlineData("test", -4096, -8192, -9000)]
    public void Options_that_do_not_fit_together_are_refused(string purpose, int segmentBytes, int maxGroupBytes, int maxRecordBytes)
    {
        var options = new SegmentedLogOptions { Purpose = purpose, SegmentBytes = segmentBytes, MaxGroupBytes = maxGroupBytes, MaxRecordBytes = maxRecordBytes };

        Assert.Throws<ArgumentException>(() => SmallLog.Open(_disk, options));
        Assert.Empty(_disk.Files);
    }

    [Fact]
    public void The_smallest_segment_that_is_allowed_takes_one_greatest_group()
    {
        var options = new SegmentedLogOptions { Purpose = "test", SegmentBytes = 1536, MaxGroupBytes = 992, MaxRecordBytes = 956 };
        using (var log = SmallLog.Open(_disk, options))
        {
            for (var i = 0; i < 5; i++)
            {
                log.AppendGroup(956);
            }
        }

        using var reopened = SmallLog.Open(_disk, options);
        Assert.Equal(5, reopened.ReadAll().Count);
        Assert.Equal(5ul, reopened.Verify());
    }

    [Fact]
    public void Sizes_may_change_between_openings()
    {
        Filled(12).Dispose();
        var larger = SmallLog.Options with { SegmentBytes = 16384, MaxGroupBytes = 8192, MaxRecordBytes = 8000 };
        using (var log = SmallLog.Open(_disk, larger))
        {
            log.AppendGroup(8000);
            log.AppendGroup(10);
        }

        using var smaller = SmallLog.Open(_disk);
        Assert.Equal(14, smaller.ReadAll().Count);
        smaller.AppendGroup(10);
        Assert.Equal(15ul, smaller.Verify());
    }

    [Fact]
    public void A_segment_prepared_ahead_is_used_without_another_allocation()
    {
        using var log = SmallLog.Open(_disk);
        Assert.False(log.ShouldPrepareNextSegment);
        log.AppendGroup(1900);
        Assert.True(log.ShouldPrepareNextSegment);
        log.PrepareNextSegment();
        log.PrepareNextSegment();
        Assert.False(log.ShouldPrepareNextSegment);
        Assert.Equal(2, _disk.Files.Count);

        _disk.CapacityBytes = 0;
        log.AppendGroup(1900);

        Assert.Equal([SmallLog.File(1), SmallLog.File(2)], _disk.Files);
    }

    [Fact]
    public void A_segment_that_is_removed_becomes_the_next_one_with_nothing_left_of_what_was_in_it()
    {
        using var log = Filled(12);
        string[] segments = [.. _disk.Files];
        log.RemoveBefore(13);
        Assert.Equal([segments[^1], "log/next.preparing"], _disk.Files);

        _disk.CapacityBytes = 0;
        while (_disk.FileExists("log/next.preparing"))
        {
            log.AppendGroup(1900);
        }

        Assert.Equal(2, _disk.Files.Count);
        Assert.Equal(log.NextNumber - log.FirstNumber, log.Verify());
        Assert.Equal(SmallLog.Record(13, 1900), log.Read(13, 1, 1)[0].Bytes.ToArray());
    }

    [Fact]
    public void A_segment_prepared_and_never_used_is_deleted_at_the_next_opening()
    {
        using (var log = SmallLog.Open(_disk))
        {
            log.PrepareNextSegment();
        }

        Assert.Equal(2, _disk.Files.Count);
        SmallLog.Open(_disk).Dispose();
        Assert.Equal([SmallLog.File(1)], _disk.Files);
    }

    [Fact]
    public void No_room_for_a_segment_changes_nothing_and_is_over_when_there_is_room()
    {
        using var log = SmallLog.Open(_disk);
        log.AppendGroup(1900);
        _disk.CapacityBytes = 4096 + 1000;

        Assert.Throws<DiskFullException>(() => log.Append([SmallLog.Record(2, 1900)]));
        Assert.Throws<DiskFullException>(log.PrepareNextSegment);
        Assert.Throws<DiskFullException>(() => log.Append([SmallLog.Record(2, 1900)]));
        Assert.Equal([SmallLog.File(1)], _disk.Files);
        Assert.Equal(2ul, log.NextNumber);
        Assert.Single(log.ReadAll());

        // A smaller group still fits.
        log.AppendGroup(100);
        _disk.CapacityBytes = long.MaxValue;
        log.AppendGroup(1900);
        Assert.Equal(3, log.ReadAll().Count);
        Assert.Equal([SmallLog.File(1), SmallLog.File(3)], _disk.Files);
    }

    [Fact]
    public void No_room_for_the_first_segment_leaves_nothing_behind()
    {
        _disk.CapacityBytes = 1000;

        Assert.Throws<DiskFullException>(() => SmallLog.Open(_disk));
        Assert.Empty(_disk.Files);
        Assert.Equal(0, _disk.OpenFiles);
    }

    [Fact]
    public void A_failed_flush_ends_the_log()
    {
        using var log = SmallLog.Open(_disk);
        log.AppendGroup(10);
        log.Append([SmallLog.Record(2, 10)]);
        _disk.FailNextFlush = true;

        Assert.Throws<LogFailedException>(log.Flush);
        RequireEnded(log);
    }

    [Fact]
    public void A_failed_write_ends_the_log()
    {
        using var log = SmallLog.Open(_disk);
        log.AppendGroup(10);
        _disk.FailNextWrite = true;

        Assert.Throws<LogFailedException>(() => log.Append([SmallLog.Record(2, 10)]));
        RequireEnded(log);
    }

    [Theory]
    [InlineData("header write")]
    [InlineData("header flush")]
    [InlineData("folder flush")]
    public void A_failure_while_a_segment_comes_into_use_ends_the_log(string what)
    {
        using var log = SmallLog.Open(_disk);
        log.AppendGroup(1900);
        log.PrepareNextSegment();
        _disk.FailNextWrite = string.Equals(what, "header write", StringComparison.Ordinal);
        _disk.FailNextFlush = string.Equals(what, "header flush", StringComparison.Ordinal);
        _disk.FailNextFolderFlush = string.Equals(what, "folder flush", StringComparison.Ordinal);

        Assert.Throws<LogFailedException>(() => log.Append([SmallLog.Record(2, 1900)]));
        RequireEnded(log);
        log.Dispose();
        using var reopened = SmallLog.Open(_disk);
        Assert.Single(reopened.ReadAll());
    }

    [Fact]
    public void A_group_whose_flush_failed_and_that_was_found_again_is_truly_durable()
    {
        // The system forgets that the bytes were never written, and shows them to the next process.
        var log = SmallLog.Open(_disk);
        log.AppendGroup(10);
        log.Append([SmallLog.Record(2, 700)]);
        _disk.FailNextFlush = true;
        Assert.Throws<LogFailedException>(log.Flush);
        log.Dispose();

        using (var restarted = SmallLog.Open(_disk))
        {
            Assert.Equal(2, restarted.ReadAll().Count);
        }

        using var afterPowerLoss = SmallLog.Open(_disk.AfterCrash(_ => 0));
        Assert.Equal(2, afterPowerLoss.ReadAll().Count);
    }

    [Fact]
    public void Opening_reads_the_last_segment_and_of_the_others_only_headers()
    {
        Filled(60).Dispose();
        var segments = _disk.Files.Count;
        Assert.True(segments > 10);
        var before = _disk.BytesRead;

        SmallLog.Open(_disk).Dispose();

        Assert.InRange(_disk.BytesRead - before, 1, 512 * segments + 4 * 4096);
    }

    [Fact]
    public void Few_sealed_segments_stay_open()
    {
        using var log = Filled(100);
        log.ReadAll();

        Assert.InRange(_disk.OpenFiles, 1, SegmentedLog.MaxIdleSegments + 1);
    }

    [Fact]
    public void All_files_are_closed_in_the_end()
    {
        Filled(30).Dispose();
        Assert.Equal(0, _disk.OpenFiles);
        var log = SmallLog.Open(_disk);
        log.ReadAll();
        log.Dispose();
        log.Dispose();
        Assert.Equal(0, _disk.OpenFiles);
        Assert.Throws<ObjectDisposedException>(() => log.Read(1, 1, 1));
    }

    [Fact]
    public void A_file_that_is_none_of_the_logs_is_left_alone()
    {
        _disk.Put(Path.Combine(SmallLog.Folder, "notes.txt"), [1, 2, 3]);
        _disk.Put(Path.Combine(SmallLog.Folder, "1.segment"), [1, 2, 3]);

        SmallLog.Open(_disk).Dispose();

        Assert.Equal(3, _disk.Files.Count);
    }

    private static void RequireEnded(SegmentedLog log)
    {
        Assert.Throws<LogFailedException>(log.Flush);
        Assert.Throws<LogFailedException>(() => log.Append([SmallLog.Record(1, 1)]));
        Assert.Throws<LogFailedException>(() => log.Read(1, 1, 1));
        Assert.Throws<LogFailedException>(() => log.RemoveBefore(1));
        Assert.Throws<LogFailedException>(log.PrepareNextSegment);
        Assert.Throws<LogFailedException>(() => log.Verify());
    }

    private SegmentedLog Filled(int groups)
    {
        var log = SmallLog.Open(_disk);
        for (var i = 0; i < groups; i++)
        {
            log.AppendGroup(900);
        }

        return log;
    }

    private ulong SecondSegment() =>
        ulong.Parse(Path.GetFileNameWithoutExtension(_disk.Files[1]), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);
}
