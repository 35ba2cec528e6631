using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Tests.Ledger;

public sealed class RecordBufferTests
{
    /// <summary>Any order of adding and removing, with records of all sizes: the buffer goes round in its memory, grows, and is emptied many times.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_is_in_it_is_what_was_put_in_whatever_was_removed_before(int seed)
    {
        var random = new Random(seed);
        var buffer = new RecordBuffer();
        var expected = new List<EncodedRecord>();
        ulong sequence = 0;
        for (int step = 0; step < 3_000; step++)
        {
            if (random.Next(3) > 0)
            {
                EncodedRecord record = RecordOf(++sequence, random.Next(20) == 0 ? random.Next(FactLimits.MaxTitleLength) : random.Next(300));
                buffer.Add(record.View);
                expected.Add(record);
            }
            else
            {
                int removed = random.Next(10) == 0 ? expected.Count : Math.Min(expected.Count, random.Next(4));
                ReadOnlyMemory<byte>[] bytes = buffer.First(removed, int.MaxValue);
                Assert.All(bytes.Zip(expected), pair => Assert.True(pair.First.Span.SequenceEqual(pair.Second.Bytes.Span)));
                buffer.RemoveFirst(removed);
                expected.RemoveRange(0, removed);
            }

            Assert.Equal(expected.Count, buffer.Count);
        }

        EncodedRecord[] left = buffer.Slice(0, buffer.Count);
        Assert.Equal(expected.Select(record => (record.Sequence, record.Hash)), left.Select(record => (record.Sequence, record.Hash)));
        Assert.All(left.Zip(expected), pair => Assert.True(pair.First.Bytes.Span.SequenceEqual(pair.Second.Bytes.Span)));
    }

    /// <summary>A flush writes what it was given while others add: that is not moved, and not overwritten.</summary>
    [Fact]
    public void Bytes_that_were_given_stay_good_while_the_buffer_grows()
    {
        var buffer = new RecordBuffer();
        EncodedRecord first = RecordOf(1, 200);
        buffer.Add(first.View);
        ReadOnlyMemory<byte> given = buffer.First(1, int.MaxValue)[0];
        for (ulong sequence = 2; sequence < 2_000; sequence++)
        {
            buffer.Add(RecordOf(sequence, 200).View);
        }

        Assert.True(given.Span.SequenceEqual(first.Bytes.Span));
    }

    [Fact]
    public void So_many_are_given_as_fit_and_one_at_least()
    {
        var buffer = new RecordBuffer();
        for (ulong sequence = 1; sequence <= 9; sequence++)
        {
            buffer.Add(RecordOf(sequence, 200).View);
        }

        int one = RecordOf(1, 200).Bytes.Length;
        Assert.Equal(9, buffer.First(9, 9 * one).Length);
        Assert.Equal(3, buffer.First(3, 9 * one).Length);
        Assert.Equal(2, buffer.First(9, (3 * one) - 1).Length);
        Assert.Single(buffer.First(9, one));
        Assert.Single(buffer.First(9, 1));
        Assert.Empty(buffer.First(0, one));
    }

    private static EncodedRecord RecordOf(ulong sequence, int textLength)
    {
        var fact = new FactSubmission(new ProposalCreated($"p{sequence}", "author://ann", new string('€', textLength)));
        var record = new LedgerRecord(
            sequence,
            new LogIndex(sequence),
            new Term(1),
            1_000,
            new LamportTimestamp(sequence, new NodeId(1)),
            RecordKind.Fact,
            CommandId: null,
            fact,
            Leader: null,
            Hash256.Zero.ToString(),
            Hash256.Zero.ToString());
        return LedgerRecordCodec.Encode(record);
    }
}
