using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// Works out what a change makes of a membership (Raft paper, section 6; Ongaro's thesis, chapter 4). Pure: the membership given stays
/// as it is, and a change that cannot be made yields a fault and nothing else. The same on every node, since each applies the same
/// changes to the same configurations.
/// </summary>
internal sealed class ConfigurationChanger
{
    /// <summary>For working out configurations alone: progress is tracked, and thrown away.</summary>
    private static readonly RaftOptions NobodysOptions = new() { Id = new NodeId(1), Random = null! };

    private readonly RaftOptions _options;
    private readonly LogIndex _lastIndex;
    private readonly SortedSet<NodeId> _voters;
    private readonly SortedSet<NodeId> _outgoing;
    private readonly SortedSet<NodeId> _learners;
    private readonly SortedSet<NodeId> _learnersNext;
    private readonly SortedDictionary<NodeId, MemberProgress> _members = [];
    private bool _autoLeave;

    private ConfigurationChanger(Membership current, LogIndex lastIndex, RaftOptions options)
    {
        _options = options;
        _lastIndex = lastIndex;
        _voters = [.. current.Configuration.Voters];
        _outgoing = [.. current.Configuration.VotersOutgoing];
        _learners = [.. current.Configuration.Learners];
        _learnersNext = [.. current.Configuration.LearnersNext];
        foreach (MemberProgress member in current.Members)
        {
            _members.Add(member.Id, member.Clone());
        }
    }

    /// <summary>What a change makes of a membership.</summary>
    /// <param name="current">The membership in force.</param>
    /// <param name="change">The change.</param>
    /// <param name="lastIndex">The end of the log, where members that are new are probed first.</param>
    /// <param name="options">The bounds of the windows of members that are new.</param>
    /// <param name="next">The membership after it; <paramref name="current"/> when it cannot be made.</param>
    public static ConfigurationFault Apply(
        Membership current, ConfigurationChange change, LogIndex lastIndex, RaftOptions options, out Membership next)
    {
        if (change.LeavesJoint)
        {
            return LeaveJoint(current, lastIndex, options, out next);
        }

        return change.EntersJoint
            ? EnterJoint(current, change.Changes, change.LeavesByItself, lastIndex, options, out next)
            : Simple(current, change.Changes, lastIndex, options, out next);
    }

    /// <summary>What a change makes of a configuration, whatever is known about the progress of its members.</summary>
    /// <param name="current">The configuration in force.</param>
    /// <param name="change">The change.</param>
    /// <param name="next">The configuration after it; <paramref name="current"/> when it cannot be made.</param>
    public static ConfigurationFault Apply(ConfigurationState current, ConfigurationChange change, out ConfigurationState next)
    {
        next = current;
        if (current.Voters.IsEmpty)
        {
            return ConfigurationFault.NoVotersToStartFrom;
        }

        ConfigurationFault fault = Apply(
            Membership.Restore(current, LogIndex.Zero, NobodysOptions), change, LogIndex.Zero, NobodysOptions, out Membership membership);
        next = membership.Configuration;
        return fault;
    }

    /// <summary>Enters a joint configuration: the voters so far become the outgoing half, the changes make the incoming one.</summary>
    public static ConfigurationFault EnterJoint(
        Membership current,
        ImmutableArray<MemberChange> changes,
        bool autoLeave,
        LogIndex lastIndex,
        RaftOptions options,
        out Membership next)
    {
        next = current;
        if (current.Configuration.IsJoint)
        {
            return ConfigurationFault.AlreadyJoint;
        }

        if (current.Configuration.Voters.IsEmpty)
        {
            return ConfigurationFault.NoVotersToStartFrom;
        }

        var changer = new ConfigurationChanger(current, lastIndex, options) { _autoLeave = autoLeave };
        changer._outgoing.UnionWith(changer._voters);
        ConfigurationFault fault = changer.Take(changes);
        return fault == ConfigurationFault.None ? changer.Build(out next) : fault;
    }

