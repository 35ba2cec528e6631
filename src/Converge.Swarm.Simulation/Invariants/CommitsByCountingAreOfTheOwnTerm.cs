using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 6: A leader counts only entries of its own term as committed; earlier ones are committed with them (Raft paper, section 5.4.2 and
/// figure 8).
/// </summary>
public sealed class CommitsByCountingAreOfTheOwnTerm : ISimulationChecker
{
    private readonly PerNode<Seen> _seen = new();

    /// <inheritdoc/>
    public string Name => "commits by counting are of the own term";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Node is not { IsRunning: true } node || step.Kind != StepKind.NodeActor)
        {
            return;
        }

        Seen seen = _seen[node];
        bool leads = node.Role == RaftRole.Leader;
        LogIndex commit = node.CommitIndex;
        if (leads && seen.Led == node.Term && seen.Life == node.Life && commit > seen.Commit)
        {
            ISimulationChecker self = this;
            bool has = node.TryGetTerm(commit, out Term term);
            self.Require(
                has && term == node.Term,
                $"node {node.Id} leads term {node.Term} and took its commit index from {seen.Commit} to {commit}, an entry of term {term}.");
        }

        (seen.Led, seen.Life, seen.Commit) = (leads ? node.Term : Term.Zero, node.Life, commit);
    }

    private sealed class Seen
    {
        public Term Led { get; set; }

        public uint Life { get; set; }

        public LogIndex Commit { get; set; }
    }
}
