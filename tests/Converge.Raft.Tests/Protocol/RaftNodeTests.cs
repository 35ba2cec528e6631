using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

public sealed class RaftNodeTests
{
    private static readonly byte[] Data = [1, 2, 3, 4];

    [Fact]
    public void A_batch_travels_together_and_in_order()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        Assert.Equal(ProposeResult.Accepted, cluster[1].Propose(new ReadOnlyMemory<byte>[] { new byte[] { 1 }, new byte[] { 2 }, new byte[] { 3 } }));
        Assert.Equal(2, cluster[1].Machine.Messages.Count);
        cluster.Settle();
        cluster[1].Tick();
        cluster.Settle();
        Assert.All(cluster.Applied.Values, applied => Assert.Equal([1, 2, 3], applied.SelectMany(data => data)));
        Assert.Equal(3, cluster.Applied.Count);
    }

    [Fact]
    public void A_follower_sends_proposals_to_the_leader_unless_it_is_told_not_to()
    {
        var cluster = new TestCluster(3);
        Assert.Equal(ProposeResult.NoLeader, cluster[2].Propose(Data));
        cluster.Elect(1);
        Assert.Equal(ProposeResult.Accepted, cluster[2].Propose(Data));
        cluster.Settle();
        Assert.Equal(Data, Assert.Single(cluster.Applied[new NodeId(1)], data => data.Length > 0));

        var strict = new TestCluster(3, options => options with { DisableProposalForwarding = true });
        strict.Elect(1);
        Assert.Equal(ProposeResult.NotLeader, strict[2].Propose(Data));
    }

    [Fact]
    public void A_leader_without_a_quorum_steps_down_within_two_election_timeouts()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster.CutOff.Add(1);
        for (int tick = 0; tick < 20; tick++)
        {
            cluster[1].Tick();
            cluster.Settle();
        }

        Assert.NotEqual(RaftRole.Leader, cluster[1].Role);
        Assert.Equal(ProposeResult.NoLeader, cluster[1].Propose(Data));
    }

    [Fact]
    public void Asking_for_a_pre_vote_changes_nothing_on_those_who_are_asked()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        StateFingerprint before = FingerprintOf(cluster[2]);
        cluster[2].Step(new Message
        {
            Kind = MessageKind.PreVote,
            From = new NodeId(3),
            To = new NodeId(2),
            Term = cluster[2].Term.Next,
            LogTerm = cluster[2].Term,
            Index = cluster[2].LastIndex,
        });
        Assert.Equal(before, FingerprintOf(cluster[2]));
    }

    [Fact]
    public void What_cannot_be_taken_changes_nothing()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        RaftNode node = cluster[2];
        StateFingerprint before = FingerprintOf(node);
        Message append = new()
        {
            Kind = MessageKind.Append,
            From = new NodeId(1),
            To = node.Id,
            Term = node.Term,
            LogTerm = node.Term,
            Index = node.LastIndex,
        };
        LogIndex next = node.LastIndex.Next;
        (Message Message, StepResult Result)[] cases =
        [
            (default, StepResult.WrongRecipient),
            (new Message { To = node.Id, From = new NodeId(1) }, StepResult.Malformed),
            (append with { Kind = (MessageKind)99 }, StepResult.Malformed),
            (append with { To = new NodeId(3) }, StepResult.WrongRecipient),
            (append with { Term = Term.Zero }, StepResult.Malformed),
            (append with { Entries = new[] { new Entry(node.Term, next.Next, EntryKind.Normal, Data) } }, StepResult.Malformed),
            (append with { Entries = new[] { new Entry(Term.Zero, next, EntryKind.Normal, Data) } }, StepResult.Malformed),
            (append with { Entries = new[] { new Entry(node.Term.Next, next, EntryKind.Normal, Data) } }, StepResult.Malformed),
            (append with { Entries = new[] { new Entry(node.Term, next, (EntryKind)9, Data) } }, StepResult.Malformed),
            (append with { Kind = MessageKind.Snapshot }, StepResult.Malformed),
            (append with { Kind = MessageKind.Propose }, StepResult.Malformed),
            (append with { Kind = MessageKind.StorageAppendResp }, StepResult.LocalKind),
            (append with { Kind = MessageKind.StorageApply, From = LocalTargets.ApplyThread }, StepResult.Malformed),
            (append with { Kind = MessageKind.HeartbeatResp, From = new NodeId(9) }, StepResult.UnknownPeer),
            (append with { Kind = MessageKind.Vote, From = new NodeId(9), Term = new Term(99) }, StepResult.NonMemberIgnored),
        ];
        foreach ((Message message, StepResult result) in cases)
        {
            Assert.Equal(result, node.Step(message));
            Assert.Equal(before, FingerprintOf(node));
        }

        Message beyond = append with { Kind = MessageKind.AppendResp, From = new NodeId(2), To = new NodeId(1), Index = next };
        Assert.Equal(StepResult.Malformed, cluster[1].Step(beyond));
    }

    [Fact]
    public void A_clone_goes_its_own_way_from_the_same_state()
    {
        var cluster = new TestCluster(3);
        cluster.Elect(1);
        cluster[1].Propose(Data);
        RaftNode clone = cluster[1].Clone(cluster.Storages[0].Clone());
        Assert.Equal(FingerprintOf(cluster[1]), FingerprintOf(clone));

        clone.Propose(Data);
        clone.ReadIndex(1);
        Assert.NotEqual(FingerprintOf(cluster[1]), FingerprintOf(clone));
        Assert.Equal(clone.LastIndex.Previous, cluster[1].LastIndex);

        cluster[1].Propose(Data);
        cluster[1].ReadIndex(1);
        Assert.Equal(FingerprintOf(cluster[1]), FingerprintOf(clone));
    }

    [Fact]
    public void Ready_and_advance_take_turns()
    {
        var cluster = new TestCluster(1);
        cluster[1].Campaign();
        cluster[1].Ready();
        Assert.Throws<InvalidOperationException>(() => cluster[1].Ready());
        cluster[1].Advance();
        cluster[1].Ready();

        var asynchronous = new TestCluster(1, options => options with { AsyncStorageWrites = true });
        Assert.Throws<InvalidOperationException>(asynchronous[1].Advance);
    }

    [Fact]
    public void A_stored_commit_index_may_lag_behind_what_is_applied_and_compacted()
    {
        var storage = new InMemoryRaftStorage();
        storage.ApplySnapshot(new Snapshot(new LogIndex(50), new Term(3), ConfigurationState.OfVoters(new NodeId(1)), default));
        storage.Append([new Entry(new Term(3), new LogIndex(51), EntryKind.Normal, default), new Entry(new Term(3), new LogIndex(52), EntryKind.Normal, default)]);
        storage.SetHardState(new HardState(new Term(3), new NodeId(1), new LogIndex(40)));
        var node = new RaftNode(new RaftOptions { Id = new NodeId(1), Random = new SeededRandom(1), Applied = new LogIndex(51) }, storage);
        Assert.Equal(new LogIndex(51), node.CommitIndex);
        Assert.Equal(new LogIndex(51), node.AppliedIndex);
        Assert.False(node.HasReady);
    }

    [Fact]
    public void A_stored_commit_index_behind_the_end_of_the_log_stops_the_node()
    {
        var storage = InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(new NodeId(1)));
        storage.SetHardState(new HardState(new Term(3), new NodeId(1), new LogIndex(40)));
        InvariantViolationException fault = Assert.Throws<InvariantViolationException>(
            () => new RaftNode(new RaftOptions { Id = new NodeId(1), Random = new SeededRandom(1) }, storage));
        Assert.Contains("40", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_options_are_all_named()
    {
        var options = new RaftOptions
        {
            Id = NodeId.None,
            Random = new SeededRandom(1),
            HeartbeatTicks = 0,
            ElectionTicks = 0,
            MaxInflightMessages = 0,
            MaxInflightBytes = 1,
            MaxCommittedBytesPerReady = 0,
            MaxPendingReads = 0,
            MaxCatchUpRounds = 0,
            CheckQuorum = false,
            ReadMode = ReadMode.LeaseBased,
            DisableConfigurationChangeValidation = true,
            StalledStorageTicks = 3,
        };
        string[] expected =
        [
            nameof(RaftOptions.Id), nameof(RaftOptions.HeartbeatTicks), nameof(RaftOptions.ElectionTicks), nameof(RaftOptions.MaxCommittedBytesPerReady),
            nameof(RaftOptions.MaxInflightMessages), nameof(RaftOptions.MaxInflightBytes), nameof(RaftOptions.MaxPendingReads), nameof(RaftOptions.MaxCatchUpRounds),
            nameof(RaftOptions.StalledStorageTicks), nameof(RaftOptions.ReadMode), nameof(RaftOptions.LeaseDriftTicks),
            nameof(RaftOptions.DisableConfigurationChangeValidation),
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), options.Validate().Select(fault => fault.Option).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Throws<ArgumentException>(() => new RaftNode(options, new InMemoryRaftStorage()));
        Assert.Empty(new RaftOptions { Id = new NodeId(1), Random = new SeededRandom(1) }.Validate());
    }

    [Fact]
    public void In_the_steady_state_a_step_allocates_nothing_but_room_for_the_log()
    {
        const int Rounds = 20_000;
        SteadyLeader steady = new();
        steady.Run(5_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        steady.Run(Rounds);
        long perRound = (GC.GetAllocatedBytesForCurrentThread() - before) / Rounds;

        // Each round proposes an entry and steps two heartbeat responses and three acknowledgements. An entry takes 40 bytes in the unstable
        // log and 40 in the storage; the lists of responses of asynchronous storage are handed over to others and so are made anew.
        Assert.InRange(perRound, 0, 2_000);
        Assert.Equal(0, steady.AllocatedByStepsAlone(1_000));
    }

    private static StateFingerprint FingerprintOf(RaftNode node)
    {
        StateFingerprint fingerprint = default;
        node.Fingerprint(ref fingerprint);
        return fingerprint;
    }
}
