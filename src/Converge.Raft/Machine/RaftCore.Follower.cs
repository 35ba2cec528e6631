using Converge.Core;

namespace Converge.Raft;

/// <content>A follower's side of replication (Raft paper, sections 5.3 and 7).</content>
internal sealed partial class RaftCore
{
    /// <summary>Somebody who is not the leader knows this entry to be committed.</summary>
    public void NoteCommitted(LogIndex index, Term term)
    {
        if (Role == RaftRole.Leader || index <= _log.Committed || !_log.Matches(index, term))
        {
            return;
        }

        _log.CommitTo(index);
        if (Role != RaftRole.Follower)
        {
            // Its voters may be others once this is applied.
            BecomeFollower(Term, NodeId.None);
        }
    }

    private StepResult StepFollower(in Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.Append:
                HearLeader(message.From);
                OnAppend(message);
                return StepResult.Accepted;
            case MessageKind.Heartbeat:
                HearLeader(message.From);
                return OnHeartbeat(message);
            case MessageKind.Snapshot:
                HearLeader(message.From);
                OnSnapshot(message);
                return StepResult.Accepted;
            case MessageKind.TimeoutNow:
                // The leader itself asks: no need to ask anybody first.
                TryCampaign(CampaignKind.Transfer);
                return StepResult.Accepted;
            case MessageKind.ReadIndexResp:
                _readStates.Add(new ReadState(message.Index, message.Context));
                return StepResult.Accepted;
            default:
                return StepResult.Accepted;
        }
    }

    private void HearLeader(NodeId leader)
    {
        Invariant.Check(_leader.IsNone || _leader == leader, $"{leader} leads term {Term}, in which {Id} follows {_leader}.");
        _electionElapsed = 0;
        _leaderlessTicks = 0;
        _leader = leader;
    }

    private void OnAppend(in Message message)
    {
        if (message.Index < _log.Committed)
        {
            // Late or repeated: what is committed matches any leader's log.
            AnswerAppend(message.From, _log.Committed);
            return;
        }

        ReadOnlySpan<Entry> entries = message.Entries.Span;
        if (_log.TryAppend(message.Index, message.LogTerm, entries, message.Commit))
        {
            AnswerAppend(message.From, message.Index + (ulong)entries.Length);
            return;
        }

        // The last place where the logs may still agree: entries here of a later term than the leader's there cannot. The leader skips on
        // its side in the same way, so that a whole term costs one round trip, whichever log is the longer.
        (LogIndex hint, Term hintTerm) = _log.FindConflictByTerm(LogIndex.Min(message.Index, _log.LastIndex), message.LogTerm);
        SendAfterAppend(new Message
        {
            Kind = MessageKind.AppendResp,
            From = Id,
            To = message.From,
            Term = Term,
            Index = message.Index,
            Reject = true,
            RejectHint = hint,
            LogTerm = hintTerm,
        });
    }

    private StepResult OnHeartbeat(in Message message)
    {
        // A leader never names more than this node has acknowledged.
        if (message.Commit > _log.LastIndex)
        {
            return StepResult.LogLost;
        }

        _log.CommitTo(message.Commit);
        Send(new Message
        {
            Kind = MessageKind.HeartbeatResp,
            From = Id,
            To = message.From,
            Term = Term,
            Context = message.Context,
        });
        return StepResult.Accepted;
    }

    private void OnSnapshot(in Message message)
    {
        Invariant.Check(message.Snapshot is not null, "A snapshot message without a snapshot passed the checks.");
        AnswerAppend(message.From, TryRestore(message.Snapshot) ? _log.LastIndex : _log.Committed);
    }

    /// <summary>Puts a snapshot in place of the log; false when it is of no use here. Its configuration is in force once it is installed.</summary>
    private bool TryRestore(Snapshot snapshot)
    {
        // One whose configuration does not hold this node is as good as any: it was taken before the node was added, which is told by
        // the entries behind it.
        if (snapshot.Index <= _log.Committed)
        {
            return false;
        }

        if (_log.Matches(snapshot.Index, snapshot.Term))
        {
            // The entries are all here; only that they are committed is news.
            _log.CommitTo(snapshot.Index);
            return false;
        }

        _log.Restore(snapshot);
        return true;
    }

    private void AnswerAppend(NodeId leader, LogIndex index) =>
        SendAfterAppend(new Message { Kind = MessageKind.AppendResp, From = Id, To = leader, Term = Term, Index = index });
}
