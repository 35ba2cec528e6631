using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

/// <summary>What may leave a node before its disk has answered, and what may not.</summary>
public sealed class DurabilityTests
{
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);

    [Fact]
    public void A_vote_leaves_only_as_the_answer_of_the_disk_that_has_written_it()
    {
        RaftNode node = Node(2);
        node.Step(new Message { Kind = MessageKind.Vote, From = One, To = Two, Term = new Term(5), LogTerm = new Term(1), Index = new LogIndex(1) });
        Message work = OnlyStorageAppend(node);
        Assert.Equal((new Term(5), One), (work.Term, work.Vote));
        Message answer = Assert.Single(work.Responses.ToArray());
        Assert.Equal((MessageKind.VoteResp, One, false), (answer.Kind, answer.To, answer.Reject));
    }

    [Fact]
    public void An_acknowledgement_leaves_only_as_the_answer_of_the_disk_that_has_written_the_entries()
    {
        RaftNode node = Node(2);
        node.Step(Append(new Term(5), 1, 2));
        Message work = OnlyStorageAppend(node);
        Assert.Equal(2, work.Entries.Length);
        Message answer = Assert.Single(work.Responses.ToArray(), response => response.Kind == MessageKind.AppendResp);
        Assert.Equal((One, new LogIndex(3)), (answer.To, answer.Index));
    }

    [Fact]
    public void With_synchronous_storage_votes_and_acknowledgements_come_together_with_what_must_be_written_first()
    {
        RaftNode node = Node(2, isAsync: false);
        node.Step(Append(new Term(5), 1, 2));
        Ready ready = node.Ready();
        Assert.True(ready.MustSync);
        Assert.Equal(2, ready.Entries.Length);
        Assert.Equal(new Term(5), ready.HardState?.Term);
        Assert.Equal(MessageKind.AppendResp, Assert.Single(ready.Messages.ToArray()).Kind);
    }

    [Fact]
    public void A_candidate_asks_for_votes_only_when_its_own_term_vote_and_log_are_durable()
    {
        RaftNode node = Node(2);
        node.Step(Append(new Term(5), 1, 1));
        node.Ready();
        node.Campaign();
        Message work = OnlyStorageAppend(node);
        Assert.Equal((new Term(6), Two), (work.Term, work.Vote));
        Assert.Equal(
            [MessageKind.Vote, MessageKind.VoteResp, MessageKind.Vote],
            work.Responses.ToArray().Where(answer => answer.Kind != MessageKind.StorageAppendResp).Select(answer => answer.Kind));
    }

    [Fact]
    public void A_candidacy_that_a_crash_made_forgotten_is_not_won_by_its_old_votes()
    {
        // Found by exhaustion: node 2 held an entry in memory alone, asked for votes with it, crashed, and campaigned again in the same term
        // without it. Node 3 had granted the first request; with its vote node 2 led without an entry that 1 and 3 had committed.
        RaftNode node = Node(2);
        node.Step(Append(new Term(1), 1, 1));
        node.Campaign();
        Message[] sent = [.. Sent(node)];
        Assert.DoesNotContain(sent, message => message.Kind == MessageKind.Vote);

        // What crashed is a node of which nobody has heard in term 2: the same term is its own once more.
        RaftNode restarted = Node(2);
        restarted.Campaign();
        Assert.DoesNotContain(Sent(restarted), message => message.Kind == MessageKind.Vote);
    }

    private static RaftNode Node(ulong id, bool isAsync = true) => new(
        new RaftOptions { Id = new NodeId(id), Random = new SeededRandom(id), AsyncStorageWrites = isAsync, PreVote = false, CheckQuorum = false },
        InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(One, Two, new NodeId(3))));

    private static Message Append(Term term, ulong previous, int count) => new()
    {
        Kind = MessageKind.Append,
        From = One,
        To = Two,
        Term = term,
        LogTerm = new Term(1),
        Index = new LogIndex(previous),
        Entries = Enumerable.Range(1, count)
            .Select(i => new Entry(term, new LogIndex(previous + (ulong)i), EntryKind.Normal, new byte[] { (byte)i }))
            .ToArray(),
    };

    private static List<Message> Sent(RaftNode node)
    {
        List<Message> sent = [];
        while (node.HasReady)
        {
            sent.AddRange(node.Ready().Messages.Span);
        }

        return sent;
    }

    private static Message OnlyStorageAppend(RaftNode node)
    {
        Message work = Assert.Single(Sent(node));
        Assert.Equal(MessageKind.StorageAppend, work.Kind);
        return work;
    }
}
