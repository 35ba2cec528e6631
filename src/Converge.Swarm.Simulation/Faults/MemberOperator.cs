using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Simulation;

/// <summary>
/// Changes the members in the middle of everything, as an operator with no patience does: new nodes with empty disks, members that go, also
/// the leader, several at once, lost machines. It retires a node only when every member that remains knows of its removal for good: until then
/// the others may need its vote.
/// </summary>
internal sealed class MemberOperator
{
    private const int MaxMembers = 7;
    private const int MaxNewIdentities = 6;
    private const long PatienceMicroseconds = 500_000;

    private readonly SimulatedSwarm _swarm;
    private readonly SimulationRandom _random;
    private readonly List<SimulatedNode> _spares = [];

    // Asked to go, and not known to stay: whatever came of it, nobody may count on them.
    private readonly HashSet<NodeId> _leaving = [];
    private int _newIdentities;
    private SimulatedNode? _lost;
    private bool _endsJointLeader;
    private bool _stopped;

    public MemberOperator(SimulatedSwarm swarm, SimulationRandom random)
    {
        _swarm = swarm;
        _random = random;
        _swarm.LedIntoJoint = EndJointLeader;
    }

    /// <summary>A process is to be started again in a while; set by whoever ends it.</summary>
    public required Action<SimulatedNode> StartLater { get; init; }

    /// <summary>A machine that took the place of a lost one is not started before the others know what to think of it.</summary>
    public bool HoldsBack(SimulatedNode node) => node == _lost;

    /// <summary>Nothing new is begun. What a lost machine needs is brought to its end.</summary>
    public void Stop()
    {
        _stopped = true;
        _swarm.LedIntoJoint = null;
    }

    /// <summary>Asks for new members.</summary>
    /// <returns>What was done; null when it has no place now.</returns>
    public string? Add(int count) => Begin(NewNodes(count), []);

    /// <summary>Asks for members to go.</summary>
    /// <inheritdoc cref="Add" path="/returns"/>
    public string? Remove(int count) => Leaving(count) is { } leaving ? Begin([], leaving) : null;

    /// <summary>Asks for the leader to go.</summary>
    /// <inheritdoc cref="Add" path="/returns"/>
    public string? RemoveLeader() => _swarm.Leader is { } leader && CanSpare(leader, 1) ? Begin([], [leader.Id]) : null;

    /// <summary>Asks for a new node in the place of a member, in one change.</summary>
    /// <inheritdoc cref="Add" path="/returns"/>
    public string? Replace() => Leaving(1) is { } leaving && NewNodes(1) is { } fresh ? Begin(fresh, leaving) : null;

    /// <summary>Has a leader end as soon as it is in a joint configuration, and asks for a change that leads into one.</summary>
    /// <inheritdoc cref="Add" path="/returns"/>
    public string? EndInJoint()
    {
        string? change = _random.Next(3) switch
        {
            0 => Replace(),
            1 => Remove(2),
            _ => null,
        } ?? Add(2) ?? Remove(2);
        _endsJointLeader |= change is not null;
        return change is null ? null : $"in the middle of: {change}";
    }

    /// <summary>A machine is lost with its disk.</summary>
    /// <inheritdoc cref="Add" path="/returns"/>
    public string? LoseMachine()
    {
        if (_lost is not null || _swarm.Leader is not { } leader || leader.Observation.Configuration is not { IsJoint: false } configuration)
        {
            return null;
        }

        SimulatedNode node = _random.Pick(_swarm.InService);
        if (!configuration.IsVoter(node.Id) || !CanSpare(leader, 1))
        {
            return null;
        }

        _lost = _swarm.ReplaceMachine(node);
        Pursue();
        return $"node {node.Id}";
    }

    /// <summary>Whether two voters are left when so many more go, also when everything comes true that was asked for, and a lost machine counts for nothing.</summary>
    private bool CanSpare(SimulatedNode leader, int count) =>
        leader.Observation.Configuration.Voters.Count(voter => !_leaving.Contains(voter) && voter != _lost?.Id) - count >= 2;

    private string? Begin(List<SimulatedNode>? fresh, IReadOnlyList<NodeId> leaving)
    {
        if (fresh is null)
        {
            return null;
        }

        MemberRole role = fresh.Count == 1 && leaving.Count == 0 && _random.Next(6) == 0 ? MemberRole.Learner : MemberRole.Voter;
        ImmutableArray<MembershipStep> steps =
        [
            .. fresh.Select(node => MembershipStep.Add(node.Id, role, SimulatedNode.AddressOf(node.Id))),
            .. leaving.Select(MembershipStep.Remove),
        ];
        NodeId led = _swarm.Leader?.Id ?? NodeId.None;
        SimulatedNode asked = _random.Pick(_swarm.InService);
        if (!asked.IsRunning)
        {
            return null;
        }

        _leaving.UnionWith(leaving);
        asked.ChangeMembers(steps, outcome =>
        {
            _swarm.CountIf(outcome is MembershipChanged && leaving.Contains(led), SimulationCoverage.LeaderRemoved);
            if (outcome is MembershipNotChanged)
            {
                _leaving.ExceptWith(leaving);
            }
        });
        if (leaving.Count > 0)
        {
            RetireLater(leaving);
        }

        return $"node {asked.Id} is asked to {string.Join(", ", steps.Select(step => $"{(step.Kind == MembershipStepKind.Added ? "add" : "remove")} {step.Node}"))}";
    }

