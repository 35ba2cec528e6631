using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

/// <summary>Every byte, every length and every sector of a log of three segments is damaged in turn.</summary>
public sealed class SegmentedLogDamageTests
{
    private const int SectorBytes = 512;

    private static readonly int[][] Groups =
    [
        [900], [10, 20, 30], [1900], [64], [300, 0, 300], [1200], [700], [500, 500], [40], [1], [0], [320],
    ];

    /// <summary>The last group: with and without sectors that are all zeros when whole, spanning several sectors, or in one.</summary>
    public static TheoryData<string> LastGroups => ["text", "zeros", "small", "sparse"];

    [Theory]
    [MemberData(nameof(LastGroups))]
    public void Any_flipped_byte_is_harmless_or_found_and_where_records_are_it_is_found(string lastGroup)
    {
        var log = SampleLog.Make(lastGroup);
        foreach (var (file, end) in log.Ends)
        {
            var length = log.Disk.Bytes(file).Length;

            // What a crash may leave begins with the first sector that holds nothing.
            var certain = string.Equals(file, log.LastFile, StringComparison.Ordinal) ? (end / SectorBytes * SectorBytes) + SectorBytes : length;
            for (var offset = 0; offset < length; offset++)
            {
                foreach (var mask in offset < end ? new byte[] { 0x01, 0x80, 0xFF } : [0x40])
                {
                    var disk = log.Disk.Copy();
                    disk.Bytes(file)[offset] ^= mask;
                    var found = Probe(disk);
                    if (offset < certain)
                    {
                        Assert.True(found.Damage is not null, $"{file} at {offset}: flipping {mask} was not found.");
                        Assert.Equal(file, found.Damage.File);
                        Assert.InRange(found.Damage.Offset, 0, offset);
                    }
                    else if (found.Damage is null)
                    {
                        Assert.Equal(log.Records, found.Records);
                        Assert.NotNull(found.Torn);
                    }
                }
            }
        }
    }

    [Fact]
    public void A_file_cut_at_any_length_is_found()
    {
        var log = SampleLog.Make("text");
        foreach (var (file, _) in log.Ends)
        {
            var bytes = log.Disk.Bytes(file);
            for (var length = 0; length < bytes.Length; length++)
            {
                var disk = log.Disk.Copy();
                disk.Put(file, bytes[..length]);
                var damage = Probe(disk).Damage;
                Assert.True(damage is not null, $"{file} cut to {length} was not found.");
                Assert.Equal((file, length), (damage.File, (int)damage.Offset));
            }
        }
    }

    [Fact]
    public void A_file_that_has_grown_is_found()
    {
        var log = SampleLog.Make("text");
        foreach (var (file, _) in log.Ends)
        {
            var disk = log.Disk.Copy();
            disk.Put(file, [.. log.Disk.Bytes(file), 0]);

            Assert.Equal(file, Probe(disk).Damage?.File);
        }
    }

    /// <summary>The crash in the middle of the last write: each of its sectors is as before or as written.</summary>
    [Theory]
    [MemberData(nameof(LastGroups))]
    public void Whatever_sectors_of_the_last_group_were_not_written_it_is_cut_and_said_and_nothing_else_is_lost(string lastGroup)
    {
        var log = SampleLog.Make(lastGroup);
        var sectors = log.LastGroupSectors;
        for (var unwritten = 0; unwritten < 1 << sectors.Count; unwritten++)
        {
            var disk = log.Disk.Copy();
            var changed = false;
            for (var i = 0; i < sectors.Count; i++)
            {
                if ((unwritten >> i & 1) == 1)
                {
                    var before = log.BeforeLastGroup.AsSpan(sectors[i] * SectorBytes, SectorBytes);
                    var target = disk.Bytes(log.LastFile).AsSpan(sectors[i] * SectorBytes, SectorBytes);
                    changed |= !before.SequenceEqual(target);
                    before.CopyTo(target);
                }
            }

            var nothingLeft = disk.Bytes(log.LastFile).AsSpan().SequenceEqual(log.BeforeLastGroup);
            var found = Probe(disk);
            Assert.Null(found.Damage);
            Assert.Equal(changed ? log.RecordsBeforeLastGroup : log.Records, found.Records);
            if (changed && !nothingLeft)
            {
                Assert.Equal((log.LastFile, log.LastGroupOffset), (found.Torn!.File, found.Torn.Offset));
                Assert.Equal(log.BeforeLastGroup, disk.Bytes(log.LastFile));
            }
            else
            {
                Assert.Null(found.Torn);
            }

            RequireUsable(disk, found.Records);
        }
    }

