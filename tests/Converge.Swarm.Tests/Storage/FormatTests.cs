using System.Text;
using Converge.Core;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

/// <summary>The bytes on disk, as documented in docs/formats. They never change; a new version gets new bytes beside these.</summary>
public sealed class FormatTests
{
    [Fact]
    public void The_checksum_is_CRC_32C()
    {
        Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0u, Crc32C.Compute([]));
    }

    [Fact]
    public void A_segment_header_is_512_bytes_as_documented()
    {
        var bytes = Filled();

        Assert.Equal("4356534547 4C4F47 01000000 00080000 0010000000000000 0100000000000000 0000000000000000".Replace(" ", "", StringComparison.Ordinal), Convert.ToHexString(bytes.AsSpan(0, 40)));
        Assert.Equal("test" + new string('\0', 28), Encoding.ASCII.GetString(bytes, 40, 32));
        Assert.False(bytes.AsSpan(72, 436).ContainsAnyExcept((byte)0));
        Assert.Equal(SegmentHeaderChecksum, Convert.ToHexString(bytes.AsSpan(508, 4)));
    }

    [Fact]
    public void A_group_is_a_header_of_32_bytes_and_records_with_their_lengths_padded_to_32()
    {
        Assert.Equal(Group, Convert.ToHexString(Filled().AsSpan(512, 64)));
    }

    [Fact]
    public void A_seal_is_a_group_header_without_records_and_names_the_next_record()
    {
        var disk = new FaultyDisk();
        using (var log = SmallLog.Open(disk))
        {
            log.AppendGroup(1900);
            log.AppendGroup(1900);
        }

        var bytes = disk.Bytes(SmallLog.File(1));
        Assert.Equal(Seal, Convert.ToHexString(bytes.AsSpan(512 + 32 + 1920, 32)));
        Assert.False(bytes.AsSpan(512 + 32 + 1920 + 32).ContainsAnyExcept((byte)0));
        Assert.Equal("02000000000000000100000000000000", Convert.ToHexString(disk.Bytes(SmallLog.File(2)).AsSpan(24, 16)));
    }

    [Fact]
    public void A_log_in_the_first_format_can_be_read()
    {
        var bytes = new byte[4096];
        Convert.FromHexString("43565345474C4F470100000000080000001000000000000001000000000000000000000000000000" + "74657374").CopyTo(bytes, 0);
        Convert.FromHexString(SegmentHeaderChecksum).CopyTo(bytes, 508);
        Convert.FromHexString(Group).CopyTo(bytes, 512);
        var disk = new FaultyDisk();
        disk.Put(SmallLog.File(1), bytes);

        using var log = SmallLog.Open(disk);

        Assert.Equal("a,,record", string.Join(',', log.ReadAll().Select(Encoding.ASCII.GetString)));
    }

    [Fact]
    public void A_segment_of_a_later_format_is_refused_and_not_called_damaged()
    {
        var bytes = Filled();
        bytes[8] = 2;
        BitConverter.TryWriteBytes(bytes.AsSpan(508), Crc32C.Compute(bytes.AsSpan(0, 508)));
        var disk = new FaultyDisk();
        disk.Put(SmallLog.File(1), bytes);

        Assert.Throws<WrongLogException>(() => SmallLog.Open(disk));
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public void A_log_batch_has_these_bytes_for_ever(string what, LogBatch batch, string bytes)
    {
        Assert.NotEmpty(what);
        bytes = bytes.Replace(" ", "", StringComparison.Ordinal);

        Assert.Equal(bytes, Convert.ToHexString(LogBatchCodec.Encode(batch)));
        Assert.Equal(bytes.Length / 2, LogBatchCodec.Measure(batch));
        RequireSame(batch, LogBatchCodec.Decode(Convert.FromHexString(bytes)));
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public void Bytes_that_are_not_exactly_one_batch_are_refused(string what, LogBatch batch, string bytes)
    {
        Assert.NotEmpty(what);
        Assert.NotNull(batch);
        var whole = Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal));
        for (var length = 0; length < whole.Length; length++)
        {
            var error = Assert.Throws<LogBatchFormatException>(() => LogBatchCodec.Decode(whole.AsMemory(0, length)));
            Assert.InRange(error.Offset, 0, length);
        }

        Assert.Throws<LogBatchFormatException>(() => LogBatchCodec.Decode(Bytes([.. whole, 0])));
        Assert.Throws<LogBatchFormatException>(() => LogBatchCodec.Decode(Bytes([2, .. whole[1..]])));
        Assert.Throws<LogBatchFormatException>(() => LogBatchCodec.Decode(Bytes([1, (byte)(whole[1] | 16), .. whole[2..]])));

        static byte[] Bytes(byte[] bytes) => bytes;
    }

    [Theory]
    [InlineData("0108 00000000 0100000000000000")]
    [InlineData("0108 FFFFFFFF 0100000000000000 0100000000000000 00 00000000")]
    [InlineData("0108 FFFFFF7F 0100000000000000 0100000000000000 00 00000000")]
    [InlineData("0108 01000000 FFFFFFFFFFFFFFFF 0100000000000000 00 00000000")]
    [InlineData("0108 01000000 0100000000000000 0100000000000000 00 FFFFFFFF")]
    [InlineData("0108 01000000 0100000000000000 0100000000000000 00 FFFFFF7F")]
    public void Lengths_that_lie_are_refused_before_anything_is_allocated(string bytes)
    {
        Assert.Throws<LogBatchFormatException>(() => LogBatchCodec.Decode(Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal))));
    }

    [Fact]
    public void Entries_with_a_gap_have_no_encoding()
    {
        var batch = new LogBatch { Entries = [new LogEntry(new LogIndex(1), new Term(1), 0, default), new LogEntry(new LogIndex(3), new Term(1), 0, default)] };

        Assert.Throws<LogOrderException>(() => LogBatchCodec.Encode(batch));
    }

    public static TheoryData<string, LogBatch, string> Batches => new()
    {
        { "nothing", LogBatch.Empty, "0100" },
        {
            "state",
            new LogBatch { State = new DurableState(new Term(5), new NodeId(3), new LogIndex(258)) },
            "0101 0500000000000000 0300000000000000 0201000000000000"
        },
        { "truncation", new LogBatch { TruncateFrom = new LogIndex(9) }, "0102 0900000000000000" },
        {
            "mark",
            new LogBatch { State = new DurableState(new Term(5), NodeId.None, new LogIndex(9)), Mark = new SnapshotMark(new LogIndex(8), new Term(4)) },
            "0105 0500000000000000 0000000000000000 0900000000000000 0800000000000000 0400000000000000"
        },
        {
            "entries",
            new LogBatch
            {
                Entries =
                [
                    new LogEntry(new LogIndex(7), new Term(2), 1, new byte[] { 0xAA, 0xBB, 0xCC }),
                    new LogEntry(new LogIndex(8), new Term(3), 0, default),
                ],
            },
            "0108 02000000 0700000000000000 0200000000000000 01 03000000 AABBCC 0300000000000000 00 00000000"
        },
        {
            "everything",
            new LogBatch
            {
                State = new DurableState(new Term(ulong.MaxValue), new NodeId(1), new LogIndex(2)),
                TruncateFrom = new LogIndex(4),
                Mark = new SnapshotMark(new LogIndex(2), new Term(1)),
                Entries = [new LogEntry(new LogIndex(4), new Term(9), 255, new byte[] { 0 })],
            },
            "010F FFFFFFFFFFFFFFFF 0100000000000000 0200000000000000 0400000000000000 0200000000000000 0100000000000000 01000000 0400000000000000 0900000000000000 FF 01000000 00"
        },
    };

    private const string SegmentHeaderChecksum = "822B2921";

    private const string Group =
        "4347525013000000010000000000000003000000072AC9B90000000099057885" +
        "010000006100000000060000007265636F726400000000000000000000000000";

    private const string Seal = "43475250000000000200000000000000000000000000000000000000F1C08C9C";

    private static byte[] Filled()
    {
        var disk = new FaultyDisk();
        using var log = SmallLog.Open(disk);
        log.Append(["a"u8.ToArray(), Array.Empty<byte>(), "record"u8.ToArray()]);
        log.Flush();
        return disk.Bytes(SmallLog.File(1));
    }

    private static void RequireSame(LogBatch expected, LogBatch found)
    {
        Assert.Equal(expected.State, found.State);
        Assert.Equal(expected.TruncateFrom, found.TruncateFrom);
        Assert.Equal(expected.Mark, found.Mark);
        Assert.Equal(expected.Entries, found.Entries);
    }
}
