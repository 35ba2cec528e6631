using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;

namespace Converge.Swarm.Tests.Members;

public sealed class MemberTableCodecTests
{
    private const string Bytes =
        "0109000000000000000302000000000000000300000000000000040000000000000003010000000000000002000000000000000300000000000000000001040100000000000000020100000000000000010e003132372e302e302e313a373230311500687474703a2f2f3132372e302e302e313a373130310200000000000000020100000000000000010e003132372e302e302e313a373230321500687474703a2f2f3132372e302e302e313a373130320300000000000000020100000000000000000e003132372e302e302e313a373230330400000000000000020500000000000000000e003132372e302e302e313a37323034020001000000000000000500000000000000";

    private static readonly MemberTable Table = Joint();

    [Fact]
    public void The_bytes_of_a_table_never_change() => Assert.Equal(Bytes, Convert.ToHexStringLower(MemberTableCodec.Encode(Table)));

    [Fact]
    public void Old_bytes_stay_readable()
    {
        MemberTable read = MemberTableCodec.Decode(Convert.FromHexString(Bytes));

        Assert.Equal(Table.Configuration, read.Configuration);
        Assert.Equal(Table.Members.AsEnumerable(), read.Members);
        Assert.Equal(Table.Removed.AsEnumerable(), read.Removed);
        Assert.Equal(Table.ChangedAt, read.ChangedAt);
    }

    [Fact]
    public void The_table_of_a_node_that_knows_nobody_has_bytes_too() =>
        Assert.Empty(MemberTableCodec.Decode(MemberTableCodec.Encode(MemberTable.Empty)).Members);

    [Fact]
    public void Bytes_that_are_cut_or_go_on_or_of_the_future_are_no_table()
    {
        byte[] bytes = Convert.FromHexString(Bytes);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<MalformedEncodingException>(() => MemberTableCodec.Decode(bytes.AsSpan(0, length)));
        }

        Assert.Throws<MalformedEncodingException>(() => MemberTableCodec.Decode([.. bytes, 0]));
        Assert.Throws<MalformedEncodingException>(() => MemberTableCodec.Decode([2, .. bytes[1..]]));
    }

    [Fact]
    public void Bytes_of_chance_are_refused_or_read_but_never_anything_else()
    {
        var random = new Random(11);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = Convert.FromHexString(Bytes);
            for (int flips = random.Next(1, 5); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Assert.Equal(bytes, MemberTableCodec.Encode(MemberTableCodec.Decode(bytes)));
            }
            catch (MalformedEncodingException)
            {
                // The one other thing that may happen.
            }
        }
    }

    /// <summary>Within a change that replaces two voters, after one identity was removed for good.</summary>
    private static MemberTable Joint()
    {
        MemberTable table = MemberTable.Founded(
            [.. Enumerable.Range(1, 3).Select(id => new MemberAddress(new NodeId((ulong)id), $"127.0.0.1:720{id}", id == 3 ? null : $"http://127.0.0.1:710{id}", false))],
            new LogIndex(1));
        table = After(table, 5, MembershipStep.Add(new NodeId(4), MemberRole.Voter, "127.0.0.1:7204"));
        table = After(table, 6, MembershipStep.Add(new NodeId(5), MemberRole.Learner, "127.0.0.1:7205"));
        table = After(table, 7, MembershipStep.Remove(new NodeId(5)));
        table = After(table, 9, MembershipStep.Promote(new NodeId(4)), MembershipStep.Remove(new NodeId(1)));
        Assert.True(table.Configuration.IsJoint);
        return table;
    }

    private static MemberTable After(MemberTable table, ulong index, params MembershipStep[] steps)
    {
        Assert.Null(table.TryChange([.. steps], new LogIndex(index), out MemberTable next));
        return next;
    }
}
