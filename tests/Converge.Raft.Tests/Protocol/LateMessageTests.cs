using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

/// <summary>What comes late, or for the second time, takes nothing away; and what comes late but is true still counts.</summary>
public sealed class LateMessageTests
{
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);
    private static readonly NodeId Three = new(3);
    private static readonly ConfigurationState Voters = ConfigurationState.OfVoters(One, Two, Three);

    [Fact]
    public void A_late_append_leaves_alone_what_came_after_it()
    {
        RaftNode node = Node(InMemoryRaftStorage.Bootstrap(Voters));
        node.Step(Append(entries: 3));
        Assert.Equal(new LogIndex(4), node.LastIndex);
        node.Step(Append(entries: 1));
        Assert.Equal(new LogIndex(4), node.LastIndex);
    }

    [Fact]
    public void A_snapshot_behind_what_is_committed_is_answered_and_changes_nothing()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster[1].Propose(new ReadOnlyMemory<byte>[] { new byte[] { 1 }, new byte[] { 2 }, new byte[] { 3 } });
        cluster.Settle();
        LogIndex committed = cluster[2].CommitIndex;
        Assert.Equal(StorageChange.Done, cluster.Storages[1].Compact(committed.Previous));

        cluster[2].Step(new Message
        {
            Kind = MessageKind.Snapshot,
            From = One,
            To = Two,
            Term = cluster[1].Term,
            Snapshot = new Snapshot(new LogIndex(2), new Term(1), Voters, default),
        });
        Assert.Equal(committed, cluster[2].CommitIndex);
        Assert.Equal(committed, cluster[2].LastIndex);
        Assert.Null(cluster[2].Ready().Snapshot);
    }

    [Fact]
    public void The_end_of_an_installation_counts_also_when_another_term_has_begun()
    {
        RaftNode node = Node(InMemoryRaftStorage.Bootstrap(Voters));
        var snapshot = new Snapshot(new LogIndex(10), new Term(4), Voters, default);
        node.Step(new Message { Kind = MessageKind.Snapshot, From = One, To = Two, Term = new Term(5), Snapshot = snapshot });
        Message work = Assert.Single(node.Ready().Messages.ToArray(), message => message.Kind == MessageKind.StorageAppend);
        Assert.Equal(snapshot, work.Snapshot);

        node.Step(new Message { Kind = MessageKind.Heartbeat, From = Three, To = Two, Term = new Term(6) });
        foreach (Message response in work.Responses.ToArray())
        {
            if (response.To == Two)
            {
                node.Step(response);
            }
        }

        Assert.Equal(new LogIndex(10), node.AppliedIndex);
    }

    [Fact]
    public void A_leader_that_was_removed_steps_down_when_that_is_applied()
    {
        var cluster = new TestCluster(3, options => options with { StepDownOnRemoval = true });
        cluster.Elect(1);
        Assert.Equal(
            ProposeResult.Accepted,
            cluster[1].ProposeConfigurationChange(new ConfigurationChange([new MemberChange(MemberChangeKind.Remove, One)])));
        cluster.Settle();
        Assert.False(cluster[1].Configuration.IsVoter(One));
        Assert.Equal(RaftRole.Follower, cluster[1].Role);
    }

    private static RaftNode Node(InMemoryRaftStorage storage) =>
        new(new RaftOptions { Id = Two, Random = new SeededRandom(2), AsyncStorageWrites = true }, storage);

    private static Message Append(int entries) => new()
    {
        Kind = MessageKind.Append,
        From = One,
        To = Two,
        Term = new Term(5),
        LogTerm = new Term(1),
        Index = new LogIndex(1),
        Entries = Enumerable.Range(2, entries).Select(index => new Entry(new Term(5), new LogIndex((ulong)index), EntryKind.Normal, new byte[] { 7 })).ToArray(),
    };
}
