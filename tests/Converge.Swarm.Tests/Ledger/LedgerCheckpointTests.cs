using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Ledger;

/// <summary>Going on from a checkpoint, and taking from another node what is lacking.</summary>
public sealed class LedgerCheckpointTests
{
    private static readonly GovernanceLedgerOptions Small = new() { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes };
    private static readonly EncodedRecord[] Records = SampleLedger.Records(5_000);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(700)]
    [InlineData(1_023)]
    [InlineData(1_024)]
    [InlineData(1_025)]
    [InlineData(2_048)]
    [InlineData(3_071)]
    [InlineData(4_999)]
    [InlineData(5_000)]
    public void A_ledger_opened_from_a_checkpoint_is_the_same(ulong sequence)
    {
        var disk = new FaultyDisk();
        LedgerCheckpoint checkpoint;
        LedgerHead head;
        InclusionProof[] proofs;
        ConsistencyProof consistency;
        using (GovernanceLedger ledger = With(disk, Records))
        {
            checkpoint = ledger.CheckpointAt(sequence);
            head = ledger.Head;
            proofs = [ledger.ProveInclusion(1), ledger.ProveInclusion(1_500), ledger.ProveInclusion(5_000), ledger.ProveInclusion(17, 2_047)];
            consistency = ledger.ProveConsistency(1_777);
        }

        Assert.Equal(SampleLedger.HeadOf(Records[..(int)sequence]), checkpoint.Head);
        using GovernanceLedger reopened = GovernanceLedger.Open(disk, "ledger", Small, checkpoint);
        Assert.Equal(head, reopened.Head);
        Assert.Equal((5_000UL, 5_000UL), (reopened.LastSequence, reopened.DurableSequence));
        Assert.Equivalent(proofs, new[] { reopened.ProveInclusion(1), reopened.ProveInclusion(1_500), reopened.ProveInclusion(5_000), reopened.ProveInclusion(17, 2_047) }, strict: true);
        Assert.Equivalent(consistency, reopened.ProveConsistency(1_777), strict: true);
        foreach (EncodedRecord record in Records.Skip((int)sequence))
        {
            reopened.Append(record);
        }
    }

    [Fact]
    public void A_ledger_goes_on_from_a_checkpoint_as_if_it_had_read_everything()
    {
        var disk = new FaultyDisk();
        LedgerCheckpoint checkpoint;
        using (GovernanceLedger ledger = With(disk, Records[..2_500]))
        {
            checkpoint = ledger.CheckpointAt(1_900);
        }

        using GovernanceLedger reopened = GovernanceLedger.Open(disk, "ledger", Small, checkpoint);
        Append(reopened, Records[2_500..]);
        Assert.Equal(SampleLedger.HeadOf(Records), reopened.Head);
        Assert.Equal(SampleLedger.HeadOf(Records[..4_321]), reopened.CheckpointAt(4_321).Head);
    }

    [Fact]
    public void Opening_from_a_checkpoint_reads_no_history()
    {
        (long Without, long With) Read(int records)
        {
            var disk = new FaultyDisk();
            LedgerCheckpoint checkpoint;
            using (GovernanceLedger ledger = With(disk, Records[..records]))
            {
                checkpoint = ledger.CheckpointAt((ulong)records - 10);
            }

            long before = disk.BytesRead;
            GovernanceLedger.Open(disk, "ledger", Small).Dispose();
            long without = disk.BytesRead - before;
            before = disk.BytesRead;
            GovernanceLedger.Open(disk, "ledger", Small, checkpoint).Dispose();
            return (without, disk.BytesRead - before);
        }

        (long shortWithout, long shortWith) = Read(600);
        (long longWithout, long longWith) = Read(5_000);
        Assert.True(longWithout > shortWithout + (3 * Small.SegmentBytes), $"{shortWithout}, then {longWithout} bytes");

        // Of each older segment its header; of the newest two, at most all.
        Assert.InRange(longWith, 1, shortWith + Small.SegmentBytes + (10 * 512));
    }

    [Fact]
    public void A_ledger_that_ends_before_its_checkpoint_or_is_another_is_refused()
    {
        var disk = new FaultyDisk();
        LedgerCheckpoint checkpoint;
        using (GovernanceLedger ledger = With(disk, Records[..50]))
        {
            checkpoint = ledger.CheckpointAt(40);
        }

        var shorter = new FaultyDisk();
        With(shorter, Records[..39]).Dispose();
        LedgerIncompleteException incomplete = Assert.Throws<LedgerIncompleteException>(() => GovernanceLedger.Open(shorter, "ledger", Small, checkpoint));
        Assert.Equal((39UL, 40UL), (incomplete.LastSequence, incomplete.Needed));
        Assert.Equal(0, shorter.OpenFiles);

        var other = new FaultyDisk();
        With(other, Other(50)).Dispose();
        Assert.Equal(40UL, Assert.Throws<LedgerDamagedException>(() => GovernanceLedger.Open(other, "ledger", Small, checkpoint)).Sequence);
    }

    [Fact]
    public void A_checkpoint_exists_for_every_record_that_is_there()
    {
        using GovernanceLedger ledger = With(new FaultyDisk(), Records[..30], flushed: 20);
        Assert.Equal(SampleLedger.HeadOf(Records[..30]), ledger.CheckpointAt(30).Head);
        Assert.True(ledger.IsDurable(20));
        Assert.False(ledger.IsDurable(21));
        Assert.Throws<LedgerRangeException>(() => ledger.CheckpointAt(31));
    }

    [Fact]
    public void Records_are_read_as_they_are_to_be_sent()
    {
        using GovernanceLedger ledger = With(new FaultyDisk(), Records[..300], flushed: 200);
        List<byte[]> read = [];
        while (read.Count < 300)
        {
            IReadOnlyList<ReadOnlyMemory<byte>> part = ledger.ReadEncoded((ulong)read.Count + 1, 64, 4_000);
            Assert.InRange(part.Count, 1, 64);
            Assert.InRange(part.Sum(record => record.Length), 1, 4_000);
            read.AddRange(part.Select(record => record.ToArray()));
        }

        Assert.Equal(Records[..300].Select(record => record.Bytes.ToArray()), read);
        Assert.Single(ledger.ReadEncoded(5, 10, 1));
        Assert.Single(ledger.ReadEncoded(250, 10, 1));
        Assert.Empty(ledger.ReadEncoded(301, 10, 100));
    }

    [Theory]
    [InlineData(0, 5_000)]
    [InlineData(1, 1_024)]
    [InlineData(1_000, 1_025)]
    [InlineData(1_024, 4_096)]
    [InlineData(3_333, 4_999)]
    [InlineData(3_333, 3_333)]
    [InlineData(4_000, 3_333)]
    public void A_ledger_takes_from_another_node_what_it_lacks(int here, int there)
    {
        using GovernanceLedger source = With(new FaultyDisk(), Records);
        LedgerCheckpoint target = source.CheckpointAt((ulong)there);
        using GovernanceLedger ledger = With(new FaultyDisk(), Records[..here], flushed: here / 2);
        LedgerCatchUp catchUp = ledger.CatchUpTo(target);
        int flushes = 0;
        while (!catchUp.IsComplete)
        {
            foreach (ReadOnlyMemory<byte> record in source.ReadEncoded(Math.Min(catchUp.NextSequence, (ulong)there), 100, 100_000))
            {
                if (catchUp.NextSequence > catchUp.LastSequence)
                {
                    break;
                }

                while (!catchUp.TryAdd(record.Span))
                {
                    ledger.Flush();
                    flushes++;
                }
            }

            if (!catchUp.TryAppend())
            {
                ledger.Flush();
            }
        }

        Assert.True(there - here < 4_000 || flushes > 0);
        ledger.Flush();
        Assert.True(catchUp.IsDurable);
        Assert.Equal(SampleLedger.HeadOf(Records[..Math.Max(here, there)]), ledger.Head);
        Append(ledger, Records[Math.Max(here, there)..]);
    }

    [Fact]
    public void A_record_that_is_not_the_snapshots_is_refused_and_nothing_unproven_is_kept()
    {
        using GovernanceLedger source = With(new FaultyDisk(), Records[..2_100]);
        LedgerCheckpoint target = source.CheckpointAt(2_100);
        foreach ((int at, int kept) in ((int, int)[])[(1, 0), (500, 0), (1_024, 0), (1_025, 1_024), (2_048, 1_024), (2_049, 2_048), (2_100, 2_048)])
        {
            // A whole other continuation from there on, of which each record fits the one before.
            using GovernanceLedger ledger = With(new FaultyDisk(), []);
            LedgerCatchUp catchUp = ledger.CatchUpTo(target);
            LedgerRecordsRefusedException? refused = null;
            foreach (EncodedRecord record in Records[..(at - 1)].Concat(Continuation(at, 2_100)))
            {
                refused ??= Record.Exception(() =>
                {
                    while (!catchUp.TryAdd(record.Bytes.Span))
                    {
                        ledger.Flush();
                    }
                }) as LedgerRecordsRefusedException;
            }

            Assert.NotNull(refused);
            Assert.InRange(refused.Sequence, 1UL, (ulong)at);
            Assert.False(catchUp.IsComplete);
            Assert.Equal((ulong)kept, ledger.LastSequence);
            Assert.Throws<InvalidOperationException>(() => catchUp.TryAdd(Records[0].Bytes.Span));
        }
    }

    [Fact]
    public void What_is_no_record_or_not_the_next_one_is_refused()
    {
        using GovernanceLedger source = With(new FaultyDisk(), Records[..50]);
        LedgerCheckpoint target = source.CheckpointAt(40);
        byte[][] wrong = [[1, 2, 3], Records[21].Bytes.ToArray(), Other(21)[20].Bytes.ToArray()];
        foreach (byte[] bytes in wrong)
        {
            using GovernanceLedger ledger = With(new FaultyDisk(), Records[..20]);
            LedgerCatchUp catchUp = ledger.CatchUpTo(target);
            Assert.True(catchUp.TryAdd(Records[4].Bytes.Span));
            Assert.Equal(21UL, catchUp.NextSequence);
            Assert.Throws<LedgerRecordsRefusedException>(() => catchUp.TryAdd(bytes));
            Assert.Equal(20UL, ledger.LastSequence);
        }
    }

    [Fact]
    public void A_ledger_that_is_not_the_beginning_of_the_snapshots_takes_nothing()
    {
        using GovernanceLedger source = With(new FaultyDisk(), Records);
        using GovernanceLedger longer = With(new FaultyDisk(), Other(3_000));
        Assert.Equal(1UL, Assert.Throws<LedgerRecordsRefusedException>(() => longer.CatchUpTo(source.CheckpointAt(4_000))).Sequence);
        Assert.Throws<LedgerRecordsRefusedException>(() => longer.CatchUpTo(source.CheckpointAt(500)));
        using GovernanceLedger shorter = With(new FaultyDisk(), Other(100));
        LedgerCatchUp catchUp = shorter.CatchUpTo(source.CheckpointAt(4_000));
        Assert.Throws<LedgerRecordsRefusedException>(() => catchUp.TryAdd(Records[100].Bytes.Span));
    }

    private static EncodedRecord[] Other(int count) => [.. Continuation(1, count)];

    /// <summary>Records from one on that follow those of the sample and each other, with other contents.</summary>
    private static IEnumerable<EncodedRecord> Continuation(int from, int last)
    {
        string previous = from == 1 ? new string('0', 64) : Records[from - 2].Hash.ToString();
        for (int number = from; number <= last; number++)
        {
            LedgerRecord record = LedgerRecordCodec.Decode(Records[number - 1]);
            EncodedRecord other = LedgerRecordCodec.Encode(record with { PreviousHash = previous, TimeUnixMilliseconds = record.TimeUnixMilliseconds + 1 });
            previous = other.Hash.ToString();
            yield return other;
        }
    }

    private static GovernanceLedger With(FaultyDisk disk, EncodedRecord[] records, int? flushed = null)
    {
        GovernanceLedger ledger = GovernanceLedger.Open(disk, "ledger", Small);
        Append(ledger, records[..(flushed ?? records.Length)]);
        ledger.Flush();
        Append(ledger, records[(flushed ?? records.Length)..]);
        return ledger;
    }

    private static void Append(GovernanceLedger ledger, EncodedRecord[] records)
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
}
