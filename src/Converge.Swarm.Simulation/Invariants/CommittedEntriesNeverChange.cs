using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 8: What is committed is committed for good, the same on every node (state machine safety; Raft paper, figure 3 and section 5.4.3). Each
/// entry that a node learns to be committed is compared with the one that was committed there first; a node that takes entries into its
/// log puts none in the place of a committed one that it knows of; and one that comes back still has what it knew.
/// </summary>
public sealed class CommittedEntriesNeverChange : ISimulationChecker
{
    private readonly CommittedLog _committed = new();
    private readonly PerNode<Seen> _seen = new();

    /// <inheritdoc/>
    public string Name => "committed entries never change";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Kind == StepKind.NodeActor && step.Node is { IsRunning: true } node)
        {
            Seen seen = _seen[node];
            foreach (LogMessage.Append append in step.HandedToLogList)
            {
                foreach (Entry entry in append.Entries)
                {
                    if (entry.Index > seen.Commit)
                    {
                        break;
                    }

                    Compare(node, entry);
                }
            }

            if (node.CommitIndex > seen.Commit)
            {
                Learn(node, seen);
            }
        }

        foreach (LifeChange change in step.LifeChangeList)
        {
            if (change.Started)
            {
                Seen seen = _seen[change.Node];
                seen.Commit = LogIndex.Zero;
                Learn(change.Node, seen);
            }
        }
    }

    private void Learn(NodeObservation node, Seen seen)
    {
        LogIndex known = _committed.Last;
        _committed.Extend(node);
        LogIndex end = LogIndex.Min(known, node.CommitIndex);
        for (LogIndex index = LogIndex.Max(seen.Commit.Next, CommittedLog.First); index <= end; index = index.Next)
        {
            // What a snapshot stands for is not in the log any more.
            if (node.TryGetEntry(index, out Entry entry))
            {
                Compare(node, entry);
            }
        }

        seen.Commit = node.CommitIndex;
    }

    private void Compare(NodeObservation node, in Entry entry)
    {
        if (entry.Index >= CommittedLog.First && entry.Index <= _committed.Last)
        {
            ISimulationChecker self = this;
            Entry committed = _committed[entry.Index];
            self.Require(
                committed == entry,
                $"node {node.Id} has an entry of term {entry.Term} with {entry.Data.Length} bytes at {entry.Index}, where one of term {committed.Term} with {committed.Data.Length} bytes is committed.");
        }
    }

    private sealed class Seen
    {
        public LogIndex Commit { get; set; }
    }
}
