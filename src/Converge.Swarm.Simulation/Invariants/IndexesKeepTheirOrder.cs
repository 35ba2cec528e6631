using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 10: On each node the snapshot is not behind what was purged, what is applied is not ahead of what is committed, nor that of the log's end;
/// and none of them goes back within a life (Raft paper, figure 2 and section 7).
/// </summary>
public sealed class IndexesKeepTheirOrder : ISimulationChecker
{
    private readonly PerNode<Seen> _seen = new();

    /// <inheritdoc/>
    public string Name => "indexes keep their order";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        foreach (LifeChange change in step.LifeChangeList)
        {
            if (change.Started)
            {
                Check(change.Node, isNew: true);
            }
        }

        if (step.Node is { IsRunning: true } node && step.Kind is StepKind.NodeActor or StepKind.StateMachineActor or StepKind.Disk)
        {
            Check(node, isNew: false);
        }
    }

    private void Check(NodeObservation node, bool isNew)
    {
        ISimulationChecker self = this;
        Seen seen = _seen[node];
        LogIndex commit = node.CommitIndex;
        LogIndex last = node.LastIndex;
        LogIndex applied = node.AppliedIndex;
        LogIndex purged = node.FirstIndex.Previous;
        LogIndex snapshot = node.Durable.Mark.Index;
        self.Require(commit <= last, $"node {node.Id} has {commit} committed, and its log ends at {last}.");
        self.Require(applied <= commit, $"node {node.Id} applied {applied}, and {commit} is committed.");
        self.Require(
            purged <= LogIndex.Max(snapshot, commit),
            $"node {node.Id} purged its log through {purged}; its snapshot stands for {snapshot}, and {commit} is committed.");
        self.Require(snapshot <= commit, $"node {node.Id} has a snapshot of {snapshot}, and {commit} is committed.");
        if (!isNew)
        {
            self.Require(commit >= seen.Commit, $"on node {node.Id} the commit index went back from {seen.Commit} to {commit}.");
            self.Require(applied >= seen.Applied, $"on node {node.Id} the applied index went back from {seen.Applied} to {applied}.");
            self.Require(purged >= seen.Purged, $"on node {node.Id} the purged part of the log went back from {seen.Purged} to {purged}.");
            self.Require(snapshot >= seen.Snapshot, $"on node {node.Id} the snapshot went back from {seen.Snapshot} to {snapshot}.");
        }

        (seen.Commit, seen.Applied, seen.Purged, seen.Snapshot) = (commit, applied, purged, snapshot);
    }

    private sealed class Seen
    {
        public LogIndex Commit { get; set; }

        public LogIndex Applied { get; set; }

        public LogIndex Purged { get; set; }

        public LogIndex Snapshot { get; set; }
    }
}
