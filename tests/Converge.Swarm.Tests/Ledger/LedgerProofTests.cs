using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Ledger;

public sealed class LedgerProofTests
{
    private static readonly GovernanceLedgerOptions Small = new() { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes };
    private static readonly EncodedRecord[] Records = SampleLedger.Records((3 * SubtreeRoots.BlockSize) + 77);

    private static readonly ulong[] Places =
        [1, 2, 3, 511, 512, 513, 1_023, 1_024, 1_025, 1_500, 2_047, 2_048, 2_049, 3_071, 3_072, 3_073, 3_148, 3_149];

    [Fact]
    public void A_ledger_proves_what_the_tree_over_all_its_records_proves()
    {
        using GovernanceLedger ledger = Open(new FaultyDisk(), Records);
        foreach (ulong size in Places)
        {
            Hash256 root = MerkleTree.Root(LeafAt, size);
            foreach (ulong sequence in Places.TakeWhile(place => place <= size))
            {
                InclusionProof proof = ledger.ProveInclusion(sequence, size);
                Assert.Equal(MerkleTree.InclusionProof(LeafAt, sequence - 1, size).Select(hash => hash.ToString()), proof.Path);
                Assert.Equal((sequence, size, root.ToString()), (proof.Sequence, proof.Size, proof.Root));
                Assert.True(ReceiptVerifier.Holds(proof));

                ConsistencyProof growth = ledger.ProveConsistency(sequence, size);
                Assert.Equal(MerkleTree.ConsistencyProof(LeafAt, sequence, size).Select(hash => hash.ToString()), growth.Path);
                Assert.Equal(MerkleTree.Root(LeafAt, sequence).ToString(), growth.FromRoot);
                Assert.True(ReceiptVerifier.Holds(growth));
            }
        }
    }

    [Fact]
    public void Without_a_size_it_is_that_of_the_ledger_as_it_stands()
    {
        using GovernanceLedger ledger = Open(new FaultyDisk(), Records[..10]);
        LedgerHead head = ledger.Head;
        Assert.Equal((10UL, head.Root), (ledger.ProveInclusion(3).Size, ledger.ProveInclusion(3).Root));
        Assert.Equal((10UL, head.Root), (ledger.ProveConsistency(3).To, ledger.ProveConsistency(3).ToRoot));
        Assert.Equal(head, ledger.Receipt(3).Head);
    }

    [Fact]
    public void A_receipt_for_an_earlier_head_has_the_head_of_that_time()
    {
        using GovernanceLedger ledger = Open(new FaultyDisk(), Records);
        foreach (ulong size in new ulong[] { 5, 1_024, 2_000 })
        {
            LedgerHead then = SampleLedger.HeadOf(Records[..(int)size]);
            LedgerReceipt receipt = ledger.Receipt(5, size);
            Assert.Equal(then, receipt.Head);
            Assert.Empty(ReceiptVerifier.Verify(receipt, then));
        }
    }

    [Fact]
    public void Proofs_are_the_same_while_the_ledger_grows_and_after_a_restart()
    {
        var disk = new FaultyDisk();
        List<InclusionProof> proofs = [];
        using (GovernanceLedger ledger = GovernanceLedger.Open(disk, "ledger", Small))
        {
            foreach (EncodedRecord[] batch in Records.Chunk(100))
            {
                Append(ledger, batch);
                proofs.Add(ledger.ProveInclusion(batch[0].Sequence));
                ledger.Flush();
            }
        }

        using GovernanceLedger reopened = GovernanceLedger.Open(disk, "ledger", Small);
        Assert.All(proofs, proof => Assert.Equal(InclusionProofJson.ToUtf8(proof), InclusionProofJson.ToUtf8(reopened.ProveInclusion(proof.Sequence, proof.Size))));
    }