    /// <summary>Leaves a joint configuration: the incoming half decides alone, and who is in no set is forgotten.</summary>
    public static ConfigurationFault LeaveJoint(Membership current, LogIndex lastIndex, RaftOptions options, out Membership next)
    {
        next = current;
        if (!current.Configuration.IsJoint)
        {
            return ConfigurationFault.NotJoint;
        }

        var changer = new ConfigurationChanger(current, lastIndex, options);
        foreach (NodeId learner in changer._learnersNext)
        {
            changer._learners.Add(learner);
            changer._members[learner].IsLearner = true;
        }

        changer._learnersNext.Clear();
        foreach (NodeId leaving in changer._outgoing)
        {
            if (!changer._voters.Contains(leaving) && !changer._learners.Contains(leaving))
            {
                changer._members.Remove(leaving);
            }
        }

        changer._outgoing.Clear();
        return changer.Build(out next);
    }

    /// <summary>Changes one voter at most, and any number of learners, at once.</summary>
    public static ConfigurationFault Simple(
        Membership current, ImmutableArray<MemberChange> changes, LogIndex lastIndex, RaftOptions options, out Membership next)
    {
        next = current;
        if (current.Configuration.IsJoint)
        {
            return ConfigurationFault.SimpleChangeWhileJoint;
        }

        var changer = new ConfigurationChanger(current, lastIndex, options);
        ConfigurationFault fault = changer.Take(changes);
        if (fault != ConfigurationFault.None)
        {
            return fault;
        }

        var changed = new HashSet<NodeId>(current.Configuration.Voters);
        changed.SymmetricExceptWith(changer._voters);
        return changed.Count > 1 ? ConfigurationFault.MoreThanOneVoterChanged : changer.Build(out next);
    }

    private ConfigurationFault Take(ImmutableArray<MemberChange> changes)
    {
        foreach (MemberChange change in changes)
        {
            if (change.Node.IsNone)
            {
                continue;
            }

            switch (change.Kind)
            {
                case MemberChangeKind.AddVoter:
                    MakeVoter(change.Node);
                    break;
                case MemberChangeKind.AddLearner:
                    MakeLearner(change.Node);
                    break;
                case MemberChangeKind.Remove:
                    Remove(change.Node);
                    break;
                case MemberChangeKind.Update:
                    break;
                default:
                    return ConfigurationFault.NotUnderstood;
            }

            if (LocalTargets.Contains(change.Node))
            {
                return ConfigurationFault.NotUnderstood;
            }
        }

        return _voters.Count == 0 ? ConfigurationFault.NoVotersLeft : ConfigurationFault.None;
    }

    private void MakeVoter(NodeId node)
    {
        if (_members.TryGetValue(node, out MemberProgress? member))
        {
            member.IsLearner = false;
            member.CatchUp = default;
            _learners.Remove(node);
            _learnersNext.Remove(node);
        }
        else
        {
            _members.Add(node, Membership.NewMember(node, _lastIndex, isLearner: false, _options));
        }

        _voters.Add(node);
    }

    private void MakeLearner(NodeId node)
    {
        if (!_members.TryGetValue(node, out MemberProgress? member))
        {
            _members.Add(node, Membership.NewMember(node, _lastIndex, isLearner: true, _options));
            _learners.Add(node);
            return;
        }

        if (member.IsLearner)
        {
            return;
        }

        // What is known of its log stays true.
        Remove(node);
        _members[node] = member;

        if (_outgoing.Contains(node))
        {
            _learnersNext.Add(node);
        }
        else
        {
            member.IsLearner = true;
            member.CatchUp = default;
            _learners.Add(node);
        }
    }

    private void Remove(NodeId node)
    {
        _voters.Remove(node);
        _learners.Remove(node);
        _learnersNext.Remove(node);
        if (!_outgoing.Contains(node))
        {
            _members.Remove(node);
        }
    }

    private ConfigurationFault Build(out Membership next)
    {
        bool isConsistent = ConfigurationState.TryCreate(
            [.. _voters], [.. _outgoing], [.. _learners], [.. _learnersNext], _autoLeave, out ConfigurationState? configuration, out string? fault);
        Invariant.Check(isConsistent && configuration is not null, $"A change made a configuration that contradicts itself. {fault}");

        MemberProgress[] members = [.. _members.Values];
        foreach (MemberProgress member in members)
        {
            Invariant.Check(
                configuration.IsMember(member.Id) && member.IsLearner == configuration.IsLearner(member.Id),
                $"{member.Id} is tracked as {(member.IsLearner ? "a learner" : "a voter")} in {configuration}.");
        }

        next = new Membership(configuration, members);
        return ConfigurationFault.None;
    }
}
