using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 11: A leader has one change of members in its log at most that is not committed, and takes none in before it has committed an entry of
/// its term (Ongaro's thesis, section 4.1 and the correction of its single-server algorithm). And each configuration that a node puts in
/// force shares a quorum with the one before it: one voter more or less, or a joint configuration that begins with the old voters and ends
/// with the new ones (Raft paper, section 6). A change is in force when it is applied, so that one that is truncated away never was.
/// </summary>
public sealed class OneChangeOfMembersAtATime : ISimulationChecker
{
    private readonly PerNode<Seen> _seen = new();

    /// <inheritdoc/>
    public string Name => "one change of members at a time";

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
        if (seen.Life != node.Life || seen.Term != node.Term)
        {
            (seen.LastChange, seen.Term) = (LogIndex.Zero, node.Term);
            seen.Commit = seen.Life == node.Life ? seen.Commit : node.CommitIndex;
        }

        foreach (LogMessage.Append append in step.HandedToLogList)
        {
            CheckProposed(node, seen, append);
        }

        // A snapshot of another node stands for any number of changes; they are in force once it is installed.
        if (node.FirstIndex.Previous > seen.Commit)
        {
            (seen.Jumped, seen.JumpedTo) = (true, node.FirstIndex.Previous);
        }

        ConfigurationState now = node.Configuration;
        if (seen.Life == node.Life && seen.Configuration is { } before && !ReferenceEquals(before, now) && !before.Equals(now))
        {
            CheckInForce(step, seen, before, now);
            seen.Jumped = false;
        }

        (seen.Life, seen.Configuration, seen.Commit) = (node.Life, now, node.CommitIndex);
    }

    /// <summary>A node may put several changes in force in one step: one after the other, as it applied them.</summary>
    private void CheckInForce(SimulationStep step, Seen seen, ConfigurationState before, ConfigurationState now)
    {
        if (seen.Jumped)
        {
            return;
        }

        ISimulationChecker self = this;
        foreach (AppliedEntry entry in step.Received is NodeMessage.Applied applied ? applied.Entries : ArraySegment<AppliedEntry>.Empty)
        {
            if (entry.Outcome.Membership is { } change && entry.Index > seen.JumpedTo)
            {
                ConfigurationState next = change.Table.Configuration;
                self.Require(
                    Follows(before, next), $"node {step.Node!.Id} put {next} in force after {before} with entry {entry.Index}: two majorities of them need not meet.");
                before = next;
            }
        }

        self.Require(Follows(before, now), $"node {step.Node!.Id} put {now} in force after {before}: two majorities of them need not meet.");
    }

    private void CheckProposed(NodeObservation node, Seen seen, LogMessage.Append append)
    {
        if (node.Role != RaftRole.Leader)
        {
            return;
        }

        ISimulationChecker self = this;
        foreach (Entry entry in append.Entries)
        {
            if (!entry.ChangesConfiguration || entry.Term != node.Term || entry.Index == seen.LastChange)
            {
                // A new log actor is sent again what the one before it had not confirmed.
                continue;
            }

            bool established = node.TryGetTerm(node.CommitIndex, out Term committed) && committed == node.Term;
            self.Require(
                established,
                $"node {node.Id} leads term {node.Term} and took in the change of members {entry.Index} with entry {node.CommitIndex} of term {committed} as the last committed one.");
            self.Require(
                seen.LastChange <= node.CommitIndex,
                $"node {node.Id} leads term {node.Term} and took in the change of members {entry.Index}; that of {seen.LastChange} is not committed, {node.CommitIndex} is.");
            seen.LastChange = entry.Index;
        }
    }

    /// <summary>Whether every quorum of one configuration meets every quorum of the other.</summary>
    private static bool Follows(ConfigurationState before, ConfigurationState now) => (before.IsJoint, now.IsJoint) switch
    {
        (false, false) => Difference(before.Voters, now.Voters) + Difference(now.Voters, before.Voters) <= 1,
        (false, true) => before.Voters.AsSpan().SequenceEqual(now.VotersOutgoing.AsSpan()),
        (true, false) => before.Voters.AsSpan().SequenceEqual(now.Voters.AsSpan()),
        (true, true) => before.Voters.AsSpan().SequenceEqual(now.Voters.AsSpan()) && before.VotersOutgoing.AsSpan().SequenceEqual(now.VotersOutgoing.AsSpan()),
    };

    private static int Difference(ImmutableArray<NodeId> some, ImmutableArray<NodeId> others)
    {
        int count = 0;
        foreach (NodeId one in some)
        {
            count += others.AsSpan().Contains(one) ? 0 : 1;
        }

        return count;
    }

    private sealed class Seen
    {
        public uint Life { get; set; }

        public Term Term { get; set; }

        public LogIndex LastChange { get; set; }

        public LogIndex Commit { get; set; }

        public bool Jumped { get; set; }

        public LogIndex JumpedTo { get; set; }

        public ConfigurationState? Configuration { get; set; }
    }
}
