using System.Text;
using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

/// <summary>A host may keep old entries on a disk only, and a disk may fail.</summary>
public sealed class UnavailableEntriesTests
{
    [Fact]
    public void Entries_that_are_not_at_hand_are_sent_when_they_are()
    {
        var storage = new PartialStorage();
        RaftNode leader = Lead(storage);
        storage.UnavailableThrough = new LogIndex(10);

        // 2 has nothing after index 1: the leader goes back, finds nothing at hand and sends nothing, no snapshot either.
        leader.Step(From(2, MessageKind.AppendResp, leader.Term) with { Index = new LogIndex(10), Reject = true, RejectHint = new LogIndex(1), LogTerm = new Term(1) });
        Assert.Equal(0, leader.Machine.Messages.Count);
        leader.Step(From(2, MessageKind.HeartbeatResp, leader.Term));
        Assert.Equal(0, leader.Machine.Messages.Count);

        storage.UnavailableThrough = LogIndex.Zero;
        leader.Step(From(2, MessageKind.HeartbeatResp, leader.Term));
        Message append = Assert.Single(leader.Machine.Messages.Items.ToArray());
        Assert.Equal(MessageKind.Append, append.Kind);
        Assert.Equal(new LogIndex(2), append.Entries.Span[0].Index);
    }

    [Fact]
    public void Entries_to_apply_that_are_not_at_hand_are_asked_for_again_with_the_next_tick()
    {
        var storage = new PartialStorage();
        storage.Inner.SetHardState(new HardState(new Term(1), NodeId.None, new LogIndex(10)));
        storage.UnavailableThrough = new LogIndex(10);
        var node = new RaftNode(Options(), storage);
        Assert.True(node.HasReady);
        Assert.True(node.Ready().CommittedEntries.IsEmpty);
        node.Advance();
        Assert.False(node.HasReady);

        // Nor does it campaign, since there may be a change of members among them.
        node.Campaign();
        Assert.Equal(RaftRole.Follower, node.Role);

        storage.UnavailableThrough = LogIndex.Zero;
        node.ResumeReading();
        Assert.True(node.HasReady);
        Assert.Equal(9, node.Ready().CommittedEntries.Length);
    }

    [Fact]
    public void A_read_error_is_not_taken_for_the_end_of_the_log()
    {
        var storage = new PartialStorage();
        RaftNode leader = Lead(storage);
        storage.Fails = true;
        Message rejection = From(2, MessageKind.AppendResp, leader.Term) with
        {
            Index = new LogIndex(10),
            Reject = true,
            RejectHint = new LogIndex(1),
            LogTerm = new Term(1),
        };
        Assert.Throws<IOException>(() => leader.Step(rejection));
        Assert.Equal(0, leader.Machine.Messages.Count);
    }

    [Fact]
    public void A_read_that_gives_nothing_is_an_error_too()
    {
        var storage = new PartialStorage();
        RaftNode leader = Lead(storage);
        storage.GivesNothing = true;
        Message rejection = From(2, MessageKind.AppendResp, leader.Term) with { Index = new LogIndex(10), Reject = true, RejectHint = new LogIndex(1), LogTerm = new Term(1) };
        InvariantViolationException fault = Assert.Throws<InvariantViolationException>(() => leader.Step(rejection));
        Assert.Contains("[2, 12)", fault.Message, StringComparison.Ordinal);
    }

    private static RaftOptions Options() => new() { Id = new NodeId(1), Random = new SeededRandom(1), PreVote = false, CheckQuorum = false };

    private static RaftNode Lead(PartialStorage storage)
    {
        var node = new RaftNode(Options() with { Applied = storage.LastIndex }, storage);
        node.Campaign();
        node.Ready();
        node.Advance();
        node.Step(From(2, MessageKind.VoteResp, node.Term));
        Assert.Equal(RaftRole.Leader, node.Role);
        storage.Inner.Append(node.Ready().Entries.Span);
        node.Advance();
        return node;
    }

    private static Message From(ulong id, MessageKind kind, Term term) => new() { Kind = kind, From = new NodeId(id), To = new NodeId(1), Term = term };

    /// <summary>Ten entries, of which some are not at hand.</summary>
    private sealed class PartialStorage : IRaftStorage
    {
        public PartialStorage()
        {
            for (ulong index = 2; index <= 10; index++)
            {
                Inner.Append([new Entry(new Term(1), new LogIndex(index), EntryKind.Normal, Encoding.UTF8.GetBytes("x"))]);
            }
        }

        public InMemoryRaftStorage Inner { get; } = InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3)));

        public LogIndex UnavailableThrough { get; set; }

        public bool Fails { get; set; }

        public bool GivesNothing { get; set; }

        public LogIndex FirstIndex => Inner.FirstIndex;

        public LogIndex LastIndex => Inner.LastIndex;

        public InitialState InitialState() => Inner.InitialState();

        public LogReadStatus Entries(LogIndex from, LogIndex to, long maxBytes, out ReadOnlyMemory<Entry> entries)
        {
            entries = default;
            if (Fails)
            {
                throw new IOException("The disk does not answer.");
            }

            if (GivesNothing)
            {
                return LogReadStatus.Ok;
            }

            return from <= UnavailableThrough ? LogReadStatus.Unavailable : Inner.Entries(from, to, maxBytes, out entries);
        }

        public LogReadStatus Term(LogIndex index, out Term term) => Inner.Term(index, out term);

        public Snapshot? Snapshot() => Inner.Snapshot();
    }
}
