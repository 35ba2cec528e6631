using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 1: At most one node leads a term, over all history (election safety; Raft paper, figure 3 and section 5.2). A node leads when it says so
/// or when it sends what only a leader sends. One that comes back in a term that it led does not lead it again.
/// </summary>
public sealed class OneLeaderPerTerm : ISimulationChecker
{
    private readonly Dictionary<Term, (NodeId Node, uint Life)> _leaders = [];
    private Term _last;
    private (NodeId Node, uint Life) _lastLeader;

    /// <inheritdoc/>
    public string Name => "one leader per term";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Node is not { } node)
        {
            return;
        }

        if (node is { IsRunning: true, Role: RaftRole.Leader })
        {
            Note(node, node.Term);
        }

        foreach (SentMessage sent in step.SentList)
        {
            if (sent.Message is ProtocolMessage { Message: { Kind: MessageKind.Append or MessageKind.Heartbeat or MessageKind.Snapshot or MessageKind.TimeoutNow } message })
            {
                Note(node, message.Term);
            }
        }
    }

    private void Note(NodeObservation node, Term term)
    {
        var leader = (node.Id, node.Life);
        if (term == _last && leader == _lastLeader)
        {
            return;
        }

        (_last, _lastLeader) = (term, leader);
        if (!_leaders.TryAdd(term, leader))
        {
            ISimulationChecker self = this;
            (NodeId other, uint life) = _leaders[term];
            self.Require(leader == (other, life), $"node {node.Id} in its life {node.Life} leads term {term}, which node {other} led in its life {life}.");
        }
    }
}
