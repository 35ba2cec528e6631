using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>2: A leader never rewrites or shortens its own log (leader append-only; Raft paper, figure 3).</summary>
public sealed class LeadersOnlyAppend : ISimulationChecker
{
    private readonly PerNode<Seen> _seen = new();

    /// <inheritdoc/>
    public string Name => "leaders only append";

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

        ISimulationChecker self = this;
        Seen seen = _seen[node];
        bool leads = node.Role == RaftRole.Leader;
        if (leads && seen.Leads && seen.Life == node.Life && seen.Term == node.Term)
        {
            self.Require(node.LastIndex >= seen.Last, $"node {node.Id} leads term {node.Term}, and its log went back from {seen.Last} to {node.LastIndex}.");
            foreach (LogMessage.Append append in step.HandedToLogList)
            {
                // A new log actor is sent what its log lacks; that those are the same entries is for others to say.
                if (append.Entries.Count > 0 && step.Received is not NodeMessage.LogStarted)
                {
                    LogIndex first = append.Entries[0].Index;
                    self.Require(first > seen.Handed, $"node {node.Id} leads term {node.Term} and rewrites entry {first}; it had entries up to {seen.Handed}.");
                    seen.Handed = append.Entries[^1].Index;
                }
            }
        }
        else if (leads)
        {
            // All that it had before its own vote was durable is in its log by now; what it appends from here on comes behind.
            seen.Handed = seen.Last;
            foreach (LogMessage.Append append in step.HandedToLogList)
            {
                seen.Handed = append.Entries.Count > 0 ? append.Entries[^1].Index : seen.Handed;
            }
        }

        (seen.Leads, seen.Life, seen.Term, seen.Last) = (leads, node.Life, node.Term, node.LastIndex);
    }

    private sealed class Seen
    {
        public bool Leads { get; set; }

        public uint Life { get; set; }

        public Term Term { get; set; }

        public LogIndex Last { get; set; }

        public LogIndex Handed { get; set; }
    }
}