    /// <summary>
    /// A medium that turns a whole sector into zeros cannot be told from one that never wrote it, at the very end of the log. Anywhere
    /// else it is found.
    /// </summary>
    [Theory]
    [MemberData(nameof(LastGroups))]
    public void A_sector_of_zeros_is_found_unless_it_is_one_of_the_last_that_were_written(string lastGroup)
    {
        var log = SampleLog.Make(lastGroup);
        foreach (var (file, _) in log.Ends)
        {
            for (var sector = 0; sector < log.Disk.Bytes(file).Length / SectorBytes; sector++)
            {
                var disk = log.Disk.Copy();
                var bytes = disk.Bytes(file).AsSpan(sector * SectorBytes, SectorBytes);
                if (!bytes.ContainsAnyExcept((byte)0))
                {
                    continue;
                }

                bytes.Clear();
                var found = Probe(disk);
                if (string.Equals(file, log.LastFile, StringComparison.Ordinal) && log.LastGroupSectors.Contains(sector))
                {
                    Assert.Equal(log.Records.Take(found.Records.Count), found.Records);
                    continue;
                }

                Assert.True(found.Damage is not null, $"Sector {sector} of {file} turned into zeros, and that was not found.");
            }
        }
    }

    [Fact]
    public void A_missing_segment_is_found_wherever_it_was()
    {
        var log = SampleLog.Make("text");
        Assert.True(log.Ends.Count >= 3);
        for (var i = 0; i < log.Ends.Count; i++)
        {
            var disk = log.Disk.Copy();
            disk.Lose(log.Ends[i].File);
            var damage = Probe(disk, SmallLog.Options with { Permanent = true }).Damage;
            Assert.Equal((log.Ends[i].File, 0), (damage?.File, damage?.Offset));
        }
    }

    [Fact]
    public void A_segment_in_the_place_of_another_is_found()
    {
        var log = SampleLog.Make("text");
        foreach (var (file, _) in log.Ends)
        {
            foreach (var (other, _) in log.Ends.Where(other => !string.Equals(other.File, file, StringComparison.Ordinal)))
            {
                var disk = log.Disk.Copy();
                disk.Put(file, (byte[])log.Disk.Bytes(other).Clone());
                Assert.Equal(file, Probe(disk).Damage?.File);
            }
        }
    }

    [Fact]
    public void An_old_copy_of_a_sealed_segment_is_found()
    {
        var disk = new FaultyDisk();
        byte[] old;
        using (var log = SmallLog.Open(disk))
        {
            log.AppendGroup(900);
            old = (byte[])disk.Bytes(SmallLog.File(1)).Clone();
            log.AppendGroup(900);
            log.AppendGroup(1900);
            log.AppendGroup(1900);
        }

        disk.Put(SmallLog.File(1), old);

        Assert.Equal(SmallLog.File(1), Probe(disk).Damage?.File);
    }

    [Fact]
    public void A_record_that_holds_the_bytes_of_a_log_is_only_a_record_even_when_torn()
    {
        var log = SampleLog.Make("text");
        var copy = log.Disk.Bytes(log.LastFile).AsSpan(512, 1536).ToArray();
        var disk = new FaultyDisk();
        using (var other = SmallLog.Open(disk))
        {
            other.AppendGroup(400);
            other.Append([copy]);
        }

        // The sector with the group's header was not written; the ones with headers inside the record were.
        disk.Bytes(SmallLog.File(1)).AsSpan(960, 64).Clear();
        using var reopened = SmallLog.Open(disk);

        Assert.NotNull(reopened.Recovery.TornTail);
        Assert.Single(reopened.ReadAll());
    }

