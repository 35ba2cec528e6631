using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft.Tests.Protocol;

public sealed class FingerprintTests
{
    /// <summary>1 becomes 2, 2 becomes 3, 3 becomes 1.</summary>
    private static readonly ImmutableArray<NodeId> Turned = [NodeId.None, new NodeId(2), new NodeId(3), new NodeId(1)];

    [Fact]
    public void Under_other_names_a_node_has_the_fingerprint_of_the_one_that_did_the_same_under_them()
    {
        TestCluster cluster = After(leader: 1, follower: 2);
        TestCluster turned = After(leader: 2, follower: 3);
        for (int id = 1; id <= 3; id++)
        {
            int other = (int)Turned[id].Value;
            Assert.NotEqual(Of(cluster[id]), Of(turned[id]));
            Assert.Equal(Of(turned[other]), Of(cluster[id], Turned));
            Assert.Equal(Of(turned.Storages[other - 1]), Of(cluster.Storages[id - 1], Turned));
        }
    }

    [Fact]
    public void The_order_in_which_members_are_kept_makes_no_difference_and_who_is_in_which_set_does()
    {
        Assert.Equal(Of(ConfigurationState.OfVoters(new NodeId(1), new NodeId(3)), Turned), Of(ConfigurationState.OfVoters(new NodeId(1), new NodeId(2))));
        Assert.NotEqual(
            Of(ConfigurationState.Create([new NodeId(1)], [], [new NodeId(2)], [], autoLeave: false)),
            Of(ConfigurationState.Create([new NodeId(2)], [], [new NodeId(1)], [], autoLeave: false)));
    }

    /// <summary>One is elected, proposes, hears of one follower, and grants a read: every kind of field is filled.</summary>
    private static TestCluster After(int leader, int follower)
    {
        var cluster = new TestCluster(3, options => options with { Random = Constant.Instance, PreVote = false });
        cluster.Elect(leader);
        cluster.IsLost = message => (int)message.To.Value != leader && (int)message.To.Value != follower;
        cluster[leader].Propose(new byte[] { 1 });
        cluster.Settle();
        cluster.IsLost = _ => true;
        cluster[leader].Propose(new byte[] { 2 });
        cluster[leader].ReadIndex(7);
        cluster.Settle();
        return cluster;
    }

    private static StateFingerprint Of(RaftNode node, ImmutableArray<NodeId> names = default)
    {
        var fingerprint = StateFingerprint.Relabelled(names);
        node.Fingerprint(ref fingerprint);
        return fingerprint;
    }

    private static StateFingerprint Of(InMemoryRaftStorage storage, ImmutableArray<NodeId> names = default)
    {
        var fingerprint = StateFingerprint.Relabelled(names);
        storage.Fingerprint(ref fingerprint);
        return fingerprint;
    }

    private static StateFingerprint Of(ConfigurationState configuration, ImmutableArray<NodeId> names = default)
    {
        var fingerprint = StateFingerprint.Relabelled(names);
        fingerprint.Add(configuration);
        return fingerprint;
    }

    private sealed class Constant : IRandomSource
    {
        public static readonly Constant Instance = new();

        public int Next(int exclusiveMax) => 0;
    }
}