    /// <summary>Nodes that are no members yet; null when there are enough.</summary>
    private List<SimulatedNode>? NewNodes(int count)
    {
        if (_swarm.Leader is not { } leader || leader.Observation.Configuration.Voters.Length + leader.Observation.Configuration.Learners.Length + count > MaxMembers)
        {
            return null;
        }

        SwarmMembers known = leader.Members()!;
        _spares.RemoveAll(node => node.IsRetired || known.Removed.Contains(node.Id) || known.Members.Any(member => member.Id == node.Id));
        while (_spares.Count < count)
        {
            if (_newIdentities == MaxNewIdentities)
            {
                return null;
            }

            _newIdentities++;
            SimulatedNode node = _swarm.AddNode();
            _spares.Add(node);
            StartLater(node);
        }

        return _spares[..count];
    }

    /// <summary>Members that can go, learners too; null when they cannot be spared.</summary>
    private List<NodeId>? Leaving(int count)
    {
        if (_swarm.Leader is not { } leader || !CanSpare(leader, count))
        {
            return null;
        }

        ConfigurationState configuration = leader.Observation.Configuration;
        List<NodeId> members = [.. configuration.Voters, .. configuration.Learners];
        List<NodeId> leaving = [];
        while (leaving.Count < count)
        {
            NodeId one = _random.Pick(members);
            members.Remove(one);
            leaving.Add(one);
        }

        return leaving;
    }

    /// <summary>Ends the processes of nodes that are members no longer, once nobody can need them any more.</summary>
    private void RetireLater(IReadOnlyList<NodeId> ids) => _swarm.Call(_random.Between(PatienceMicroseconds, 8 * PatienceMicroseconds), () =>
    {
        bool waits = false;
        foreach (NodeId id in ids)
        {
            SimulatedNode node = _swarm.Node(id);
            if (node.IsRetired || node == _lost)
            {
                continue;
            }

            if (IsGoneForGood(id))
            {
                node.Retire();
            }
            else
            {
                waits = true;
            }
        }

        if (waits && !_stopped)
        {
            RetireLater(ids);
        }
    });

    /// <summary>
    /// Whether all members know, on their disks, that an identity was removed. One that does not know may have to ask it for its vote: a
    /// configuration is in force when it is applied, not when it is in the log.
    /// </summary>
    private bool IsGoneForGood(NodeId id)
    {
        if (_swarm.Leader?.Members() is not { Changing: false } known || !known.Removed.Contains(id))
        {
            return false;
        }

        foreach (MemberView member in known.Members)
        {
            SimulatedNode node = _swarm.Node(member.Id);
            if (!node.IsRunning || node.Observation.Durable.State.Commit < known.ChangedAt || node.Observation.AppliedIndex < known.ChangedAt)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A lost machine: its identity is removed, comes back with an empty disk, is refused, and another takes its place.</summary>
    private void Pursue() => _swarm.Call(_random.Between(PatienceMicroseconds / 2, 2 * PatienceMicroseconds), () =>
    {
        if (_lost is not { } lost)
        {
            return;
        }

        if (IsGoneForGood(lost.Id))
        {
            if (!lost.IsRunning)
            {
                lost.Start();
            }

            Ask(MembershipStep.Add(lost.Id, MemberRole.Voter, SimulatedNode.AddressOf(lost.Id)), outcome => NoteReturn(lost, outcome));
        }
        else if (_swarm.Leader?.Members() is { } known && !known.Removed.Contains(lost.Id))
        {
            Ask(MembershipStep.Remove(lost.Id), _ => { });
        }

        Pursue();
    });

    private void NoteReturn(SimulatedNode lost, MembershipOutcome outcome)
    {
        if (outcome is MembershipChanged)
        {
            throw new CheckFailedException("an identity that was removed is never used again", $"node {lost.Id} lost its disk, was removed, and is a member again.");
        }

        if (_lost == lost && outcome is MembershipNotChanged { Reason: MembershipRefusal.RemovedMember })
        {
            _swarm.Count(SimulationCoverage.WipedIdentityRefused);
            _lost = null;
            _swarm.Call(0, () =>
            {
                lost.Retire();
                if (!_stopped)
                {
                    Add(1);
                }
            });
        }
    }

    private void Ask(MembershipStep step, Action<MembershipOutcome> answered)
    {
        SimulatedNode asked = _random.Pick(_swarm.InService);
        if (asked.IsRunning)
        {
            asked.ChangeMembers([step], answered);
        }
    }

    private void EndJointLeader(SimulatedNode leader)
    {
        if (!_endsJointLeader)
        {
            return;
        }

        _endsJointLeader = false;
        uint life = leader.Life;
        bool losesPower = _random.Next(2) == 0;

        // Most joint configurations are left within some milliseconds.
        _swarm.Call(_random.Next(3) == 0 ? _random.Between(0, 20_000) : 0, () =>
        {
            if (_stopped || leader.Life != life || !leader.IsRunning)
            {
                return;
            }

            if (losesPower)
            {
                leader.LosePower();
            }
            else
            {
                leader.Kill();
            }

            StartLater(leader);
        });
    }
}
