using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

/// <summary>The machine stops before every single disk operation, and the disk comes back in every way, or many.</summary>
public sealed class SegmentedLogCrashTests
{
    private const int Seeds = 24;

    /// <summary>A life of a log: what is acknowledged and what is under way at each moment.</summary>
    private sealed class Life(FaultyDisk disk)
    {
        public ulong Acknowledged { get; private set; } = 1;

        public ulong Appended { get; private set; } = 1;

        public ulong RemovedBefore { get; private set; } = 1;

        public void Run()
        {
            using (var log = SmallLog.Open(disk))
            {
                Append(log, 100);
                Append(log, 1500);
                Append(log, 10, 20, 30);
                log.PrepareNextSegment();
                Append(log, 1900);
                Append(log, 1900);
                Append(log, 0);
            }

            using (var log = SmallLog.Open(disk))
            {
                Append(log, 1000, 700);
                Append(log, 1900);
                Remove(log, 8);
                Append(log, 1800);
                Remove(log, log.NextNumber);
                Append(log, 500);

                // Into what was a segment of this log before.
                log.PrepareNextSegment();
                Append(log, 1900);
                Append(log, 1900);
            }
        }

        private void Append(SegmentedLog log, params int[] sizes)
        {
            Assert.Equal(Appended, log.NextNumber);
            Appended += (ulong)sizes.Length;
            log.AppendGroup(sizes);
            Acknowledged = Appended;
        }

        private void Remove(SegmentedLog log, ulong number)
        {
            RemovedBefore = number;
            log.RemoveBefore(number);
        }
    }

    private static readonly int[] Sizes = [100, 1500, 10, 20, 30, 1900, 1900, 0, 1000, 700, 1900, 1800, 500, 1900, 1900];

    [Fact]
    public void After_a_power_loss_at_any_operation_everything_acknowledged_is_there_and_nothing_else()
    {
        var operations = CountOperations();
        for (var stop = 0; stop < operations; stop++)
        {
            var (disk, life) = RunUntil(stop);
            for (var seed = 0; seed < Seeds; seed++)
            {
                RequireRecovered(disk.AfterCrash(Choose(seed)), life, $"stopped before operation {stop}, seed {seed}");
            }
        }
    }

    [Fact]
    public void A_second_power_loss_at_any_operation_of_the_recovery_loses_nothing_either()
    {
        var operations = CountOperations();
        for (var stop = 0; stop < operations; stop++)
        {
            var (disk, life) = RunUntil(stop);
            for (var seed = 0; seed < Seeds / 3; seed++)
            {
                var crashed = disk.AfterCrash(Choose(seed));
                for (var again = 0; OpenUntil(crashed.Copy(), again) is { } second; again++)
                {
                    RequireRecovered(second.AfterCrash(Choose(seed + again)), life, $"stopped before operations {stop} and {again}, seed {seed}");
                }
            }
        }
    }

    [Fact]
    public void What_a_killed_process_left_and_the_next_one_found_survives_a_power_loss()
    {
        var operations = CountOperations();
        for (var stop = 0; stop < operations; stop++)
        {
            var (disk, life) = RunUntil(stop);
            disk.Restart();
            List<byte[]> found;
            ulong first;
            using (var log = SmallLog.Open(disk))
            {
                found = log.ReadAll();
                first = log.FirstNumber;
            }

            using var afterPowerLoss = SmallLog.Open(disk.AfterCrash(_ => 0));
            Assert.Equal(first, afterPowerLoss.FirstNumber);
            Assert.Equal(found, afterPowerLoss.ReadAll());
            Assert.True(afterPowerLoss.NextNumber >= life.Acknowledged);
        }
    }

    [Fact]
    public void A_group_in_flight_is_there_or_cut_for_every_way_in_which_its_sectors_can_be_lost()
    {
        foreach (var before in new[] { 0, 10, 400, 447, 450, 930, 1900 })
        {
            foreach (var size in new[] { 0, 1, 100, 480, 512, 1023, 1900 })
            {
                var disk = new FaultyDisk();
                var log = SmallLog.Open(disk);
                log.AppendGroup(before);
                log.Append([SmallLog.Record(2, size)]);
                var ways = 0;
                for (var choices = new Choices(); ways == 0 || choices.Next(); ways++)
                {
                    using var reopened = SmallLog.Open(disk.AfterCrash(choices.Choose));
                    Assert.Equal(SmallLog.Record(1, before), reopened.Read(1, 1, 1)[0].Bytes.ToArray());
                    Assert.InRange(reopened.NextNumber, 2ul, 3ul);
                    if (reopened.NextNumber == 3)
                    {
                        Assert.Null(reopened.Recovery.TornTail);
                        Assert.Equal(SmallLog.Record(2, size), reopened.Read(2, 1, 1)[0].Bytes.ToArray());
                    }
                }

                Assert.True(ways >= 2 && int.IsPow2(ways), $"{ways} ways to lose sectors of a group of {size} bytes.");
                log.Dispose();
            }
        }
    }

