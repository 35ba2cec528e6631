using Converge.Core;

namespace Converge.Raft;

/// <content>Terms, roles, votes (Raft paper, sections 5.1, 5.2 and 5.4.1; Ongaro's thesis, sections 4.2.3 and 9.6).</content>
internal sealed partial class RaftCore
{
    /// <summary>Ticks are counted up to here: more than anything that is waited for.</summary>
    private const int MaxElapsedTicks = int.MaxValue - 1;

    private enum CampaignKind
    {
        /// <summary>Asks first.</summary>
        PreVote,

        /// <summary>Asks for votes.</summary>
        Vote,

        /// <summary>Asks for votes at the wish of the leader, to whom nobody need stick then.</summary>
        Transfer,
    }

    /// <summary>The host asks this node to campaign.</summary>
    public void Campaign()
    {
        // A lease relies on the followers' loyalty, also against themselves.
        if (_options.ReadMode != ReadMode.LeaseBased || (!HasRecentLeader() && _loyaltyTicksLeft == 0))
        {
            StartElection();
        }
    }

    /// <summary>A follower forgets its leader, so that it may vote for another at once.</summary>
    public void ForgetLeader()
    {
        // A lease relies on the followers' loyalty.
        if (Role == RaftRole.Follower && _options.ReadMode != ReadMode.LeaseBased)
        {
            _leader = NodeId.None;
        }
    }

    private void TickElection()
    {
        // A node that may not campaign counts on for as long as it lives.
        _electionElapsed = Math.Min(_electionElapsed + 1, MaxElapsedTicks);
        _leaderlessTicks = _leader.IsNone ? Math.Min(_leaderlessTicks + 1, MaxElapsedTicks) : 0;
        if (_electionElapsed >= _electionTimeout && IsPromotable() && !YieldsToHigherPriority())
        {
            _electionElapsed = 0;
            StartElection();
        }
    }

    private void StartElection() => TryCampaign(_options.PreVote ? CampaignKind.PreVote : CampaignKind.Vote);

    private void TickLeader()
    {
        _heartbeatElapsed++;
        _electionElapsed++;
        if (!_options.LeaseClockIsExternal)
        {
            _leaseRounds.Advance(1, _round);
        }

        if (_electionElapsed >= _options.ElectionTicks)
        {
            _electionElapsed = 0;
            MemberProgress? preferred = FindPreferredVoter();
            if (_options.CheckQuorum)
            {
                CheckQuorum();
            }

            // A transfer that takes longer than an election is not going to succeed.
            TransferTarget = NodeId.None;
            if (Role == RaftRole.Leader)
            {
                TickYield(preferred);
            }
        }

        if (Role == RaftRole.Leader && _heartbeatElapsed >= _options.HeartbeatTicks)
        {
            _heartbeatElapsed = 0;
            BroadcastHeartbeat();
        }

        if (Role == RaftRole.Leader)
        {
            TickPromotions();
        }
    }

    private void CheckQuorum()
    {
        if (!_membership.IsQuorumActive())
        {
            BecomeFollower(Term, NodeId.None);
            return;
        }

        foreach (MemberProgress member in _membership.Members)
        {
            member.RecentActive = member.Id == Id;
        }
    }

    /// <summary>A voter that holds a complete state and a working disk.</summary>
    private bool IsPromotable() => Self() is { IsLearner: false } && !_log.HasSnapshot && !IsStorageStalled;

    private void TryCampaign(CampaignKind kind)
    {
        // With a change of members still to be applied, this node does not know who its voters are.
        if (Role != RaftRole.Leader && IsPromotable() && !HasUnappliedConfigurationChange())
        {
            StartCampaign(kind);
        }
    }

    private bool HasUnappliedConfigurationChange()
    {
        for (LogIndex from = _log.Applied.Next; from <= _log.Committed;)
        {
            if (_log.Slice(from, _log.Committed.Next, _options.MaxCommittedBytesPerReady, out ReadOnlyMemory<Entry> page) != LogReadStatus.Ok)
            {
                // Not at hand: there may be one.
                return true;
            }

            foreach (ref readonly Entry entry in page.Span)
            {
                if (entry.ChangesConfiguration)
                {
                    return true;
                }
            }

            from += (ulong)page.Length;
        }

        return false;
    }

