using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 7: When a leader takes an entry for committed, it is durable on a majority of the voters, of both halves in a joint configuration
/// (Raft paper, sections 5.3 and 6; Ongaro's thesis, section 3.8). Durable is what the simulation saw flushed, whatever was acknowledged.
/// And nobody knows of a commit that no leader made.
/// </summary>
public sealed class CommittedIsDurableOnAQuorum : ISimulationChecker
{
    private readonly PerNode<Seen> _seen = new();
    private ISimulationView? _view;
    private LogIndex _committed = Founding.Mark.Index;

    /// <inheritdoc/>
    public string Name => "what is committed is durable on a quorum";

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Node is not { IsRunning: true } node || step.Kind != StepKind.NodeActor)
        {
            return;
        }

        Seen seen = _seen[node];
        LogIndex commit = node.CommitIndex;
        if (seen.Life == node.Life && commit == seen.Commit)
        {
            return;
        }

        (seen.Life, seen.Commit) = (node.Life, commit);
        ISimulationChecker self = this;
        if (node.Role == RaftRole.Leader)
        {
            if (commit > _committed && node.TryGetTerm(commit, out Term term))
            {
                Require(node, commit, term, node.Configuration.Voters);
                Require(node, commit, term, node.Configuration.VotersOutgoing);
                _committed = commit;
            }
        }
        else
        {
            self.Require(commit <= _committed, $"node {node.Id} has {commit} as its commit index; no leader has committed more than {_committed}.");
        }
    }

    private void Require(NodeObservation leader, LogIndex index, Term term, ImmutableArray<NodeId> voters)
    {
        int durable = 0;
        foreach (NodeId voter in voters)
        {
            durable += IsDurableOn(voter, index, term) ? 1 : 0;
        }

        ISimulationChecker self = this;
        self.Require(
            voters.IsEmpty || durable > voters.Length / 2,
            $"node {leader.Id} leads term {leader.Term} and committed entry {index} of term {term}, which is durable on {durable} of the voters {string.Join(", ", voters)}.");
    }

    /// <summary>On any machine that a voter has or had: what was acknowledged before a machine was lost may be committed afterwards.</summary>
    private bool IsDurableOn(NodeId voter, LogIndex index, Term term)
    {
        foreach (NodeObservation node in _view!.Nodes)
        {
            if (node.Id == voter && (node.Durable.Mark.Index >= index || node.Durable.Outline.TermAt(index) == term))
            {
                return true;
            }
        }

        return false;
    }

    private sealed class Seen
    {
        public uint Life { get; set; }

        public LogIndex Commit { get; set; }
    }
}