    [Fact]
    public void A_segment_caught_while_it_was_being_prepared_is_deleted()
    {
        var disk = new FaultyDisk();
        using var log = SmallLog.Open(disk);
        log.AppendGroup(1900);
        var before = disk.Operations;
        for (var stop = before + 1; ; stop++)
        {
            var copy = disk.Copy();
            copy.StopBeforeOperation = stop - before;
            var prepared = SmallLogOpenAndPrepare(copy);
            for (var choices = new Choices(); ;)
            {
                var crashed = copy.AfterCrash(choices.Choose);
                using (var reopened = SmallLog.Open(crashed))
                {
                    Assert.Single(reopened.ReadAll());
                    Assert.Equal([SmallLog.File(1)], crashed.Files);
                }

                if (!choices.Next())
                {
                    break;
                }
            }

            if (prepared)
            {
                break;
            }
        }
    }

    private static bool SmallLogOpenAndPrepare(FaultyDisk disk)
    {
        try
        {
            using var log = SmallLog.Open(disk);
            log.PrepareNextSegment();
            return true;
        }
        catch (SimulatedCrash)
        {
            return false;
        }
    }

    private static int CountOperations()
    {
        var disk = new FaultyDisk();
        new Life(disk).Run();
        return disk.Operations + 1;
    }

    private static (FaultyDisk Disk, Life Life) RunUntil(int stop)
    {
        var disk = new FaultyDisk { StopBeforeOperation = stop };
        var life = new Life(disk);
        try
        {
            life.Run();
        }
        catch (Exception e) when (e is SimulatedCrash or LogFailedException { InnerException: SimulatedCrash })
        {
            return (disk, life);
        }

        return (disk, life);
    }

    /// <summary>Opens until the machine stops again; null when it did not.</summary>
    private static FaultyDisk? OpenUntil(FaultyDisk disk, int stop)
    {
        disk.StopBeforeOperation = stop;
        try
        {
            SmallLog.Open(disk).Dispose();
            return null;
        }
        catch (Exception e) when (e is SimulatedCrash or LogFailedException { InnerException: SimulatedCrash })
        {
            return disk;
        }
    }

    /// <summary>All old, all new, and then by chance.</summary>
    private static Func<int, int> Choose(int seed) => seed switch
    {
        0 => _ => 0,
        1 => of => of - 1,
        _ => Choices.Seeded(seed),
    };

    private static void RequireRecovered(FaultyDisk disk, Life life, string when)
    {
        try
        {
            using (var log = SmallLog.Open(disk))
            {
                RequireRecords(log, life);
                log.AppendGroup(1900);
                log.AppendGroup(1900);
            }

            using var reopened = SmallLog.Open(disk.AfterCrash(_ => 0));
            Assert.Null(reopened.Recovery.TornTail);
            Assert.Equal(reopened.NextNumber - reopened.FirstNumber, reopened.Verify());
            Assert.True(reopened.NextNumber >= life.Acknowledged + 2);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{when}: {e.Message}", e);
        }
    }

    private static void RequireRecords(SegmentedLog log, Life life)
    {
        Assert.True(log.NextNumber == life.Acknowledged || log.NextNumber == life.Appended, $"Next is {log.NextNumber}, acknowledged {life.Acknowledged}.");
        Assert.True(log.FirstNumber <= life.RemovedBefore, $"First is {log.FirstNumber}, removed before {life.RemovedBefore}.");
        var number = log.FirstNumber;
        foreach (var record in log.ReadAll())
        {
            Assert.Equal(SmallLog.Record(number, Sizes[(int)number - 1]), record);
            number++;
        }

        Assert.Equal(log.NextNumber, number);
    }
}
