using Converge.Core;

namespace Converge.Raft;

/// <content>Changes of members (Raft paper, section 6; Ongaro's thesis, chapter 4). In force once applied.</content>
internal sealed partial class RaftCore
{
    /// <summary>A change may be in the log at or before this index; until it is applied, no other is proposed.</summary>
    private LogIndex _pendingConfigurationIndex;

    /// <summary>Puts an applied change in force. With a fault nothing changes, here as on every other node.</summary>
    public ConfigurationState ApplyConfigurationChange(ConfigurationChange change, out ConfigurationFault fault)
    {
        // A node that does not know the configuration that a change starts from must wait for a snapshot: applied to nothing, the change
        // that adds this node would make it the only voter.
        Membership next = _membership;
        fault = _membership.Configuration.Voters.IsEmpty
            ? ConfigurationFault.NoVotersToStartFrom
            : ConfigurationChanger.Apply(_membership, change, _log.LastIndex, _options, out next);
        if (fault == ConfigurationFault.None)
        {
            SwitchTo(next);
        }

        return next.Configuration;
    }

    private void ProposeLeavingJoint() =>
        AppendProposed([new Entry(Term.Zero, LogIndex.Zero, EntryKind.ConfigurationChangeV2, default)]);

    private ProposeResult CheckConfigurationChange(in Entry entry, LogIndex pending)
    {
        if (ConfigurationChange.Decode(entry.Kind, entry.Data) is not { } change)
        {
            return ProposeResult.InvalidConfigurationChange;
        }

        if (_options.DisableConfigurationChangeValidation)
        {
            return ProposeResult.Accepted;
        }

        if (pending > _log.Applied)
        {
            return ProposeResult.ConfigurationChangePending;
        }

        bool wantsToLeave = change.Changes.IsEmpty;
        if (_membership.Configuration.IsJoint != wantsToLeave)
        {
            return wantsToLeave ? ProposeResult.NotJoint : ProposeResult.MustLeaveJointFirst;
        }

        if (!_options.RefuseInvalidConfigurationChanges)
        {
            return ProposeResult.Accepted;
        }

        if (!_isTermEstablished)
        {
            return ProposeResult.TermNotEstablished;
        }

        return ConfigurationChanger.Apply(_membership, change, _log.LastIndex, _options, out _) == ConfigurationFault.None
            ? ProposeResult.Accepted
            : ProposeResult.InvalidConfigurationChange;
    }

    private void SwitchTo(Membership next)
    {
        _membership = next;
        if (Role != RaftRole.Leader)
        {
            return;
        }

        if (Self() is not { IsLearner: false })
        {
            if (_options.StepDownOnRemoval)
            {
                BecomeFollower(Term, NodeId.None);
            }

            return;
        }

        // Fewer voters may suffice for more entries.
        if (TryCommit())
        {
            ReleasePostponedReads();
            BroadcastAppend();
        }
        else
        {
            // Members that are new need not wait for a heartbeat.
            foreach (MemberProgress member in _membership.Members)
            {
                if (member.Id != Id)
                {
                    TrySendAppend(member, sendIfEmpty: false);
                }
            }
        }

        if (!TransferTarget.IsNone && !_membership.Configuration.IsVoter(TransferTarget))
        {
            TransferTarget = NodeId.None;
        }
    }
}
