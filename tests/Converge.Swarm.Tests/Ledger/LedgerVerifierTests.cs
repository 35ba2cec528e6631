using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Ledger;

public sealed class LedgerVerifierTests : IDisposable
{
    private static readonly GovernanceLedgerOptions Small = new() { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_sound_ledger_has_no_problems_and_the_head_of_the_node()
    {
        EncodedRecord[] records = SampleLedger.Records(50);
        LedgerHead head = Write(records);
        LedgerHead earlier = SampleLedger.HeadOf(records[..20]);

        foreach (LedgerHead? saved in new[] { null, head, earlier })
        {
            LedgerVerification verification = LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path, saved);
            Assert.Empty(verification.Problems);
            Assert.Empty(verification.Remarks);
            Assert.Equal((true, 50UL, head, head.Root), (verification.Ok, verification.Records, verification.Head, verification.Root));
            Assert.Equal(head, LedgerVerifier.VerifyRecords(Decode(records), saved).Head);
        }
    }

    [Fact]
    public void Records_that_went_through_JSON_verify_the_same()
    {
        EncodedRecord[] records = SampleLedger.Records(30);
        LedgerVerification verification = LedgerVerifier.VerifyRecords(Decode(records).Select(record =>
        {
            Assert.True(LedgerRecordJson.TryParse(LedgerRecordJson.ToUtf8(record), out LedgerRecord? read, out InputFault? fault), fault?.Message);
            return read;
        }));
        Assert.Empty(verification.Problems);
        Assert.Equal(SampleLedger.HeadOf(records), verification.Head);
    }

    [Fact]
    public void Every_flipped_byte_of_a_ledger_file_is_found()
    {
        LedgerHead head = Write(SampleLedger.Records(6), groups: 2);
        string path = Assert.Single(Directory.GetFiles(_folder.Path, "*.segment"));
        byte[] sound = File.ReadAllBytes(path);
        int end = Array.FindLastIndex(sound, value => value != 0) + 1;
        Assert.InRange(end, 1_000, 4_000);

        var disk = new FaultyDisk();
        for (int at = 0; at < end; at++)
        {
            foreach (byte bits in new byte[] { 0x01, 0x80, 0xFF })
            {
                LedgerVerification verification = VerifyChanged(disk, path, sound, at, bits, head);
                Assert.False(verification.Ok, $"Byte {at} changed by {bits:x2} was not noticed.");
            }
        }

        Assert.True(VerifyChanged(disk, path, sound, 0, 0, head).Ok);
    }

    [Fact]
    public void A_change_behind_the_end_is_a_problem_or_looks_like_a_crash_and_changes_nothing()
    {
        LedgerHead head = Write(SampleLedger.Records(6));
        string path = Assert.Single(Directory.GetFiles(_folder.Path, "*.segment"));
        byte[] sound = File.ReadAllBytes(path);

        // The last group reaches to a multiple of 32 bytes.
        int end = (Array.FindLastIndex(sound, value => value != 0) + 32) / 32 * 32;

        var disk = new FaultyDisk();
        for (int at = end; at < sound.Length; at += 97)
        {
            LedgerVerification verification = VerifyChanged(disk, path, sound, at, 0x10, head);
            Assert.Equal(1, verification.Problems.Count + verification.Remarks.Count);
            Assert.Equal(head, verification.Head);
        }
    }

