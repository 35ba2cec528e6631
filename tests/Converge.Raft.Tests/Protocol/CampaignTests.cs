using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

/// <summary>Who does not campaign, whoever asks for it.</summary>
public sealed class CampaignTests
{
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);
    private static readonly NodeId Three = new(3);

    [Fact]
    public void A_leader_that_is_told_to_campaign_goes_on_leading_in_its_term()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        Term term = cluster[1].Term;
        cluster[1].Campaign();
        cluster.Settle();
        Assert.Equal((RaftRole.Leader, term), (cluster[1].Role, cluster[1].Term));
    }

    [Fact]
    public void A_node_with_a_committed_change_of_members_that_it_has_not_applied_does_not_campaign()
    {
        var node = new RaftNode(
            new RaftOptions { Id = Two, Random = new SeededRandom(2), AsyncStorageWrites = true },
            InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(One, Two, Three)));
        ReadOnlyMemory<byte> change = new ConfigurationChange([new MemberChange(MemberChangeKind.Remove, Three)]).Encode();
        node.Step(new Message
        {
            Kind = MessageKind.Append,
            From = One,
            To = Two,
            Term = new Term(5),
            LogTerm = new Term(1),
            Index = new LogIndex(1),
            Commit = new LogIndex(2),
            Entries = new[] { new Entry(new Term(5), new LogIndex(2), EntryKind.ConfigurationChangeV2, change) },
        });
        Assert.Equal(new LogIndex(2), node.CommitIndex);
        node.Campaign();
        Assert.Equal((RaftRole.Follower, new Term(5)), (node.Role, node.Term));
    }
}
