using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 4: Whoever leads holds every entry that was committed in an earlier term (leader completeness; Raft paper, figure 3 and section 5.4.3).
/// Looked at when a node begins to lead and when something is committed while others lead later terms.
/// </summary>
public sealed class LeadersHoldWhatIsCommitted : ISimulationChecker
{
    private readonly CommittedLog _committed = new();
    private readonly PerNode<Seen> _seen = new();
    private ISimulationView? _view;

    /// <inheritdoc/>
    public string Name => "leaders hold what is committed";

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

        if (_committed.Extend(node) is { } first)
        {
            foreach (NodeObservation other in _view!.Nodes)
            {
                if (other != node && other is { IsRunning: true, Role: RaftRole.Leader } && other.Term > _committed.TermAt(_committed.Last))
                {
                    Check(other, first);
                }
            }
        }

        Seen seen = _seen[node];
        if (node.Role != RaftRole.Leader)
        {
            seen.Led = Term.Zero;
        }
        else if (seen.Led != node.Term || seen.Life != node.Life)
        {
            (seen.Led, seen.Life) = (node.Term, node.Life);
            Check(node, CommittedLog.First);
        }
    }

    private void Check(NodeObservation leader, LogIndex from)
    {
        ISimulationChecker self = this;
        for (LogIndex index = LogIndex.Max(from, leader.FirstIndex); index <= _committed.Last && _committed.TermAt(index) < leader.Term; index = index.Next)
        {
            bool has = leader.TryGetTerm(index, out Term term);
            self.Require(
                has && term == _committed.TermAt(index),
                $"node {leader.Id} leads term {leader.Term} and has {(has ? term : Term.Zero)} as the term of entry {index}, which was committed in term {_committed.TermAt(index)}.");
        }
    }

    private sealed class Seen
    {
        public Term Led { get; set; }

        public uint Life { get; set; }
    }
}
