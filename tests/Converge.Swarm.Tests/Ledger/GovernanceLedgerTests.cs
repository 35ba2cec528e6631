using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Ledger;

public sealed class GovernanceLedgerTests : IDisposable
{
    private static readonly GovernanceLedgerOptions Small = new() { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_ledger_is_empty()
    {
        using GovernanceLedger ledger = Open();
        Assert.Equal(
            new LedgerHead(0, new string('0', 64), MerkleTree.EmptyRoot.ToString(), LogIndex.Zero, Term.Zero),
            ledger.Head);
        Assert.Empty(ledger.Read(1, 10));
        ledger.Flush();
        Assert.Equal((0UL, 0UL), (ledger.LastSequence, ledger.DurableSequence));
    }

    [Fact]
    public void Records_are_read_before_and_after_they_are_durable_and_are_there_after_a_restart()
    {
        EncodedRecord[] records = SampleLedger.Records(10);
        LedgerHead head = SampleLedger.HeadOf(records);
        using (GovernanceLedger ledger = Open())
        {
            Append(ledger, records[..4]);
            Assert.Equal((4UL, 0UL), (ledger.LastSequence, ledger.DurableSequence));
            AssertRead(records[1..4], ledger.Read(2, 10));

            ledger.Flush();
            Assert.Equal(4UL, ledger.DurableSequence);
            Append(ledger, records[4..]);
            AssertRead(records, ledger.Read(1, 10));
            AssertRead(records[2..7], ledger.Read(3, 5));
            AssertRead(records[5..6], ledger.Read(6, 1));
            Assert.Empty(ledger.Read(11, 1));
            Assert.Equal(head, ledger.Head);
            ledger.Flush();
        }

        using GovernanceLedger reopened = Open();
        Assert.Equal(head, reopened.Head);
        Assert.Equal((10UL, 10UL), (reopened.LastSequence, reopened.DurableSequence));
        AssertRead(records, reopened.Read(1, 100));
    }

    /// <summary>Whoever asks for a proposal reads one record, and commits wait for other flushes than this one.</summary>
    [Fact]
    public void However_much_one_flush_writes_a_record_is_read_without_the_others()
    {
        var disk = new FaultyDisk();
        using GovernanceLedger ledger = GovernanceLedger.Open(disk, "ledger", new GovernanceLedgerOptions());
        EncodedRecord[] records = SampleLedger.Records(26_000);
        Append(ledger, records);
        Assert.True(records.Sum(record => (long)record.Bytes.Length) > 2 * GovernanceLedger.MaxFlushBytes);
        ledger.Flush();
        Assert.Equal((ulong)records.Length, ledger.DurableSequence);
        foreach (int at in new[] { 0, 1, 5_000, 25_999 })
        {
            ledger.Read((ulong)at + 1, 1);
            long before = disk.BytesRead;
            AssertRead(records[at..(at + 1)], ledger.Read((ulong)at + 1, 1));
            Assert.InRange(disk.BytesRead - before, records[at].Bytes.Length, GovernanceLedger.MaxFlushBytes * 5L / 4);
        }
    }

    [Fact]
    public void What_was_not_flushed_is_brought_back_by_the_replay()
    {
        EncodedRecord[] records = SampleLedger.Records(10);
        using (GovernanceLedger ledger = Open())
        {
            Append(ledger, records[..6]);
            ledger.Flush();
            Append(ledger, records[6..]);
        }

        using GovernanceLedger reopened = Open();
        Assert.Equal(6UL, reopened.LastSequence);
        Append(reopened, records);
        reopened.Flush();
        Assert.Equal(SampleLedger.HeadOf(records), reopened.Head);
        AssertRead(records, reopened.Read(1, 100));
        reopened.CheckReplayed(records[9]);
        reopened.CheckReplayed(records[0]);
    }

    [Fact]
    public void A_replay_that_gives_other_bytes_is_a_divergence()
    {
        EncodedRecord[] records = SampleLedger.Records(3);
        LedgerRecord second = LedgerRecordCodec.Decode(records[1]);
        EncodedRecord changed = LedgerRecordCodec.Encode(second with { TimeUnixMilliseconds = second.TimeUnixMilliseconds + 1 });
        using GovernanceLedger ledger = Open();
        Append(ledger, records[..2]);

        Assert.Equal(2UL, Assert.Throws<LedgerDivergedException>(() => ledger.Append(changed)).Sequence);
        ledger.Flush();
        Assert.Equal(2UL, Assert.Throws<LedgerDivergedException>(() => ledger.Append(changed)).Sequence);
        Assert.Throws<LedgerDivergedException>(() => ledger.CheckReplayed(records[2]));
        Assert.Equal(2UL, ledger.LastSequence);
    }

    [Fact]
    public void A_record_that_does_not_continue_the_ledger_is_a_divergence()
    {
        EncodedRecord[] records = SampleLedger.Records(3);
        LedgerRecord second = LedgerRecordCodec.Decode(records[1]);
        using GovernanceLedger ledger = Open();
        ledger.Append(records[0]);

        LedgerRecord[] wrong =
        [
            second with { PreviousHash = new string('0', 64) },
            second with { TimeUnixMilliseconds = 1 },
            second with { Index = new LogIndex(1) },
            second with { Term = Term.Zero },
            second with { Lamport = new LamportTimestamp(1, new NodeId(1)) },
            LedgerRecordCodec.Decode(records[2]),
        ];
        Assert.All(wrong, record => Assert.Throws<LedgerDivergedException>(() => ledger.Append(LedgerRecordCodec.Encode(record))));
        ledger.Append(records[1]);
    }

    [Fact]
    public void The_buffer_is_bounded_and_a_flush_makes_room()
    {
        EncodedRecord[] records = SampleLedger.Records(1_500);
        using GovernanceLedger ledger = Open(Small);
        int appended = 0;
        while (!ledger.IsFull)
        {
            ledger.Append(records[appended++]);
        }

        Assert.Throws<InvalidOperationException>(() => ledger.Append(records[appended]));
        Assert.Equal((ulong)appended, ledger.LastSequence);
        ledger.Flush();
        Assert.False(ledger.IsFull);
        Append(ledger, records[appended..]);
        Assert.Equal(SampleLedger.HeadOf(records), ledger.Head);
    }

    [Fact]
    public void A_ledger_grows_over_many_segments()
    {
        EncodedRecord[] records = SampleLedger.Records(6_000);
        using (GovernanceLedger ledger = Open(Small))
        {
            foreach (EncodedRecord[] batch in records.Chunk(100))
            {
                Append(ledger, batch);
                ledger.Flush();
                if (ledger.ShouldPrepareNextSegment)
                {
                    ledger.PrepareNextSegment();
                }
            }
        }

        Assert.InRange(Directory.GetFiles(_folder.Path, "*.segment").Length, 3, 20);
        using GovernanceLedger reopened = Open(Small);
        Assert.Equal(SampleLedger.HeadOf(records), reopened.Head);
        AssertRead(records[2_990..3_010], reopened.Read(2_991, 20));
        Append(reopened, records);
    }

    [Fact]
    public async Task Readers_run_beside_the_writer_and_see_whole_prefixes()
    {
        EncodedRecord[] records = SampleLedger.Records(4_000);
        using GovernanceLedger ledger = Open(Small);
        Task[] readers = [.. Enumerable.Range(0, 3).Select(reader => Task.Run(() =>
        {
            ulong seen = 0;
            while (seen < (ulong)records.Length)
            {
                IReadOnlyList<EncodedRecord> read = ledger.Read(Math.Max(1, seen), 64 + (reader * 100));
                if (read.Count > 0)
                {
                    AssertRead(records.Skip((int)Math.Max(1, seen) - 1).Take(read.Count), read);
                    seen = read[^1].Sequence;
                }

                Assert.True(ledger.Head.Sequence >= seen);

                // In this order: the writer goes on between the two.
                ulong durable = ledger.DurableSequence;
                Assert.True(ledger.LastSequence >= durable);
            }
        }))];

        foreach (EncodedRecord[] batch in records.Chunk(37))
        {
            Append(ledger, batch);
            ledger.Flush();
        }

        await Task.WhenAll(readers);
        Assert.Equal((ulong)records.Length, ledger.DurableSequence);
    }

    [Fact]
    public void Without_room_for_a_segment_records_stay_buffered_until_there_is_room()
    {
        EncodedRecord[] records = SampleLedger.Records(2_500);
        var disk = new FaultyDisk { CapacityBytes = GovernanceLedgerOptions.MinSegmentBytes };
        using GovernanceLedger ledger = GovernanceLedger.Open(disk, "ledger", Small);
        int appended = 0;
        Assert.Throws<DiskFullException>(() =>
        {
            foreach (EncodedRecord[] batch in records.Chunk(100))
            {
                Append(ledger, batch);
                appended += batch.Length;
                ledger.Flush();
            }
        });
        Assert.InRange(appended, 200, 2_400);
        ulong durable = ledger.DurableSequence;
        Assert.Equal(((ulong)appended, (ulong)appended - 100), (ledger.LastSequence, durable));
        AssertRead(records[(appended - 50)..appended], ledger.Read((ulong)appended - 49, 100));

        disk.CapacityBytes = long.MaxValue;
        ledger.Flush();
        Assert.Equal((ulong)appended, ledger.DurableSequence);
        Append(ledger, records[appended..]);
        Assert.Equal(SampleLedger.HeadOf(records), ledger.Head);
    }

    [Fact]
    public void A_failed_flush_is_never_tried_again()
    {
        var disk = new FaultyDisk();
        using GovernanceLedger ledger = GovernanceLedger.Open(disk, "ledger", Small);
        Append(ledger, SampleLedger.Records(3));
        disk.FailNextFlush = true;
        Assert.Throws<LogFailedException>(ledger.Flush);
        Assert.Throws<LogFailedException>(ledger.Flush);
        Assert.Equal(0UL, ledger.DurableSequence);
    }

    [Fact]
    public void After_a_power_loss_at_any_moment_what_was_durable_is_there_and_the_replay_brings_back_the_rest()
    {
        EncodedRecord[] records = SampleLedger.Records(40);
        LedgerHead head = SampleLedger.HeadOf(records);
        bool finished = false;
        for (int operation = 0; !finished; operation++)
        {
            var disk = new FaultyDisk { StopBeforeOperation = operation };
            ulong durable = 0;
            try
            {
                using GovernanceLedger ledger = GovernanceLedger.Open(disk, "ledger", Small);
                foreach (EncodedRecord[] batch in records.Chunk(7))
                {
                    Append(ledger, batch);
                    ledger.Flush();
                    durable = ledger.DurableSequence;
                }

                finished = true;
            }
            catch (SimulatedCrash)
            {
                // The power is gone.
            }
            catch (LogFailedException)
            {
                // As seen from inside.
            }

            for (int seed = 0; seed < 10; seed++)
            {
                FaultyDisk afterwards = disk.AfterCrash(Choices.Seeded(seed));
                using GovernanceLedger reopened = GovernanceLedger.Open(afterwards, "ledger", Small);
                Assert.InRange(reopened.DurableSequence, durable, durable + 7);
                Append(reopened, records);
                reopened.Flush();
                Assert.Equal(head, reopened.Head);
                Assert.True(LedgerVerifier.VerifyFolder(afterwards, "ledger", head).Ok);
            }
        }
    }

    [Fact]
    public void A_record_that_breaks_the_chain_is_found_when_the_ledger_is_opened()
    {
        EncodedRecord[] records = SampleLedger.Records(5);
        LedgerRecord third = LedgerRecordCodec.Decode(records[2]);
        WriteRaw([records[0].Bytes, records[1].Bytes, LedgerRecordCodec.Encode(third with { Term = new Term(9) }).Bytes, records[3].Bytes]);

        LedgerDamagedException damaged = Assert.Throws<LedgerDamagedException>(() => Open());
        Assert.Equal(4UL, damaged.Sequence);
        Assert.StartsWith(_folder.Path, damaged.File, StringComparison.Ordinal);
        Assert.Equal(512, damaged.Offset);
    }

    [Fact]
    public void A_record_in_the_wrong_place_or_of_another_form_is_found_when_the_ledger_is_opened()
    {
        EncodedRecord[] records = SampleLedger.Records(3);
        WriteRaw([records[0].Bytes, records[2].Bytes]);
        Assert.Equal(2UL, Assert.Throws<LedgerDamagedException>(() => Open()).Sequence);

        using var other = new TemporaryFolder();
        WriteRaw(other.Path, [records[0].Bytes, new byte[] { 7 }]);
        Assert.Equal(2UL, Assert.Throws<LedgerDamagedException>(() => GovernanceLedger.Open(PhysicalDisk.Instance, other.Path, Small)).Sequence);
    }

    [Fact]
    public void A_ledger_that_was_there_before_may_not_be_gone()
    {
        Assert.Throws<LogDamagedException>(() => Open(Small with { MustExist = true }));
        Assert.Throws<ArgumentException>(() => Open(Small with { SegmentBytes = 1_024 }));
    }

    private static void Append(GovernanceLedger ledger, IEnumerable<EncodedRecord> records)
    {
        foreach (EncodedRecord record in records)
        {
            if (ledger.IsFull)
            {
                ledger.Flush();
            }

            ledger.Append(record);
        }
    }

    private static void AssertRead(IEnumerable<EncodedRecord> expected, IReadOnlyList<EncodedRecord> actual) =>
        Assert.Equal(expected.Select(record => (record.Sequence, record.Hash)), actual.Select(record => (record.Sequence, record.Hash)));

    private static void WriteRaw(string folder, ReadOnlyMemory<byte>[] records)
    {
        using SegmentedLog log = SegmentedLog.Open(PhysicalDisk.Instance, folder, new SegmentedLogOptions
        {
            Purpose = GovernanceLedger.Purpose,
            SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes,
            MaxGroupBytes = 128 * 1024,
            MaxRecordBytes = 32 * 1024,
            Permanent = true,
        });
        log.Append(records);
        log.Flush();
    }

    private void WriteRaw(ReadOnlyMemory<byte>[] records) => WriteRaw(_folder.Path, records);

    private GovernanceLedger Open(GovernanceLedgerOptions? options = null) =>
        GovernanceLedger.Open(PhysicalDisk.Instance, _folder.Path, options ?? Small);
}
