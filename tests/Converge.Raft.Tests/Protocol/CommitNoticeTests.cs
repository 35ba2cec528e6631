using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

/// <summary>What a node makes of being told, by somebody who does not lead, that an entry is committed.</summary>
public sealed class CommitNoticeTests
{
    private static readonly Term Three = new(3);

    [Fact]
    public void An_entry_that_is_in_the_log_counts_as_committed_and_is_applied_with_all_before_it()
    {
        RaftNode node = WithFourEntries();

        node.NoteCommitted(new LogIndex(4), Three);

        Assert.Equal(new LogIndex(4), node.CommitIndex);
        Assert.Equal([2UL, 3, 4], node.Ready().CommittedEntries.ToArray().Select(entry => entry.Index.Value));
    }

    [Theory]
    [InlineData(4, 2)] // another entry of that place
    [InlineData(4, 4)]
    [InlineData(6, 3)] // behind the end
    [InlineData(1, 1)] // known long since
    public void An_entry_that_is_not_in_the_log_and_one_that_is_known_change_nothing(ulong index, ulong term)
    {
        RaftNode node = WithFourEntries();
        node.Campaign();
        StateFingerprint before = FingerprintOf(node);

        node.NoteCommitted(new LogIndex(index), new Term(term));

        Assert.Equal(before, FingerprintOf(node));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_candidacy_that_rests_on_older_voters_ends_and_keeps_term_and_vote(bool preVote)
    {
        RaftNode node = WithFourEntries(preVote);
        node.Campaign();
        Assert.Equal(preVote ? RaftRole.PreCandidate : RaftRole.Candidate, node.Role);
        (Term term, NodeId vote) = (node.Term, node.Status().Vote);

        node.NoteCommitted(new LogIndex(5), Three);

        Assert.Equal(RaftRole.Follower, node.Role);
        Assert.Equal((term, vote), (node.Term, node.Status().Vote));
    }

    [Fact]
    public void A_leader_commits_by_counting_and_by_nothing_else()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.CutOff.Add(1);
        cluster[1].Propose(new byte[] { 1 });
        LogIndex committed = cluster[1].CommitIndex;

        cluster[1].NoteCommitted(cluster[1].LastIndex, cluster[1].Term);

        Assert.Equal(committed, cluster[1].CommitIndex);
    }

    private static RaftNode WithFourEntries(bool preVote = true)
    {
        InMemoryRaftStorage storage = InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3)));
        storage.Append([.. Enumerable.Range(2, 4).Select(index => new Entry(Three, new LogIndex((ulong)index), EntryKind.Normal, new byte[] { 7 }))]);
        storage.SetHardState(new HardState(Three, NodeId.None, new LogIndex(1)));
        return new RaftNode(new RaftOptions { Id = new NodeId(1), Random = new SeededRandom(1), PreVote = preVote }, storage);
    }

    private static StateFingerprint FingerprintOf(RaftNode node)
    {
        StateFingerprint fingerprint = default;
        node.Fingerprint(ref fingerprint);
        return fingerprint;
    }
}
