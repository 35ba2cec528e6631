using Converge.Core;
using Converge.Raft.Tests.Cluster;

namespace Converge.Raft.Tests.Protocol;

/// <summary>What would keep a cluster from electing, or from going on.</summary>
public sealed class LivenessTests
{
    private static readonly byte[] Data = [1];

    [Fact]
    public void A_leader_that_reaches_nobody_but_a_bridge_steps_down_and_the_rest_elects()
    {
        // 5 is dead, 1 leads and reaches 3 alone; 2, 3 and 4 reach each other and are a quorum. As long as 1 heartbeats, 3 is loyal to it.
        TestCluster cluster = new(5);
        cluster.Elect(1);
        cluster.CutOff.Add(5);
        cluster.IsLost = message => IsBetween(message, 1, 2) || IsBetween(message, 1, 4);
        for (int tick = 0; tick < 60; tick++)
        {
            cluster.Tick(1, 2, 3, 4);
            cluster.Settle();
        }

        RaftNode leader = Assert.Single(cluster.Nodes, node => node.Role == RaftRole.Leader && node.Id != new NodeId(5));
        Assert.NotEqual(new NodeId(1), leader.Id);
        LogIndex before = leader.CommitIndex;
        Assert.Equal(ProposeResult.Accepted, leader.Propose(Data));
        cluster.Settle();
        Assert.True(leader.CommitIndex > before);
    }

    [Fact]
    public void An_election_asked_of_a_leader_changes_nothing()
    {
        TestCluster cluster = new(3);
        cluster.Elect(1);
        cluster[1].Propose(Data);
        StateFingerprint before = FingerprintOf(cluster[1]);
        cluster[1].Campaign();
        Assert.Equal(before, FingerprintOf(cluster[1]));
        Message timeout = new() { Kind = MessageKind.TimeoutNow, From = new NodeId(2), To = new NodeId(1), Term = cluster[1].Term };
        Assert.Equal(StepResult.Accepted, cluster[1].Step(timeout));
        Assert.Equal(before, FingerprintOf(cluster[1]));
        cluster.Settle();
        Assert.Equal(cluster[1].LastIndex, cluster[1].CommitIndex);
    }

    [Fact]
    public void A_state_machine_that_lags_is_handed_no_more_than_its_bound_and_its_leader_takes_no_more_than_its_own()
    {
        var options = new RaftOptions
        {
            Id = new NodeId(1),
            Random = new SeededRandom(1),
            AsyncStorageWrites = true,
            PreVote = false,
            MaxCommittedBytesPerReady = 300,
            MaxUncommittedBytes = 1_000,
        };
        InMemoryRaftStorage storage = InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(new NodeId(1)));
        var node = new RaftNode(options, storage);
        List<Message> applying = [];
        node.Campaign();
        Drain(node, storage, applying);
        int taken = 0;
        while (node.Propose(new byte[100]) == ProposeResult.Accepted)
        {
            taken++;
            Drain(node, storage, applying);
        }

        // Everything is committed, little is handed out, nothing is applied: the backlog ends both.
        Assert.Equal(10, taken);
        Assert.Equal(node.LastIndex, node.CommitIndex);
        Assert.InRange(applying.Sum(work => Entry.TotalSizeBytes(work.Entries.Span)), 1, 400);

        // What is applied makes room, to the end.
        while (applying.Count > 0)
        {
            Message work = applying[0];
            applying.RemoveAt(0);
            node.Step(work.Responses.Span[0]);
            Drain(node, storage, applying);
        }

        Assert.Equal(node.LastIndex, node.AppliedIndex);
        Assert.Equal(ProposeResult.Accepted, node.Propose(new byte[100]));
    }

    private static void Drain(RaftNode node, InMemoryRaftStorage storage, List<Message> applying)
    {
        while (node.HasReady)
        {
            foreach (Message message in node.Ready().Messages.ToArray())
            {
                if (message.Kind == MessageKind.StorageApply)
                {
                    applying.Add(message);
                    continue;
                }

                Assert.Equal(MessageKind.StorageAppend, message.Kind);
                storage.Append(message.Entries.Span);
                foreach (Message response in message.Responses.ToArray())
                {
                    node.Step(response);
                }
            }
        }
    }

    private static bool IsBetween(in Message message, ulong one, ulong other) =>
        (message.From.Value == one && message.To.Value == other) || (message.From.Value == other && message.To.Value == one);

    private static StateFingerprint FingerprintOf(RaftNode node)
    {
        StateFingerprint fingerprint = default;
        node.Fingerprint(ref fingerprint);
        return fingerprint;
    }
}
