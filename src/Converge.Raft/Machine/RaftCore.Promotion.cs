using Converge.Core;

namespace Converge.Raft;

/// <content>Learners become voters by themselves once they have caught up (Ongaro's thesis, section 4.2.1).</content>
internal sealed partial class RaftCore
{
    /// <summary>Takes note that a learner is to become a voter when it has caught up.</summary>
    public PromotionResult PromoteWhenCaughtUp(NodeId learner)
    {
        if (Role != RaftRole.Leader)
        {
            return PromotionResult.NotLeader;
        }

        if (_membership.Find(learner) is not { IsLearner: true } member)
        {
            return PromotionResult.NotLearner;
        }

        member.CatchUp.Ask();
        return PromotionResult.Accepted;
    }

    /// <summary>Forgets the wish.</summary>
    public void CancelPromotion(NodeId learner) => _membership.Find(learner)?.CatchUp.Cancel();

    private void TickPromotions()
    {
        MemberProgress? promoted = null;
        foreach (MemberProgress member in _membership.Members)
        {
            if (!member.IsLearner)
            {
                continue;
            }

            member.CatchUp.Tick(member.Match, _log.LastIndex, _options);
            if (promoted is null && member.CatchUp.State == PromotionState.Ready)
            {
                promoted = member;
            }
        }

        if (promoted is not null && MayChangeMembers())
        {
            // May still be refused for want of room; the next tick tries again. Proposed as a change without a joint configuration, which
            // fits whatever else has changed since.
            ReadOnlyMemory<byte> change = new ConfigurationChange([new MemberChange(MemberChangeKind.AddVoter, promoted.Id)]).Encode();
            AppendProposed([new Entry(Term.Zero, LogIndex.Zero, EntryKind.ConfigurationChangeV2, change)]);
        }
    }

    /// <summary>Checked before a change is proposed unasked: one that does not fit would leave an empty entry with every tick.</summary>
    private bool MayChangeMembers() =>
        _isTermEstablished
        && _pendingConfigurationIndex <= _log.Applied
        && !_membership.Configuration.IsJoint
        && TransferTarget.IsNone;
}