    private void StartCampaign(CampaignKind kind)
    {
        bool isPreVote = kind == CampaignKind.PreVote;
        if (isPreVote)
        {
            BecomePreCandidate();
        }
        else
        {
            BecomeCandidate();
        }

        // A pre-vote asks about the term that would follow, without entering it.
        Term term = isPreVote ? Term.Next : Term;
        Term lastTerm = _log.LastTerm();
        foreach (MemberProgress member in _membership.Members)
        {
            if (member.IsLearner)
            {
                continue;
            }

            if (member.Id == Id)
            {
                // Its own vote counts once it is durable, like any other.
                SendAfterAppend(new Message
                {
                    Kind = isPreVote ? MessageKind.PreVoteResp : MessageKind.VoteResp,
                    From = Id,
                    To = Id,
                    Term = term,
                });
                continue;
            }

            var request = new Message
            {
                Kind = isPreVote ? MessageKind.PreVote : MessageKind.Vote,
                From = Id,
                To = member.Id,
                Term = term,
                LogTerm = lastTerm,
                Index = _log.LastIndex,
                Context = kind == CampaignKind.Transfer ? Message.TransferContext : 0,
            };
            if (_options.DurableCandidacy && !isPreVote)
            {
                // A candidacy that a crash makes forgotten would be run twice in one term, and the votes of the first time count in the second.
                SendAfterAppend(request);
            }
            else
            {
                Send(request);
            }
        }
    }

    private void BecomeFollower(Term term, NodeId leader)
    {
        Reset(term);
        _leader = leader;
        Role = RaftRole.Follower;
    }

    private void BecomePreCandidate()
    {
        Invariant.Check(Role != RaftRole.Leader, $"Leader {Id} of term {Term} would become a pre-candidate.");

        // Neither term nor vote nor clock: whoever asks has promised nothing. The leader is forgotten, or two nodes that lost it could
        // go on refusing each other.
        _membership.ClearBallots();
        _leader = NodeId.None;
        Role = RaftRole.PreCandidate;
    }

    private void BecomeCandidate()
    {
        Invariant.Check(Role != RaftRole.Leader, $"Leader {Id} of term {Term} would become a candidate.");
        Reset(Term.Next);
        Vote = Id;
        Role = RaftRole.Candidate;
    }

    private void BecomeLeader()
    {
        Invariant.Check(Role == RaftRole.Candidate, $"{Id} would lead term {Term} straight from {Role}.");
        Invariant.Check(Vote == Id, $"{Id} would lead term {Term}, in which it voted for {Vote}.");
        Reset(Term);
        _leader = Id;
        Role = RaftRole.Leader;

        MemberProgress? self = Self();
        Invariant.Check(self is not null, $"{Id} was elected in {_membership.Configuration}, which does not hold it.");
        self.BecomeReplicate();
        self.RecentActive = true;

        // A change of members may be among the entries of earlier terms; none is proposed before all of them are applied.
        _pendingConfigurationIndex = _log.LastIndex;

        // Entries of earlier terms are only committed by one of this term, and reads wait for it: one is appended at once.
        AppendOwn(EntryKind.Normal, default);
        Acknowledge(_log.LastIndex);
    }

    private void Reset(Term term)
    {
        if (Term != term)
        {
            Invariant.Check(term > Term, $"Term {Term} of {Id} would go back to {term}.");
            Term = term;
            Vote = NodeId.None;
        }

        _leader = NodeId.None;
        _electionElapsed = 0;
        _heartbeatElapsed = 0;
        _electionTimeout = _options.ElectionTicks + _options.Random.Next(_options.ElectionTicks);
        TransferTarget = NodeId.None;
        _pendingConfigurationIndex = LogIndex.Zero;
        _uncommittedBytes = 0;
        _isTermEstablished = false;
        ResetYield();
        ResetReads();

        LogIndex last = _log.LastIndex;
        foreach (MemberProgress member in _membership.Members)
        {
            if (member.Id == Id)
            {
                member.ResetSelf(last);
            }
            else
            {
                member.Reset(last.Next);
            }
        }
    }