    [Fact]
    public void A_proof_reads_no_more_than_the_blocks_it_goes_through_and_a_second_one_reads_nothing()
    {
        var disk = new FaultyDisk();
        using GovernanceLedger ledger = Open(disk, Records);
        long all = Records.Sum(record => (long)record.Bytes.Length);

        long before = disk.BytesRead;
        ledger.ProveInclusion(1_100);
        long first = disk.BytesRead - before;
        ledger.ProveInclusion(1_101);
        ledger.ProveInclusion(1_900);
        ledger.ProveConsistency(1_100);

        Assert.Equal(first, disk.BytesRead - before);
        Assert.InRange(first, 1, all * 3 / 4);
    }

    [Fact]
    public void No_more_than_a_bounded_number_of_blocks_is_kept()
    {
        Hash256[] leaves = [.. Enumerable.Range(0, SubtreeRoots.BlockSize).Select(number => Hash256.Of([(byte)number, (byte)(number >> 8)]))];
        Hash256 root = MerkleTree.Root(leaf => leaves[leaf], SubtreeRoots.BlockSize);
        int reads = 0;
        LeafBlocks blocks = new(
            (first, limit) =>
            {
                reads++;
                return leaves[(int)(first % SubtreeRoots.BlockSize)..][..limit];
            },
            (_, _) => { });

        for (ulong block = 0; block < 2 * LeafBlocks.MaxBlocks; block++)
        {
            Assert.Equal(root, blocks.Subtree(SubtreeRoots.BlockLevel, block));
        }

        Assert.Equal((LeafBlocks.MaxBlocks, 2 * LeafBlocks.MaxBlocks), (blocks.Count, reads));
        blocks.Subtree(0, (ulong)LeafBlocks.MaxBlocks << SubtreeRoots.BlockLevel);
        Assert.Equal(2 * LeafBlocks.MaxBlocks, reads);
        blocks.Subtree(0, 0);
        Assert.Equal(1, reads - (2 * LeafBlocks.MaxBlocks));
    }

    [Fact]
    public void A_block_of_which_a_part_was_read_wrong_is_read_anew_as_a_whole()
    {
        Hash256[] leaves = [.. Records[..SubtreeRoots.BlockSize].Select(record => record.Hash)];
        Hash256 root = MerkleTree.Root(LeafAt, SubtreeRoots.BlockSize);
        bool wrong = true;
        LeafBlocks blocks = new(
            (first, limit) => wrong && first == 0 ? [MerkleTree.EmptyRoot] : leaves[(int)first..][..limit],
            (_, read) =>
            {
                if (read != root)
                {
                    throw new InvalidDataException();
                }
            });
        blocks.Subtree(0, 0);

        Assert.Throws<InvalidDataException>(() => blocks.Subtree(0, 1));
        Assert.Throws<InvalidDataException>(() => blocks.Subtree(0, 1));
        wrong = false;

        Assert.Equal(leaves[0], blocks.Subtree(0, 0));
        Assert.Equal(root, blocks.Subtree(SubtreeRoots.BlockLevel, 0));
    }

    [Fact]
    public async Task Readers_get_sound_proofs_while_the_ledger_grows()
    {
        using GovernanceLedger ledger = Open(new FaultyDisk(), Records[..1]);
        Task[] readers = [.. Enumerable.Range(0, 3).Select(reader => Task.Run(() =>
        {
            ulong seen = 0;
            while (seen < (ulong)Records.Length)
            {
                LedgerReceipt receipt = ledger.Receipt(Math.Max(1, seen / (ulong)(reader + 1)));
                Assert.Empty(ReceiptVerifier.Verify(receipt));
                Assert.True(ReceiptVerifier.Holds(ledger.ProveConsistency(seen, receipt.Head.Sequence)));
                seen = receipt.Head.Sequence;
            }
        }))];

        foreach (EncodedRecord[] batch in Records[1..].Chunk(61))
        {
            Append(ledger, batch);
            ledger.Flush();
        }

        await Task.WhenAll(readers);
    }

