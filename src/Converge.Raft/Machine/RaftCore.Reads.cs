using Converge.Core;

namespace Converge.Raft;

/// <content>
/// Linearizable reads without log entries (Ongaro's thesis, section 6.4). A read waits for a heartbeat round that begins after it came in
/// to be answered by a quorum. Rounds are numbered within the term by the leader itself: however often a caller repeats a context, no old
/// answer confirms a new read.
/// </content>
internal sealed partial class RaftCore
{
    private readonly PendingReads _pendingReads;
    private readonly LeaseRounds _leaseRounds;

    /// <summary>The last heartbeat round of this term.</summary>
    private ulong _round;

    /// <summary>The last round is still in the output: whoever comes now may join it.</summary>
    private bool _isRoundOpen;

    /// <summary>This term's leadership was offered to somebody: no lease holds any more.</summary>
    private bool _isLeaseVoid;

    /// <summary>A read of this node, or one that a follower has sent.</summary>
    public ReadIndexResult OnReadIndex(NodeId from, ulong context, bool isLeaseRefused)
    {
        if (Role != RaftRole.Leader)
        {
            return ForwardRead(from, context, isLeaseRefused);
        }

        // Until an entry of the term is committed, entries of earlier terms may be committed without this leader knowing.
        if (!_isTermEstablished)
        {
            return _pendingReads.TryPostpone(from, context, isLeaseRefused) ? ReadIndexResult.Accepted : ReadIndexResult.TooManyPending;
        }

        if (IsAlone() || (!isLeaseRefused && HoldsLease()))
        {
            AnswerRead(from, context, _log.Committed);
            return ReadIndexResult.Accepted;
        }

        if (_pendingReads.IsFull)
        {
            return ReadIndexResult.TooManyPending;
        }

        _pendingReads.Add(from, context, _log.Committed, RoundForReads());
        return ReadIndexResult.Accepted;
    }

    /// <summary>Time has passed for the leases of a host that counts it apart from ticks.</summary>
    public void AdvanceLeaseClock(long ticks)
    {
        Invariant.Check(_options.LeaseClockIsExternal, $"The lease clock was advanced by {ticks}, and runs on ticks.");
        _leaseRounds.Advance(ticks, _round);
    }

    private ReadIndexResult ForwardRead(NodeId from, ulong context, bool isLeaseRefused)
    {
        if (_leader.IsNone || Role != RaftRole.Follower)
        {
            return ReadIndexResult.NoLeader;
        }

        Send(new Message { Kind = MessageKind.ReadIndex, From = from, To = _leader, Context = context, Reject = isLeaseRefused });
        return ReadIndexResult.Accepted;
    }

    private void ResetReads()
    {
        _pendingReads.Clear();
        _leaseRounds.Reset();
        _round = 0;
        _isRoundOpen = false;
        _isLeaseVoid = false;
    }

    private void ReleasePostponedReads()
    {
        if (!_pendingReads.HasPostponed || !_isTermEstablished)
        {
            return;
        }

        // A read that a round confirms takes those behind it along: they are answered in their order.
        bool needsRound = !IsAlone() && (_pendingReads.RefusesLease || !HoldsLease());
        _pendingReads.Schedule(_log.Committed, needsRound ? RoundForReads() : 0);
        AnswerReadsThrough(_membership.ConfirmedRound(Id, _round));
    }

    private void ConfirmReads(MemberProgress member, ulong round)
    {
        if (round > _round)
        {
            return;
        }

        member.AcknowledgedRound = Math.Max(member.AcknowledgedRound, round);
        if (_pendingReads.HasScheduled)
        {
            AnswerReadsThrough(_membership.ConfirmedRound(Id, _round));
        }
    }

    private void AnswerReadsThrough(ulong round)
    {
        while (_pendingReads.TryTake(round, out PendingRead read))
        {
            AnswerRead(read.From, read.Context, read.Index);
        }
    }

    private void AnswerRead(NodeId from, ulong context, LogIndex index)
    {
        Invariant.Check(index <= _log.Committed, $"{Id} would name {index} for a read, and {_log.Committed} is committed.");
        if (from == Id)
        {
            _readStates.Add(new ReadState(index, context));
        }
        else
        {
            Send(new Message { Kind = MessageKind.ReadIndexResp, From = Id, To = from, Term = Term, Index = index, Context = context });
        }
    }

    private ulong RoundForReads()
    {
        if (!_isRoundOpen)
        {
            BroadcastHeartbeat();
        }

        return _round;
    }

    private bool IsAlone() => _membership.IsSingleton && Self() is { IsLearner: false };

    private bool HoldsLease() =>
        _options is { ReadMode: ReadMode.LeaseBased, CheckQuorum: true }
        && !_isLeaseVoid
        && TransferTarget.IsNone
        && _leaseRounds.Covers(_membership.ConfirmedRound(Id, _round));
}
