using System.Collections.Immutable;
using System.Globalization;
using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Simulation;

/// <summary>Changing who takes part, and how a node comes and goes for good.</summary>
public sealed partial class SimulatedNode
{
    /// <summary>Where the node of an identity is reached, in changes of members.</summary>
    public static string AddressOf(NodeId id) => string.Create(CultureInfo.InvariantCulture, $"node-{id}:7000");

    /// <summary>Asks this node to have the members changed.</summary>
    /// <param name="steps">The change; several steps go through a joint configuration.</param>
    /// <param name="answered">Told what came of it, unless the process ends before; may be null.</param>
    public void ChangeMembers(ImmutableArray<MembershipStep> steps, Action<MembershipOutcome>? answered = null) =>
        Post(new NodeMessage.ChangeMembers(steps, new CallbackReply<MembershipOutcome>(outcome =>
        {
            _swarm.CountIf(outcome is MembershipNotChanged, SimulationCoverage.MembershipChangeRefused);
            answered?.Invoke(outcome);
        })));

    /// <summary>Who takes part as this node knows it, at once and without disturbing it; null while it is down.</summary>
    public SwarmMembers? Members()
    {
        SwarmMembers? members = null;
        _node?.Receive(new NodeMessage.GetMembers(new CallbackReply<SwarmMembers>(answer => members = answer)), Now);
        return members;
    }

    /// <summary>
    /// The node is given up: its process is killed if it runs, and never started again. What it keeps is as good as gone, and counts as kept
    /// all the same: what it acknowledged may be committed after its end, as with a machine that never comes back.
    /// </summary>
    public void Retire()
    {
        if (IsRunning)
        {
            Kill();
        }

        IsRetired = true;
        _swarm.NoteRetired(this);
    }

    private GovernanceState NewState(IEnumerable<MemberAddress> founders)
    {
        var state = new GovernanceState(_swarm.Options.MaxSessions, _swarm.Options.MaxAnswers, _swarm.Options.SessionWindow);
        return Joins ? state : Founding.StateOf(state, founders);
    }
}
