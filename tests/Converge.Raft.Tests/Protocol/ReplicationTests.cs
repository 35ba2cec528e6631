using Converge.Core;

namespace Converge.Raft.Tests.Protocol;

public sealed class ReplicationTests
{
    [Fact]
    public void A_repeated_append_from_before_what_is_compacted_is_answered_with_what_is_committed()
    {
        // Were it rejected, the leader would look for agreement where there is nothing any more, and send a snapshot to one that needs none.
        TestCluster cluster = new(3);
        cluster.Elect(1);
        for (byte i = 0; i < 5; i++)
        {
            cluster[1].Propose(new[] { i });
            cluster.Settle();
        }

        cluster.Tick(1);
        cluster.Settle();
        cluster.Storages[1].Compact(cluster[2].AppliedIndex.Previous);
        cluster[2].Step(new Message
        {
            Kind = MessageKind.Append,
            From = new NodeId(1),
            To = new NodeId(2),
            Term = cluster[2].Term,
            LogTerm = new Term(1),
            Index = new LogIndex(1),
            Commit = new LogIndex(1),
        });
        Message answer = Assert.Single(cluster[2].Ready().Messages.ToArray());
        Assert.Equal((MessageKind.AppendResp, false, cluster[2].CommitIndex), (answer.Kind, answer.Reject, answer.Index));
    }

    [Fact]
    public void A_new_leader_proposes_no_change_before_it_has_applied_those_that_its_log_holds()
    {
        TestCluster cluster = new(3, options => options with { PreVote = false, CheckQuorum = false });
        cluster.AddNode(new InMemoryRaftStorage());
        cluster.Elect(1);

        // 2 and 3 hold a change of which 1 alone knows that it is committed.
        cluster.IsLost = message => message.Kind == MessageKind.Append && message.Entries.IsEmpty;
        cluster[1].ProposeConfigurationChange(new ConfigurationChange([new MemberChange(MemberChangeKind.AddLearner, new NodeId(4))]));
        cluster.Settle();
        cluster.IsLost = _ => false;
        Assert.Empty(cluster[2].Configuration.Learners);

        // 2 leads and commits it with the first entry of its term, but has not applied it yet.
        cluster.CutOff.Add(1);
        RaftNode node = cluster[2];
        node.Campaign();
        cluster.Handle(node);
        node.Step(new Message { Kind = MessageKind.VoteResp, From = new NodeId(3), To = node.Id, Term = node.Term });
        Assert.Equal(RaftRole.Leader, node.Role);
        cluster.Handle(node);
        node.Step(new Message { Kind = MessageKind.AppendResp, From = new NodeId(3), To = node.Id, Term = node.Term, Index = node.LastIndex });
        Assert.Equal(node.LastIndex, node.CommitIndex);
        Assert.True(node.AppliedIndex < node.CommitIndex);

        ConfigurationChange next = new([new MemberChange(MemberChangeKind.Remove, new NodeId(3))]);
        Assert.Equal(ProposeResult.ConfigurationChangePending, node.ProposeConfigurationChange(next));
        cluster.Handle(node);
        Assert.Equal([new NodeId(4)], node.Configuration.Learners.AsEnumerable());
        Assert.Equal(ProposeResult.Accepted, node.ProposeConfigurationChange(next));
    }
}