    [Fact]
    public void Damage_is_told_with_file_and_offset_and_the_segments_behind_it_are_read_too()
    {
        EncodedRecord[] records = SampleLedger.Records(6_000);
        Write(records, groups: 60);
        string[] files = [.. Directory.GetFiles(_folder.Path, "*.segment").Order(StringComparer.Ordinal)];
        Assert.True(files.Length >= 3);
        byte[] bytes = File.ReadAllBytes(files[1]);
        bytes[2_000] ^= 1;
        File.WriteAllBytes(files[1], bytes);

        LedgerVerification verification = LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path);
        Assert.Contains(verification.Problems, problem => problem.Contains(files[1], StringComparison.Ordinal) && problem.Contains("at byte 512", StringComparison.Ordinal));
        Assert.Contains(verification.Problems, problem => problem.Contains("are missing before record", StringComparison.Ordinal));
        Assert.Equal(6_000UL, verification.Head.Sequence);
    }

    [Fact]
    public void A_missing_segment_is_found()
    {
        Write(SampleLedger.Records(6_000), groups: 60);
        string[] files = [.. Directory.GetFiles(_folder.Path, "*.segment").Order(StringComparer.Ordinal)];
        string[] moved = [files[0], files[1], files[^1]];
        foreach (string file in moved)
        {
            string away = file + ".away";
            File.Move(file, away);
            LedgerVerification verification = LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path);
            Assert.Contains(verification.Problems, problem => problem.Contains("missing", StringComparison.Ordinal));
            File.Move(away, file);
        }

        Assert.True(LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path).Ok);
    }

    [Fact]
    public void A_last_segment_without_records_does_not_hide_that_all_before_it_are_missing()
    {
        Write(SampleLedger.Records(50));
        string first = Assert.Single(Directory.GetFiles(_folder.Path, "*.segment"));
        byte[] sector = new byte[Small.SegmentBytes];
        new SegmentHeader(51, 1, Small.SegmentBytes, Small.SegmentBytes / 2, GovernanceLedger.Purpose).Encode(sector);
        File.WriteAllBytes(Path.Combine(_folder.Path, SegmentHeader.FileName(51)), sector);
        File.Delete(first);

        LedgerVerification verification = LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path);

        Assert.Contains($"{Path.GetFileName(first)}, is missing", Assert.Single(verification.Problems), StringComparison.Ordinal);
        Assert.Equal(0UL, verification.Records);
    }

    [Fact]
    public void A_folder_without_a_ledger_is_a_problem()
    {
        Assert.False(LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path).Ok);
        using (SegmentedLog.Open(PhysicalDisk.Instance, _folder.Path, new SegmentedLogOptions { Purpose = "raft" }))
        {
        }

        Assert.Contains("raft", Assert.Single(LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_change_to_any_record_is_found()
    {
        LedgerRecord[] records = Decode(SampleLedger.Records(8));
        for (int at = 0; at < records.Length; at++)
        {
            LedgerRecord record = records[at];
            List<LedgerRecord> changes =
            [
                record with { Sequence = record.Sequence + 1 },
                record with { Index = record.Index.Next },
                record with { Term = record.Term.Next },
                record with { TimeUnixMilliseconds = record.TimeUnixMilliseconds + 1 },
                record with { Lamport = record.Lamport with { Counter = record.Lamport.Counter + 1 } },
                record with { Lamport = record.Lamport with { Node = new NodeId(77) } },
                record with { PreviousHash = new string('1', 64) },
                record with { Hash = new string('2', 64) },
                record with { Hash = "x" },
            ];
            if (record.Submission is { } submission)
            {
                FactSubmission Other(FactSubmission changed) => changed with { CommandId = submission.CommandId };
                changes.Add(record with { Submission = Other(submission with { At = 1 }) });
                changes.Add(record with { Submission = Other(submission with { ExpectedRevision = 12 }) });
                changes.Add(record with { Submission = Other(submission with { Lamport = new LamportTimestamp(0, new NodeId(1)) }) });
                changes.Add(record with { Submission = Other(submission with { Fact = new PromotionApproved(submission.Fact.ProposalId, submission.Fact.Actor) }) });
                var other = new CommandId("other", 1);
                changes.Add(record with { CommandId = other, Submission = submission with { CommandId = other } });
                changes.Add(record with { CommandId = other });
            }
            else
            {
                changes.Add(record with { Leader = new NodeId(9) });
                changes.Add(record with { Leader = null });
            }

            foreach (LedgerRecord change in changes)
            {
                LedgerRecord[] changed = [.. records];
                changed[at] = change;
                Assert.False(LedgerVerifier.VerifyRecords(changed).Ok, $"{change}");
            }
        }
    }

    [Fact]
    public void A_change_is_told_once_and_with_its_record()
    {
        LedgerRecord[] records = Decode(SampleLedger.Records(8));
        records[3] = records[3] with { TimeUnixMilliseconds = records[3].TimeUnixMilliseconds + 1 };
        Assert.StartsWith("Record 4: Its hash is ", Assert.Single(LedgerVerifier.VerifyRecords(records).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_with_a_new_hash_breaks_the_chain_at_the_next_record()
    {
        LedgerRecord[] records = Decode(SampleLedger.Records(8));
        records[3] = Rehashed(records[3] with { TimeUnixMilliseconds = records[3].TimeUnixMilliseconds + 1 });
        Assert.StartsWith("Record 5: It names ", Assert.Single(LedgerVerifier.VerifyRecords(records).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_doubled_and_reordered_records_are_found()
    {
        LedgerRecord[] records = Decode(SampleLedger.Records(8));
        Assert.Equal(
            ["Record 3 is missing before record 4."],
            LedgerVerifier.VerifyRecords([.. records[..2], .. records[3..]]).Problems);
        Assert.Equal(
            ["Records 3 to 5 are missing before record 6."],
            LedgerVerifier.VerifyRecords([.. records[..2], .. records[5..]]).Problems);
        Assert.Equal(
            ["Record 1 is missing before record 2."],
            LedgerVerifier.VerifyRecords(records[1..]).Problems);
        Assert.Equal(
            ["Record 3: It comes again or too late, after record 3."],
            LedgerVerifier.VerifyRecords([.. records[..3], .. records[2..]]).Problems);
        Assert.Equal(
            ["Record 3 is missing before record 4.", "Record 3: It comes again or too late, after record 4."],
            LedgerVerifier.VerifyRecords([.. records[..2], records[3], records[2], .. records[4..]]).Problems);
    }

    [Theory]
    [InlineData(0, "Its time")]
    [InlineData(1, "Its log index")]
    [InlineData(2, "Its term")]
    [InlineData(3, "Its Lamport counter")]
    public void What_may_not_go_back_is_found_even_when_all_hashes_fit(int what, string problem)
    {
        LedgerRecord[] records = Decode(SampleLedger.Records(4));
        records[1] = what switch
        {
            0 => records[1] with { TimeUnixMilliseconds = records[0].TimeUnixMilliseconds - 1 },
            1 => records[1] with { Index = records[0].Index },
            2 => records[1] with { Term = Term.Zero },
            _ => records[1] with { Lamport = records[0].Lamport },
        };
        for (int i = 1; i < records.Length; i++)
        {
            records[i] = Rehashed(records[i] with { PreviousHash = records[i - 1].Hash });
        }

        Assert.Contains(problem, Assert.Single(LedgerVerifier.VerifyRecords(records).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_ledger_that_was_forged_as_a_whole_differs_from_the_saved_head()
    {
        EncodedRecord[] sound = SampleLedger.Records(8);
        LedgerHead saved = SampleLedger.HeadOf(sound[..5]);
        LedgerRecord[] forged = Decode(sound);
        forged[2] = Rehashed(forged[2] with { TimeUnixMilliseconds = forged[2].TimeUnixMilliseconds + 1 });
        for (int i = 3; i < forged.Length; i++)
        {
            forged[i] = Rehashed(forged[i] with { PreviousHash = forged[i - 1].Hash, TimeUnixMilliseconds = forged[i].TimeUnixMilliseconds + 1 });
        }

        Assert.True(LedgerVerifier.VerifyRecords(forged).Ok);
        Assert.Equal(2, LedgerVerifier.VerifyRecords(forged, saved).Problems.Count);
        Assert.Contains("Merkle root", Assert.Single(LedgerVerifier.VerifyRecords(Decode(sound), saved with { Root = saved.Hash }).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_ledger_shorter_than_the_saved_head_is_found()
    {
        EncodedRecord[] records = SampleLedger.Records(8);
        LedgerHead saved = SampleLedger.HeadOf(records);
        Assert.Equal(
            ["The ledger ends with record 7, but the saved head says that there were 8."],
            LedgerVerifier.VerifyRecords(Decode(records[..7]), saved).Problems);

        // In a file the cut leaves nothing behind that is damaged: only the saved head tells.
        Write(records[..7]);
        Assert.True(LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path).Ok);
        Assert.False(LedgerVerifier.VerifyFolder(PhysicalDisk.Instance, _folder.Path, saved).Ok);
    }

    [Fact]
    public void The_saved_heads_own_record_may_not_be_missing()
    {
        EncodedRecord[] records = SampleLedger.Records(8);
        LedgerVerification verification = LedgerVerifier.VerifyRecords(
            Decode([.. records[..4], .. records[5..]]), SampleLedger.HeadOf(records[..5]));
        Assert.Equal(
            ["Record 5 is missing before record 6.", "Record 5, at which the head was saved, is missing."],
            verification.Problems);
    }

    [Fact]
    public void Problems_are_listed_up_to_a_bound_and_counted_beyond_it()
    {
        LedgerRecord[] records = Decode(SampleLedger.Records(300));
        LedgerVerification verification = LedgerVerifier.VerifyRecords(records.Select(record => record with { Hash = new string('0', 64) }));
        Assert.Equal(LedgerVerifier.MaxProblems, verification.Problems.Count);
        Assert.EndsWith("more problems are not listed.", verification.Problems[^1], StringComparison.Ordinal);
    }

    private static LedgerRecord[] Decode(IEnumerable<EncodedRecord> records) => [.. records.Select(LedgerRecordCodec.Decode)];

    private static LedgerRecord Rehashed(LedgerRecord record) => record with { Hash = LedgerRecordCodec.Encode(record).Hash.ToString() };

    private static LedgerVerification VerifyChanged(FaultyDisk disk, string path, byte[] sound, int at, byte bits, LedgerHead saved)
    {
        byte[] changed = [.. sound];
        changed[at] ^= bits;
        disk.Put(path, changed);
        return LedgerVerifier.VerifyFolder(disk, Path.GetDirectoryName(path)!, saved);
    }

    private LedgerHead Write(EncodedRecord[] records, int groups = 1)
    {
        using GovernanceLedger ledger = GovernanceLedger.Open(PhysicalDisk.Instance, _folder.Path, Small);
        foreach (EncodedRecord[] group in records.Chunk((records.Length + groups - 1) / groups))
        {
            foreach (EncodedRecord record in group)
            {
                ledger.Append(record);
            }

            ledger.Flush();
        }

        return ledger.Head;
    }
}
