using System.Text;
using Converge.Core;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Tests.Governance;

/// <summary>Equal keys of different ids cannot be made, only given: nobody has two ids whose hashes begin with the same 64 bits.</summary>
public sealed class ProposalTableTests
{
    [Fact]
    public void Proposals_of_one_key_are_told_apart_and_stand_in_the_order_of_their_ids()
    {
        var table = new ProposalTable();
        foreach ((ulong key, string id) in ((ulong, string)[])[(7, "b"), (3, "z"), (7, "c"), (7, "a"), (9, "d")])
        {
            table.Add(key, New(id));
        }

        Assert.Equal(5, table.Count);
        Assert.Equal("c", Id(table.Find(7, "c"u8)));
        Assert.Null(table.Find(7, "z"u8));
        Assert.Null(table.Find(8, "a"u8));
        var sorted = new SortedProposals(table);
        Assert.Equal([3UL, 7, 7, 7, 9], Enumerable.Range(0, sorted.Count).Select(sorted.KeyOf));
        Assert.Equal(["z", "a", "b", "c", "d"], Ids(table));
    }

    [Fact]
    public void What_a_table_lacks_it_takes_from_an_older_one()
    {
        var older = new ProposalTable();
        Proposal kept = New("a");
        older.Add(7, kept);
        older.Add(7, New("b"));
        older.Add(7, New("c"));
        older.Add(1, New("d"));
        var table = new ProposalTable();
        Proposal newer = New("b");
        table.Add(7, newer);
        table.AddMissing(older);
        Assert.Equal(4, table.Count);
        Assert.Same(newer, table.Find(7, "b"u8));
        Assert.Same(kept, table.Find(7, "a"u8));
        Assert.Equal(["d", "a", "b", "c"], Ids(table));
    }

    /// <summary>It takes no object as long as nothing else is recorded about it; what is written of it is the same.</summary>
    [Fact]
    public void A_proposal_that_was_only_created_stands_for_the_one_that_it_would_be()
    {
        var table = new ProposalTable();
        var objects = new ProposalTable();
        for (int i = 0; i < 40; i++)
        {
            string id = $"p-{i}-{new string('x', 3 * i)}";
            ulong sequence = (ulong)(1 + (i * i * 1_000));
            byte[] creation = Creation(id);
            table.AddCreated((ulong)i, creation, id.Length, sequence);
            objects.Add((ulong)i, new Proposal(creation, id.Length, sequence));
        }

        var one = new SortedProposals(table);
        var other = new SortedProposals(objects);
        Assert.All(Enumerable.Range(0, 40), place => Assert.Equal(other.RecordOf(place).ToArray(), one.RecordOf(place).ToArray()));
    }

    [Fact]
    public void What_was_found_is_changed_in_the_table_when_the_table_was_told_to_keep_it()
    {
        var table = new ProposalTable();
        foreach (string id in (string[])["a", "b", "c"])
        {
            table.AddCreated(7, Creation(id), id.Length, 1);
        }

        Proposal found = table.Find(7, "b"u8)!;
        Assert.NotSame(found, table.Find(7, "b"u8));
        table.Keep(7, found);
        found.Record(FactKind.ValidationPassed, [1], 2);
        Assert.Same(found, table.Find(7, "b"u8));
        Assert.Equal([1UL, 2, 1], new[] { "a"u8.ToArray(), "b"u8.ToArray(), "c"u8.ToArray() }.Select(id => table.Find(7, id)!.Revision));
        Assert.Equal(["a", "b", "c"], Ids(table));
    }

    [Fact]
    public void However_many_there_are_they_stand_in_the_order_of_their_keys()
    {
        foreach (int count in new[] { 0, 1, 2, 15, 16, 17, 3_000 })
        {
            var table = new ProposalTable();
            for (int i = 0; i < count; i++)
            {
                string id = $"p-{i}";
                table.Add(ProposalKey.Of(Encoding.UTF8.GetBytes(id)), New(id));
            }

            string[] expected = [.. table.Slots.ToArray().OrderBy(slot => slot.Key).Select(slot => Encoding.UTF8.GetString(slot.Id))];
            Assert.Equal(expected, Ids(table));
        }
    }

    /// <summary>Keys that begin alike, end alike, or are the same: whatever a place is told by, some others have it too.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    public void Each_is_found_and_no_other_however_alike_their_keys_are(int capacity)
    {
        var random = new Random(capacity);
        ulong[] halves = [0, 1, 2, 7, 8, uint.MaxValue];
        ulong Half() => random.Next(3) == 0 ? (ulong)random.NextInt64(uint.MaxValue) : halves[random.Next(halves.Length)];
        var table = new ProposalTable(capacity);
        var model = new Dictionary<(ulong Key, string Id), Proposal>();
        for (int i = 0; i < 3_000; i++)
        {
            ulong key = (Half() << 32) | Half();
            string id = $"p-{i % 50}";
            Assert.Equal(model.GetValueOrDefault((key, id)), table.Find(key, Encoding.UTF8.GetBytes(id)));
            Proposal proposal = New(id);
            if (model.TryAdd((key, id), proposal))
            {
                table.Add(key, proposal);
            }
        }

        Assert.Equal(model.Count, table.Count);
        Assert.All(model, one => Assert.Same(one.Value, table.Find(one.Key.Key, Encoding.UTF8.GetBytes(one.Key.Id))));
    }

    private static IEnumerable<string> Ids(ProposalTable table)
    {
        var sorted = new SortedProposals(table);
        return Enumerable.Range(0, sorted.Count).Select(place => Encoding.UTF8.GetString(sorted.IdOf(place)));
    }

    private static string? Id(Proposal? proposal) => proposal is null ? null : Encoding.UTF8.GetString(proposal.Id);

    private static Proposal New(string id) => new(Creation(id), id.Length, 1);

    private static byte[] Creation(string id)
    {
        var submission = new FactSubmission(new ProposalCreated(id, "author", "title", "c0ffee"));
        byte[] bytes = new byte[FactCodec.SizeOf(submission)];
        var writer = new FieldWriter(bytes);
        FactCodec.Write(ref writer, submission);
        return bytes;
    }
}