    /// <summary>A candidate that is not even looked at, its term included.</summary>
    private bool IsIgnoredCandidate(in Message message, out StepResult result)
    {
        result = StepResult.Accepted;
        if (_options.IgnoreNonMembers &&
            !_membership.Configuration.Voters.IsEmpty &&
            !_membership.Contains(message.From) &&
            (Role == RaftRole.Leader || _leaderlessTicks < 2 * _options.ElectionTicks))
        {
            result = StepResult.NonMemberIgnored;
            return true;
        }

        // Whoever has heard of a leader lately sticks to it, unless the leader itself wants to be replaced.
        bool isAskedForByLeader = message.Kind == MessageKind.Vote && message.Context == Message.TransferContext;
        return !isAskedForByLeader && (_loyaltyTicksLeft > 0 || (message.Term > Term && _options.CheckQuorum && HasRecentLeader()));
    }

    private bool HasRecentLeader() => !_leader.IsNone && _electionElapsed < _options.ElectionTicks;

    private void ObserveHigherTerm(in Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.PreVote:
                // Asking about a term does not begin it.
                break;
            case MessageKind.PreVoteResp when !message.Reject:
                // Echoes the term that was asked about. A rejection carries the term of the one that rejects, which is adopted.
                break;
            case MessageKind.Append or MessageKind.Heartbeat or MessageKind.Snapshot:
                BecomeFollower(message.Term, message.From);
                break;
            default:
                BecomeFollower(message.Term, NodeId.None);
                break;
        }
    }

    private void AnswerLowerTerm(in Message message)
    {
        if (message.Kind is MessageKind.Heartbeat or MessageKind.Append && (_options.CheckQuorum || _options.PreVote))
        {
            // A leader of an earlier term. If this node came to its term while it was cut off, it could neither be elected nor, with both
            // rules on, make anybody listen to a candidate: the leader must learn of the term from this answer.
            SendAfterAppend(new Message { Kind = MessageKind.AppendResp, From = Id, To = message.From, Term = Term });
        }
        else if (message.Kind == MessageKind.PreVote)
        {
            // A node with an old term would never get one that wins otherwise.
            SendAfterAppend(new Message { Kind = MessageKind.PreVoteResp, From = Id, To = message.From, Term = Term, Reject = true });
        }
        else if (message is { Kind: MessageKind.StorageAppendResp, Snapshot: { } snapshot })
        {
            // Entries that were written in an earlier term may have been replaced since, by others of the same place that are still being
            // written: they confirm nothing. A snapshot is committed whatever the term.
            SnapshotInstalled(snapshot);
        }
    }

    private StepResult OnVoteRequest(in Message message)
    {
        bool isPreVote = message.Kind == MessageKind.PreVote;
        bool canVote = Vote == message.From
            || (Vote.IsNone && _leader.IsNone)
            || (isPreVote && message.Term > Term);

        // A learner votes, too: it may be a voter already and not know. If it is none, its vote does not count with the candidate.
        MessageKind answer = isPreVote ? MessageKind.PreVoteResp : MessageKind.VoteResp;
        if (canVote && _log.IsUpToDate(message.Index, message.LogTerm))
        {
            // With the term of the request: for a pre-vote it is not this node's own.
            SendAfterAppend(new Message { Kind = answer, From = Id, To = message.From, Term = message.Term });
            if (!isPreVote)
            {
                _electionElapsed = 0;
                Vote = message.From;
            }
        }
        else
        {
            SendAfterAppend(new Message { Kind = answer, From = Id, To = message.From, Term = Term, Reject = true });
        }

        return StepResult.Accepted;
    }

    private StepResult StepCandidate(in Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.Append or MessageKind.Heartbeat or MessageKind.Snapshot:
                // Somebody else leads this term.
                BecomeFollower(message.Term, message.From);
                return StepFollower(message);
            case MessageKind.PreVoteResp when Role == RaftRole.PreCandidate:
            case MessageKind.VoteResp when Role == RaftRole.Candidate:
                _membership.RecordBallot(message.From, !message.Reject);
                Conclude(_membership.TallyVotes());
                return StepResult.Accepted;
            default:
                return StepResult.Accepted;
        }
    }

    private void Conclude(VoteResult result)
    {
        switch (result)
        {
            case VoteResult.Won when Role == RaftRole.PreCandidate:
                StartCampaign(CampaignKind.Vote);
                break;
            case VoteResult.Won:
                BecomeLeader();
                BroadcastAppend();
                break;
            case VoteResult.Lost:
                BecomeFollower(Term, NodeId.None);
                break;
            case VoteResult.Pending:
            default:
                break;
        }
    }
}
