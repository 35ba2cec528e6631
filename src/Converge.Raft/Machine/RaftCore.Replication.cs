using Converge.Core;

namespace Converge.Raft;

/// <content>A leader's side of replication (Raft paper, sections 5.3, 5.4.2 and 7).</content>
internal sealed partial class RaftCore
{
    /// <summary>A message to this member could not be delivered.</summary>
    public void ReportUnreachable(NodeId node)
    {
        if (Role == RaftRole.Leader && _membership.Find(node) is { State: ProgressState.Replicate } member)
        {
            // What was sent ahead is probably lost.
            member.BecomeProbe();
        }
    }

    /// <summary>The sending of a snapshot to this member has ended.</summary>
    public void ReportSnapshot(NodeId node, SnapshotStatus status)
    {
        if (Role != RaftRole.Leader || _membership.Find(node) is not { State: ProgressState.Snapshot } member)
        {
            return;
        }

        if (status == SnapshotStatus.Failed)
        {
            member.AbandonSnapshot();
        }

        member.BecomeProbe();

        // Delivered: its acknowledgement says that it is installed. Failed: a heartbeat's time passes before the next try.
        member.FlowPaused = true;
    }

    private StepResult StepLeader(in Message message)
    {
        if (_membership.Find(message.From) is not { } member)
        {
            return StepResult.Accepted;
        }

        Invariant.Check(
            message.Kind is not (MessageKind.Append or MessageKind.Heartbeat or MessageKind.Snapshot),
            $"{message.From} leads term {Term}, which {Id} leads.");
        switch (message.Kind)
        {
            case MessageKind.AppendResp:
                return OnAppendResponse(member, message);
            case MessageKind.HeartbeatResp:
                OnHeartbeatResponse(member, message.Context);
                return StepResult.Accepted;
            default:
                return StepResult.Accepted;
        }
    }

    private StepResult OnAppendResponse(MemberProgress member, in Message message)
    {
        member.RecentActive = true;
        if (message.Reject)
        {
            member.CatchUp.Hear();
            OnAppendRejected(member, message);
            return StepResult.Accepted;
        }

        if (message.Index > _log.LastIndex)
        {
            return StepResult.Malformed;
        }

        // A probe that is answered without news is answered all the same: the logs agree.
        bool isNews = member.TryAdvance(message.Index);
        if (member.IsLearner)
        {
            member.CatchUp.Acknowledged(member.Match, _log.LastIndex, _options);
        }

        if (!isNews && (member.State != ProgressState.Probe || member.Match != message.Index))
        {
            return StepResult.Accepted;
        }

        Resume(member, message.Index);
        bool isSelf = member.Id == Id;
        if (TryCommit())
        {
            ReleasePostponedReads();
            BroadcastAppend();
        }
        else if (!isSelf && member.CanBumpCommit(_log.Committed))
        {
            // It may be the one that does not know yet that the last entries are committed.
            SendAppend(member);
        }

        if (!isSelf)
        {
            // The window has room again.
            while (TrySendAppend(member, sendIfEmpty: false))
            {
            }

            if (member.Id == TransferTarget && member.Match == _log.LastIndex)
            {
                SendTimeoutNow(member.Id);
            }
        }

        return StepResult.Accepted;
    }

    private void Resume(MemberProgress member, LogIndex acknowledged)
    {
        switch (member.State)
        {
            case ProgressState.Probe:
                member.BecomeReplicate();
                break;
            case ProgressState.Snapshot when member.Match.Next >= _log.FirstIndex:
                // Whatever it installed, from here on the log suffices.
                member.BecomeProbe();
                member.BecomeReplicate();
                break;
            case ProgressState.Snapshot when member.Match >= member.PendingSnapshot:
                // It has installed what it was sent, but the log was compacted past that in the meantime: it needs another one.
                member.BecomeProbe();
                break;
            case ProgressState.Snapshot:
                break;
            case ProgressState.Replicate:
            default:
                member.FreeInflights(acknowledged);
                break;
        }
    }

