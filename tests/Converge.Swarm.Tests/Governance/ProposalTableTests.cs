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

            string[] expected = [.. table.All().OrderBy(one => one.Key).Select(one => Id(one.Proposal)!)];
            Assert.Equal(expected, Ids(table));
        }
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
