using System.Runtime.InteropServices;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 13: Who is asked for a pre-vote is the same afterwards: term, vote, role, leader, log and the time it has waited; and who asks for one has
/// neither a new term nor a vote for that (Ongaro's thesis, section 9.6).
/// </summary>
public sealed class PreVotesChangeNothing : ISimulationChecker
{
    private readonly PerNode<Seen> _seen = new();

    /// <inheritdoc/>
    public string Name => "pre-votes change nothing";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Kind != StepKind.NodeActor || step.Node is not { IsRunning: true } node)
        {
            return;
        }

        Seen seen = _seen[node];
        State before = seen.State;
        var now = new State(node.Life, node.Term, node.Vote, node.Role, node.Leader, node.CommitIndex, node.LastIndex, node.ElectionElapsedTicks);
        seen.State = now;
        if (before.Life != now.Life)
        {
            return;
        }

        ISimulationChecker self = this;
        if (step.Received is NodeMessage.FromPeer { Message: ProtocolMessage { Message: { Kind: MessageKind.PreVote } asked } })
        {
            self.Require(now == before, $"node {node.Id} was asked by node {asked.From} for a pre-vote in term {asked.Term}; it was {before} and is {now}.");
        }
        else if (now.Role == RaftRole.PreCandidate && before.Role != RaftRole.PreCandidate)
        {
            self.Require(
                now.Term == before.Term && now.Vote == before.Vote,
                $"node {node.Id} asks for pre-votes in term {now.Term} with its vote for {now.Vote}; before it was in term {before.Term} with its vote for {before.Vote}.");
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct State(uint Life, Term Term, NodeId Vote, RaftRole Role, NodeId Leader, LogIndex Commit, LogIndex Last, int Waited);

    private sealed class Seen
    {
        public State State { get; set; }
    }
}
