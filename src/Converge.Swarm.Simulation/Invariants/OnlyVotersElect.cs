using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 12: Learners and those that were removed are never counted (Ongaro's thesis, sections 4.2.1 and 4.2.2): whoever begins to lead has votes
/// that were really given by a majority of the voters, of both halves in a joint configuration. That commits count voters only is for
/// <see cref="CommittedIsDurableOnAQuorum"/> to say, and that reads do, for <see cref="ReadsAreConfirmedAfterTheRequest"/>.
/// </summary>
public sealed class OnlyVotersElect : ISimulationChecker
{
    private readonly HashSet<(Term Term, NodeId Voter, NodeId Candidate)> _votes = [];
    private readonly PerNode<Seen> _seen = new();

    /// <inheritdoc/>
    public string Name => "only voters elect";

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

        foreach (SentMessage sent in step.SentList)
        {
            if (sent.Message is ProtocolMessage { Message: { Kind: MessageKind.VoteResp, Reject: false } vote })
            {
                _votes.Add((vote.Term, node.Id, vote.To));
            }
        }

        if (step.Kind != StepKind.NodeActor || !node.IsRunning)
        {
            return;
        }

        Seen seen = _seen[node];
        if (node.Role != RaftRole.Leader)
        {
            seen.Led = Term.Zero;
        }
        else if (seen.Led != node.Term || seen.Life != node.Life)
        {
            (seen.Led, seen.Life) = (node.Term, node.Life);
            Require(node, node.Configuration.Voters);
            Require(node, node.Configuration.VotersOutgoing);
        }
    }

    private void Require(NodeObservation leader, ImmutableArray<NodeId> voters)
    {
        int votes = 0;
        foreach (NodeId voter in voters)
        {
            bool own = voter == leader.Id && leader.Durable.State.Term == leader.Term && leader.Durable.State.Vote == leader.Id;
            votes += own || _votes.Contains((leader.Term, voter, leader.Id)) ? 1 : 0;
        }

        ISimulationChecker self = this;
        self.Require(
            voters.IsEmpty || votes > voters.Length / 2,
            $"node {leader.Id} leads term {leader.Term} with {votes} votes of the voters {string.Join(", ", voters)}.");
    }

    private sealed class Seen
    {
        public Term Led { get; set; }

        public uint Life { get; set; }
    }
}