    [Fact]
    public void What_stands_further_behind_than_a_group_reaches_is_no_torn_group()
    {
        var disk = new FaultyDisk();
        using (var log = SmallLog.Open(disk))
        {
            log.AppendGroup(400);
        }

        disk.Bytes(SmallLog.File(1))[3500] = 1;

        Assert.NotNull(Probe(disk).Damage);
    }

    private static Found Probe(FaultyDisk disk, SegmentedLogOptions? options = null)
    {
        try
        {
            using var log = SmallLog.Open(disk, options);
            var records = log.ReadAll();
            Assert.Equal((ulong)records.Count, log.Verify());
            return new Found(records, log.Recovery.TornTail, null);
        }
        catch (LogDamagedException damage)
        {
            return new Found([], null, damage);
        }
    }

    private static void RequireUsable(FaultyDisk disk, List<byte[]> records)
    {
        using (var log = SmallLog.Open(disk))
        {
            Assert.Null(log.Recovery.TornTail);
            log.AppendGroup(600);
        }

        Assert.Equal([.. records, SmallLog.Record((ulong)records.Count + 1, 600)], Probe(disk).Records);
    }

    private sealed record Found(List<byte[]> Records, TornTail? Torn, LogDamagedException? Damage);

    private sealed record SampleLog(
        FaultyDisk Disk, List<(string File, int End)> Ends, List<byte[]> Records, List<byte[]> RecordsBeforeLastGroup, byte[] BeforeLastGroup, long LastGroupOffset)
    {
        public string LastFile => Ends[^1].File;

        /// <summary>The sectors in which the last group stands.</summary>
        public List<int> LastGroupSectors =>
            [.. Enumerable.Range((int)LastGroupOffset / SectorBytes, (Ends[^1].End - 1) / SectorBytes - (int)LastGroupOffset / SectorBytes + 1)];

        public static SampleLog Make(string lastGroup)
        {
            var disk = new FaultyDisk();
            using var log = SmallLog.Open(disk);
            foreach (var group in Groups)
            {
                log.AppendGroup(group);
            }

            var recordsBefore = log.ReadAll();
            var lastFile = disk.Files[^1];
            var before = (byte[])disk.Bytes(lastFile).Clone();
            var offset = Written(before);
            log.Append(LastGroup(lastGroup, log.NextNumber));
            log.Flush();
            Assert.Equal(lastFile, disk.Files[^1]);
            var ends = disk.Files.Select(file => (file, Written(disk.Bytes(file)))).ToList();
            return new SampleLog(disk, ends, log.ReadAll(), recordsBefore, before, offset);
        }

        private static ReadOnlyMemory<byte>[] LastGroup(string kind, ulong number) => kind switch
        {
            "text" => [SmallLog.Record(number, 700), SmallLog.Record(number + 1, 650)],
            "zeros" => [new byte[1400]],
            "small" => [SmallLog.Record(number, 20)],
            "sparse" => [Sparse()],
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown."),
        };

        /// <summary>Some sectors with text, some without.</summary>
        private static byte[] Sparse()
        {
            var record = new byte[1800];
            SmallLog.Record(7, 600).CopyTo(record, 600);
            return record;
        }

        /// <summary>Where the written part ends, to the group's alignment.</summary>
        private static int Written(byte[] segment)
        {
            var offset = SegmentHeader.Bytes;
            var first = BitConverter.ToUInt64(segment, 24);
            while (offset < segment.Length && GroupHeader.TryDecode(segment.AsSpan(offset, GroupHeader.Bytes), first, offset, out var group))
            {
                offset += (int)group.TotalBytes;
            }

            return offset;
        }
    }
}
