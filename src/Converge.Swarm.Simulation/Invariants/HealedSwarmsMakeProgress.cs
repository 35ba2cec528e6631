using System.Globalization;
using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 20: After the last fault, within the bound of the <see cref="HealingPhase"/>, one node leads, all members follow it in one configuration
/// and have applied all of its log; then a write that nobody had begun before is decided upon, and gets to all of them. A run that says of no
/// phase that it heals is not judged.
/// </summary>
public sealed class HealedSwarmsMakeProgress : ISimulationChecker
{
    private ISimulationView? _view;
    private Stage _stage;
    private long _wellAtMicroseconds;
    private ClientOutcome? _lastOutcome;

    private enum Stage
    {
        Unwell,
        Well,
        Written,
        Done,
    }

    /// <inheritdoc/>
    public string Name => "after healing there is progress within the bound";

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (_stage == Stage.Done || _view!.Healing is not { } phase)
        {
            return;
        }

        ISimulationChecker self = this;
        self.Require(step.TimeMicroseconds <= phase.EndsAtMicroseconds, $"{Missing(phase)}");
        if (_stage == Stage.Unwell && IsWell(_view.Nodes))
        {
            (_stage, _wellAtMicroseconds) = (Stage.Well, step.TimeMicroseconds);
        }

        if (_stage == Stage.Well)
        {
            NoteWrites(step);
        }

        if (_stage == Stage.Written && IsWell(_view.Nodes))
        {
            _stage = Stage.Done;
        }
    }

    /// <inheritdoc/>
    public void AtEnd()
    {
        ISimulationChecker self = this;
        if (_view!.Healing is { } phase)
        {
            self.Require(_stage == Stage.Done, $"{Missing(phase)}");
        }
    }

    /// <summary>
    /// One leader, which is a member and waits for nothing to commit or apply; no change of members half-way; every member runs, follows it
    /// in its term, has the same configuration and has applied the same.
    /// </summary>
    internal static bool IsWell(IReadOnlyList<NodeObservation> nodes)
    {
        NodeObservation? leader = null;
        foreach (NodeObservation node in nodes)
        {
            if (node.IsRunning && node.Role == RaftRole.Leader && (leader is null || node.Term > leader.Term))
            {
                leader = node;
            }
        }

        return leader is not null
            && !leader.Configuration.IsJoint
            && leader.Configuration.IsVoter(leader.Id)
            && HaveCaughtUp(nodes, leader.Configuration.Voters.AsSpan(), leader)
            && HaveCaughtUp(nodes, leader.Configuration.Learners.AsSpan(), leader);
    }

    /// <summary>How the nodes stand, in a line.</summary>
    private static string Describe(IEnumerable<NodeObservation> nodes) => string.Join("; ", nodes.Select(node => node.IsRunning
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"node {node.Id} {node.Role} term {node.Term} leader {node.Leader} last {node.LastIndex} commit {node.CommitIndex} applied {node.AppliedIndex} members {node.Configuration}")
        : string.Create(CultureInfo.InvariantCulture, $"node {node.Id} down")));

    private static bool HaveCaughtUp(IReadOnlyList<NodeObservation> nodes, ReadOnlySpan<NodeId> members, NodeObservation leader)
    {
        foreach (NodeId member in members)
        {
            if (Latest(nodes, member) is not { IsRunning: true } node
                || node.Leader != leader.Id
                || node.Term != leader.Term
                || node.CommitIndex != leader.LastIndex
                || node.AppliedIndex != leader.LastIndex
                || !node.Configuration.Equals(leader.Configuration))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The node that has an identity now, where another had it before.</summary>
    private static NodeObservation? Latest(IReadOnlyList<NodeObservation> nodes, NodeId id)
    {
        for (int i = nodes.Count - 1; i >= 0; i--)
        {
            if (nodes[i].Id == id)
            {
                return nodes[i];
            }
        }

        return null;
    }

    private void NoteWrites(SimulationStep step)
    {
        foreach (ClientOperation operation in step.EndedList)
        {
            if (operation.Request is ClientRequest.Propose && operation.BegunAtMicroseconds >= _wellAtMicroseconds)
            {
                _lastOutcome = operation.Outcome;
                if (operation.Outcome is ClientOutcome.Fact { Answer: FactAccepted or FactRefused })
                {
                    _stage = Stage.Written;
                }
            }
        }
    }

    private string Missing(HealingPhase phase)
    {
        string what = _stage switch
        {
            Stage.Unwell => "not all was well",
            Stage.Well when _lastOutcome is null => "no new write was decided upon",
            Stage.Well => $"no new write was decided upon, the last came to {_lastOutcome}",
            _ => "a new write had not got to all",
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{phase.Within.TotalSeconds} s after the last fault {what}; the nodes stand so: {Describe(_view!.Nodes)}.");
    }
}