    private void OnAppendRejected(MemberProgress member, in Message message)
    {
        // The follower's hint skips what it has of later terms than the leader's there; here the leader skips what it has of later terms
        // than the follower's at the hint.
        LogIndex hint = message.LogTerm > Term.Zero
            ? _log.FindConflictByTerm(message.RejectHint, message.LogTerm).Index
            : message.RejectHint;

        if (member.TryRetreat(message.Index, hint))
        {
            if (member.State == ProgressState.Replicate)
            {
                member.BecomeProbe();
            }

            SendAppend(member);
        }
    }

    private void OnHeartbeatResponse(MemberProgress member, ulong round)
    {
        member.RecentActive = true;
        member.CatchUp.Hear();
        member.FlowPaused = false;

        // It is alive: what was held back, or lost, can be tried again.
        if (member.Match < _log.LastIndex || member.State == ProgressState.Probe)
        {
            SendAppend(member);
        }

        ConfirmReads(member, round);
    }

    private bool TryCommit()
    {
        bool isCommitted = _log.TryCommit(_membership.CommittedIndex(), Term);
        _isTermEstablished |= isCommitted;
        return isCommitted;
    }

    private void BroadcastAppend()
    {
        foreach (MemberProgress member in _membership.Members)
        {
            if (member.Id != Id)
            {
                SendAppend(member);
            }
        }
    }

    private void BroadcastHeartbeat()
    {
        _round++;
        _isRoundOpen = true;
        foreach (MemberProgress member in _membership.Members)
        {
            if (member.Id == Id)
            {
                continue;
            }

            // Never more than the follower is known to match: its log may end elsewhere.
            LogIndex commit = LogIndex.Min(member.Match, _log.Committed);
            Send(new Message
            {
                Kind = MessageKind.Heartbeat,
                From = Id,
                To = member.Id,
                Term = Term,
                Commit = commit,
                Context = _round,
            });
            member.SentCommit = commit;
        }
    }

    /// <summary>Sends what there is to send; without entries to tell the commit index.</summary>
    private void SendAppend(MemberProgress member) => TrySendAppend(member, sendIfEmpty: true);

    /// <summary>Sends entries, or a snapshot in their place, if the flow to the follower allows; false when nothing was sent.</summary>
    private bool TrySendAppend(MemberProgress member, bool sendIfEmpty)
    {
        if (member.IsPaused)
        {
            return false;
        }

        LogIndex previous = member.Next.Previous;
        switch (_log.Term(previous, out Term previousTerm))
        {
            case LogReadStatus.Compacted:
                return TrySendSnapshot(member);
            case LogReadStatus.Unavailable:
                // Tried again with its next heartbeat response.
                return false;
            case LogReadStatus.Ok:
            default:
                break;
        }

        // With the window full only an empty append goes out now and then: were everything under way lost, its answer would tell.
        ReadOnlyMemory<Entry> entries = default;
        LogReadStatus status = LogReadStatus.Ok;
        if (member.State != ProgressState.Replicate || !member.IsInflightFull)
        {
            status = _log.Entries(member.Next, _options.MaxMessageBytes, out entries);
        }

        if (status == LogReadStatus.Unavailable || (entries.IsEmpty && !sendIfEmpty))
        {
            return false;
        }

        if (status == LogReadStatus.Compacted)
        {
            return TrySendSnapshot(member);
        }

        Send(new Message
        {
            Kind = MessageKind.Append,
            From = Id,
            To = member.Id,
            Term = Term,
            LogTerm = previousTerm,
            Index = previous,
            Commit = _log.Committed,
            Entries = entries,
        });
        member.SentEntries(entries.Length, Entry.TotalDataBytes(entries.Span));
        member.SentCommit = _log.Committed;
        return true;
    }

    private bool TrySendSnapshot(MemberProgress member)
    {
        // Too much for one who may not be there; and a snapshot that ends before the log begins would help nobody.
        if (!member.RecentActive || _log.Snapshot() is not { } snapshot || snapshot.Index.Next < _log.FirstIndex)
        {
            return false;
        }

        member.BecomeSnapshot(snapshot.Index);
        Send(new Message { Kind = MessageKind.Snapshot, From = Id, To = member.Id, Term = Term, Snapshot = snapshot });
        return true;
    }
}