    [Theory]
    [InlineData(0, null, "sequence", false)]
    [InlineData(11, null, "sequence", true)]
    [InlineData(3, 11UL, "size", true)]
    [InlineData(3, 2UL, "size", false)]
    [InlineData(11, 5UL, "size", false)]
    [InlineData(1, 0UL, "size", false)]
    [InlineData(ulong.MaxValue, null, "sequence", true)]
    [InlineData(1, ulong.MaxValue, "size", true)]
    public void What_is_out_of_range_is_said_with_its_parameter(ulong sequence, ulong? size, string parameter, bool beyond)
    {
        using GovernanceLedger ledger = Open(new FaultyDisk(), Records[..10]);
        foreach (Action prove in new Action[] { () => ledger.ProveInclusion(sequence, size), () => ledger.Receipt(sequence, size) })
        {
            LedgerRangeException range = Assert.Throws<LedgerRangeException>(prove);
            Assert.Equal((parameter, beyond), (range.Parameter, range.IsBeyondLedger));
        }
    }

    [Theory]
    [InlineData(11, null, "from", true)]
    [InlineData(3, 11UL, "to", true)]
    [InlineData(3, 2UL, "from", false)]
    public void A_consistency_out_of_range_is_said_with_its_parameter(ulong from, ulong? to, string parameter, bool beyond)
    {
        using GovernanceLedger ledger = Open(new FaultyDisk(), Records[..10]);
        LedgerRangeException range = Assert.Throws<LedgerRangeException>(() => ledger.ProveConsistency(from, to));
        Assert.Equal((parameter, beyond), (range.Parameter, range.IsBeyondLedger));
    }

    [Fact]
    public void An_empty_ledger_is_the_beginning_of_every_other()
    {
        using GovernanceLedger ledger = Open(new FaultyDisk(), []);
        ConsistencyProof nothing = ledger.ProveConsistency(0);
        Assert.Equal((0UL, 0UL, MerkleTree.EmptyRoot.ToString()), (nothing.From, nothing.To, nothing.ToRoot));
        Assert.True(ReceiptVerifier.Holds(nothing));
        Append(ledger, Records[..5]);
        Assert.True(ReceiptVerifier.Holds(ledger.ProveConsistency(0)));
        Assert.Equal("sequence", Assert.Throws<LedgerRangeException>(() => ledger.ProveInclusion(0)).Parameter);
    }

    [Fact]
    public void A_record_that_was_exchanged_while_the_ledger_was_open_is_found_by_the_next_proof()
    {
        var disk = new FaultyDisk();
        using GovernanceLedger ledger = Open(disk, Records);

        // Another ledger in the same files, sound in itself: only its hashes tell.
        var otherDisk = new FaultyDisk();
        Open(otherDisk, Forged(from: 1_499)).Dispose();
        Assert.Equal(disk.Files, otherDisk.Files);
        foreach (string path in disk.Files)
        {
            otherDisk.Bytes(path).CopyTo(disk.Bytes(path), 0);
        }

        Assert.Equal(1_025UL, Assert.Throws<LedgerDamagedException>(() => ledger.ProveInclusion(1_025)).Sequence);
        Assert.Throws<LedgerDamagedException>(() => ledger.ProveInclusion(1_025));
        Assert.True(ReceiptVerifier.Holds(ledger.ProveInclusion(5, 1_024)));
    }

    private static EncodedRecord[] Forged(int from)
    {
        EncodedRecord[] forged = [.. Records];
        for (int i = from; i < forged.Length; i++)
        {
            LedgerRecord record = LedgerRecordCodec.Decode(forged[i]);
            forged[i] = LedgerRecordCodec.Encode(record with
            {
                TimeUnixMilliseconds = record.TimeUnixMilliseconds + 1,
                PreviousHash = forged[i - 1].Hash.ToString(),
            });
        }

        return forged;
    }

    private static GovernanceLedger Open(FaultyDisk disk, EncodedRecord[] records)
    {
        GovernanceLedger ledger = GovernanceLedger.Open(disk, "ledger", Small);
        foreach (EncodedRecord[] batch in records.Chunk(200))
        {
            Append(ledger, batch);
            ledger.Flush();
        }

        return ledger;
    }

    private static void Append(GovernanceLedger ledger, IEnumerable<EncodedRecord> records)
    {
        foreach (EncodedRecord record in records)
        {
            ledger.Append(record);
        }
    }

    private static Hash256 LeafAt(ulong leaf) => Records[leaf].Hash;
}
