using Converge.Core;

namespace Converge.Raft;

/// <content>Handing over the leadership (Ongaro's thesis, section 3.10).</content>
internal sealed partial class RaftCore
{
    /// <summary>Hands over to this voter, or asks the leader to.</summary>
    public void OnTransferLeader(NodeId target)
    {
        if (Role == RaftRole.Follower && !_leader.IsNone)
        {
            Send(new Message { Kind = MessageKind.TransferLeader, From = target, To = _leader, Term = Term });
        }
        else if (Role == RaftRole.Leader && _membership.Find(target) is { IsLearner: false } member)
        {
            StartTransfer(member);
        }
    }

    private void StartTransfer(MemberProgress target)
    {
        if (target.Id == TransferTarget)
        {
            return;
        }

        // A new wish replaces the old one; the wish to keep the leadership, too.
        TransferTarget = NodeId.None;
        if (target.Id == Id)
        {
            return;
        }

        // It has an election timeout from now; until then no proposals, so that it can catch up.
        _electionElapsed = 0;
        TransferTarget = target.Id;
        if (target.Match == _log.LastIndex)
        {
            SendTimeoutNow(target.Id);
        }
        else
        {
            SendAppend(target);
        }
    }

    private void SendTimeoutNow(NodeId target)
    {
        // Whoever receives this may be elected in spite of everybody's loyalty, at any time from now on.
        _isLeaseVoid = true;
        Send(new Message { Kind = MessageKind.TimeoutNow, From = Id, To = target, Term = Term });
    }
}
