using Converge.Core;
using Converge.Swarm.Engine;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Engine;

public sealed class EngineTests
{
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);
    private static readonly NodeId Three = new(3);
    private static readonly RaftGovernanceCluster Cluster = RaftGovernanceCluster.Bootstrap([One, Two, Three]);

    private readonly InMemoryRaftGovernanceEngine _engine = new(Cluster, store: null, new StandingClock());

    [Fact]
    public void The_code_in_the_documentation_is_the_code_that_is_run_here()
    {
        string source = File.ReadAllText(RepositoryFiles.Find("tests", "Converge.Swarm.Tests", "Engine", "FirstSteps.cs"));
        string[] lines = source.Split('\n');
        int first = Array.FindIndex(lines, line => line.Trim() is "// <first-steps>") + 1;
        int end = Array.FindIndex(lines, line => line.Trim() is "// </first-steps>");
        string shown = string.Join('\n', lines[first..end].Select(line => line.Length > 8 ? line[8..] : line.TrimStart())) + "\n";

        Assert.Equal(RepositoryFiles.CodeBlock(File.ReadAllText(RepositoryFiles.Find("docs", "engine.md")), "csharp"), shown);
        Assert.Equal(RepositoryFiles.CodeBlock(File.ReadAllText(RepositoryFiles.Find("README.md")), "csharp"), shown);
        using var folder = new TemporaryFolder();
        FirstSteps.Run(Path.Combine(folder.Path, "cluster.json"));
    }

    [Fact]
    public void An_entry_is_committed_when_a_majority_has_acknowledged_it_and_not_before()
    {
        _engine.ElectLeader(One);
        Assert.Equal(LogIndex.Zero, _engine.ClusterState.CommitIndex);
        GovernanceLogEntry first = _engine.AppendGovernanceEvent(new ProposalCreated("p", "a"));
        GovernanceLogEntry second = _engine.AppendGovernanceEvent(new PromotionApproved("p", "b"));
        Assert.Equal((3UL, 4UL), (first.Index.Value, second.Index.Value));
        Assert.Null(_engine.GetAnswer(first.Index));

        _engine.AcknowledgeReplication(Two, first.Index);
        Assert.Equal(first.Index, _engine.ClusterState.CommitIndex);
        Assert.Equal(first.Index, NodeOf(Two).LastIndex);
        Assert.Equal(ProposalStatus.Open, _engine.GetProposal("p")!.Status);
        Assert.Null(_engine.GetAnswer(second.Index));

        _engine.AcknowledgeReplication(Three, second.Index);
        Assert.Equal(second.Index, _engine.ClusterState.CommitIndex);
        Assert.Equal(ProposalStatus.Approved, _engine.GetProposal("p")!.Status);
        Assert.Equal(3UL, Assert.IsType<FactAccepted>(_engine.GetAnswer(second.Index)).Sequence);
    }

    [Fact]
    public void Acknowledging_again_or_by_the_leader_itself_changes_nothing()
    {
        _engine.ElectLeader(One);
        LogIndex index = _engine.AppendGovernanceEvent(new ProposalCreated("p", "a")).Index;
        _engine.AcknowledgeReplication(One, index);
        Assert.Equal(LogIndex.Zero, _engine.ClusterState.CommitIndex);
        _engine.AcknowledgeReplication(Two, index);
        LedgerHead head = _engine.Head;
        _engine.AcknowledgeReplication(Two, index);
        _engine.AcknowledgeReplication(Two, new LogIndex(1));
        _engine.AcknowledgeReplication(Three, index);
        Assert.Equal(head, _engine.Head);
    }

    [Fact]
    public void Entries_are_acknowledged_one_by_one_in_any_order_of_nodes()
    {
        _engine.ElectLeader(Two);
        LogIndex[] indexes = [.. Enumerable.Range(0, 600).Select(i => _engine.AppendGovernanceEvent(new ProposalCreated($"p{i}", "a")).Index)];
        foreach (LogIndex index in indexes)
        {
            NodeId node = index.Value % 3 == 0 ? One : Three;
            _engine.AcknowledgeReplication(node, index);
            Assert.Equal(index, _engine.ClusterState.CommitIndex);
        }

        Assert.Equal(601, _engine.Records.Count);
        Assert.True(LedgerVerifier.VerifyRecords(_engine.Records, _engine.Head).Ok);
    }

    [Fact]
    public void A_refused_fact_is_committed_and_answered_with_its_reason()
    {
        _engine.ElectLeader(One);
        LogIndex index = Commit(new PromotionApproved("never-created", "b"));
        Assert.Equal(new FactRefused(RefusalCode.UnknownProposal, 0), _engine.GetAnswer(index));
        Assert.Single(_engine.Records);
    }

    [Fact]
    public void A_node_that_lacks_what_a_majority_has_is_not_elected_and_disturbs_nobody()
    {
        _engine.ElectLeader(One);
        LogIndex index = Commit(new ProposalCreated("p", "a"));
        Term term = _engine.ClusterState.Term;

        ElectionLostException lost = Assert.Throws<ElectionLostException>(() => _engine.ElectLeader(Three));
        Assert.Equal((Three, LogIndex.Zero), (lost.Candidate, lost.LastIndex));
        Assert.Equal((One, term), (_engine.ClusterState.Leader, _engine.ClusterState.Term));

        Commit(new PromotionApproved("p", "b"));
        _engine.AcknowledgeReplication(Three, index);
        Assert.Equal(ProposalStatus.Approved, _engine.GetProposal("p")!.Status);
    }

    [Fact]
    public void What_was_committed_survives_a_change_of_leaders_and_what_was_not_may_be_lost()
    {
        _engine.ElectLeader(One);
        Commit(new ProposalCreated("kept", "a"));
        LogIndex lost = _engine.AppendGovernanceEvent(new ProposalCreated("lost", "a")).Index;

        _engine.ElectLeader(Two);
        LogIndex first = _engine.ClusterState.LastIndex;
        Assert.Equal(lost.Next, first);
        _engine.AcknowledgeReplication(One, first);

        Assert.Equal(Two, _engine.ClusterState.Leader);
        Assert.NotNull(_engine.GetProposal("kept"));
        Assert.Null(_engine.GetProposal("lost"));
        Assert.Null(_engine.GetAnswer(lost));
        Assert.Equal(new Term(2), _engine.Records[^1].Term);
        _engine.AcknowledgeReplication(Three, first);
        Assert.All(_engine.ClusterState.Nodes, node => Assert.Equal(first, node.LastIndex));
    }

    [Fact]
    public void An_entry_of_an_earlier_term_is_committed_only_with_one_of_the_leaders_own()
    {
        _engine.ElectLeader(One);
        GovernanceLogEntry entry = _engine.AppendGovernanceEvent(new ProposalCreated("p", "a"));
        _engine.ElectLeader(One);
        _engine.ElectLeader(Two);
        _engine.ElectLeader(One);
        LogIndex opening = _engine.ClusterState.LastIndex.Previous;
        Assert.Equal(new Term(3), _engine.ClusterState.Term);

        _engine.AcknowledgeReplication(Three, entry.Index);
        Assert.Equal(LogIndex.Zero, _engine.ClusterState.CommitIndex);
        _engine.AcknowledgeReplication(Three, opening);
        Assert.Equal(opening, _engine.ClusterState.CommitIndex);
        Assert.NotNull(_engine.GetProposal("p"));
    }

    [Fact]
    public void Observed_timestamps_and_clients_claims_come_before_what_is_stamped_later()
    {
        _engine.ElectLeader(One);
        ulong first = _engine.AppendGovernanceEvent(new ProposalCreated("p", "a")).Lamport.Counter;
        Assert.Equal(new LamportTimestamp(100, One), _engine.ClusterState.ObserveRemoteTimestamp(new LamportTimestamp(100, Three)));
        Assert.Equal(100UL, _engine.ClusterState.ObserveRemoteTimestamp(new LamportTimestamp(first, Three)).Counter);
        Assert.Equal(new LamportTimestamp(101, One), _engine.AppendGovernanceEvent(new PromotionApproved("p", "b")).Lamport);
        var claim = new FactSubmission(new PromotionApproved("p", "c"), Lamport: new LamportTimestamp(500, new NodeId(77)));
        Assert.Equal(501UL, _engine.AppendGovernanceEvent(claim).Lamport.Counter);
        Assert.Equal(501UL, _engine.ClusterState.Clock.Counter);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            _engine.ClusterState.ObserveRemoteTimestamp(new LamportTimestamp(LamportClock.MaxCounter + 1, Three)));
    }

    [Fact]
    public void A_repeated_command_changes_nothing()
    {
        _engine.ElectLeader(One);
        var submission = new FactSubmission(new ProposalCreated("p", "a"), CommandId: new CommandId("s", 1));
        CommitAnswer first = _engine.GetAnswer(Commit(submission))!;
        Assert.Equal(first, _engine.GetAnswer(Commit(submission)));
        Assert.Equal(2, _engine.Records.Count);
    }

    [Fact]
    public void A_cluster_of_one_commits_at_once()
    {
        var alone = new InMemoryRaftGovernanceEngine(RaftGovernanceCluster.Bootstrap([One]));
        alone.ElectLeader(One);
        Assert.Equal(alone.AppendGovernanceEvent(new ProposalCreated("p", "a")).Index, alone.ClusterState.CommitIndex);
    }

    [Fact]
    public void Misuse_is_told_by_type_and_changes_nothing()
    {
        Assert.Equal(
            NotCommittedReason.NoLeader,
            Assert.Throws<SwarmUnavailableException>(() => _engine.AppendGovernanceEvent(new ProposalCreated("p", "a"))).Reason);
        Assert.Throws<SwarmUnavailableException>(() => _engine.AcknowledgeReplication(Two, new LogIndex(1)));
        Assert.Throws<ArgumentException>(() => _engine.ElectLeader(new NodeId(9)));
        _engine.ElectLeader(One);
        Assert.Throws<ArgumentException>(() => _engine.AppendGovernanceEvent(new ProposalCreated("", "a")));
        Assert.Throws<ArgumentException>(() => _engine.AcknowledgeReplication(new NodeId(9), new LogIndex(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => _engine.AcknowledgeReplication(Two, new LogIndex(3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => _engine.AcknowledgeReplication(Two, LogIndex.Zero));
        Commit(new ProposalCreated("p", "a"));
        Assert.Equal(2, _engine.Records.Count);
    }

    [Fact]
    public void A_log_is_bounded()
    {
        _engine.ElectLeader(One);
        for (int i = 2; i < InMemoryRaftGovernanceEngine.MaxEntries; i++)
        {
            _engine.AppendGovernanceEvent(new ProposalCreated($"p{i}", "a"));
        }

        Assert.Equal(
            NotCommittedReason.NoSpace,
            Assert.Throws<SwarmUnavailableException>(() => _engine.AppendGovernanceEvent(new ProposalCreated("p", "a"))).Reason);
        _engine.AcknowledgeReplication(Three, _engine.ClusterState.LastIndex);
        Assert.Equal((ulong)InMemoryRaftGovernanceEngine.MaxEntries, _engine.ClusterState.CommitIndex.Value);
        Assert.Equal(NotCommittedReason.NoSpace, Assert.Throws<SwarmUnavailableException>(() => _engine.ElectLeader(Three)).Reason);
    }

    [Theory]
    [InlineData(new ulong[] { })]
    [InlineData(new ulong[] { 1, 2 })]
    [InlineData(new ulong[] { 1, 2, 2 })]
    [InlineData(new ulong[] { 0, 1, 2 })]
    [InlineData(new ulong[] { 1, 2, ulong.MaxValue })]
    [InlineData(new ulong[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 })]
    public void A_cluster_has_an_odd_number_of_different_nodes(ulong[] members) =>
        Assert.Throws<ArgumentException>(() => RaftGovernanceCluster.Bootstrap([.. members.Select(member => new NodeId(member))]));

    private LogIndex Commit(GovernanceFact fact) => Commit(new FactSubmission(fact));

    private LogIndex Commit(FactSubmission submission)
    {
        LogIndex index = _engine.AppendGovernanceEvent(submission).Index;
        _engine.AcknowledgeReplication(Two, index);
        Assert.Equal(index, _engine.ClusterState.CommitIndex);
        return index;
    }

    private ClusterNode NodeOf(NodeId node) => _engine.ClusterState.Nodes.Single(one => one.Node == node);

    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000);
    }
}
