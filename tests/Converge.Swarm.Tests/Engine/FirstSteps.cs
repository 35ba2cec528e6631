using Converge.Core;
using Converge.Swarm.Engine;

namespace Converge.Swarm.Tests.Engine;

/// <summary>The code that <c>README.md</c> and <c>docs/engine.md</c> show, as it stands there.</summary>
internal static class FirstSteps
{
    public static void Run(string path)
    {
#pragma warning disable IDE0008 // As a reader would write it.
        // <first-steps>
        NodeId n1 = new(1), n2 = new(2), n3 = new(3);
        var cluster = RaftGovernanceCluster.Bootstrap([n1, n2, n3]);
        var engine = new InMemoryRaftGovernanceEngine(cluster, new JsonFileRaftStore(path));

        engine.ElectLeader(n1);
        var entry = engine.AppendGovernanceEvent(new ProposalCreated("p-1", "author://ann", "Colour the button"));
        Assert.True(engine.ClusterState.CommitIndex < entry.Index); // Only the leader has it.

        engine.AcknowledgeReplication(n2, entry.Index);
        Assert.Equal(entry.Index, engine.ClusterState.CommitIndex); // Two of three: a majority.
        Assert.IsType<FactAccepted>(engine.GetAnswer(entry.Index));

        // What happened elsewhere comes before whatever is stamped from now on.
        engine.ClusterState.ObserveRemoteTimestamp(new LamportTimestamp(41, n3));
        var approval = engine.AppendGovernanceEvent(new PromotionApproved("p-1", "reviewer://bob"));
        Assert.Equal(42UL, approval.Lamport.Counter);
        // </first-steps>
#pragma warning restore IDE0008
    }
}
