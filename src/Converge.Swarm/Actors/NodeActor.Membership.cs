using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>
/// Changing the members (Raft paper, section 6; Ongaro's thesis, chapter 4). One change at a time; a new member is a learner first and
/// gets its vote from the leader once it has caught up; members that were added together get it together.
/// </summary>
/// <remarks>
/// A voter that was never reached would count in every quorum and be in none (etcd 21178). So nobody becomes a voter but a learner that
/// has caught up, and no change is begun after which too few voters could be reached for anything to be committed.
/// </remarks>
public sealed partial class NodeActor
{
    /// <summary>One for the successor to catch up, one for its election; then the leader makes the change itself and steps down.</summary>
    private const int SuccessionElectionTimeouts = 2;

    /// <summary>So many changes may be on their way from here to a leader.</summary>
    private const int MaxForwardedChanges = 16;

    private readonly Dictionary<ulong, ForwardedWish> _forwardedChanges = [];
    private readonly List<Wish> _unled = [];
    private MemberTable _members;
    private PendingChange? _change;
    private HandOver? _handOver;
    private Wish? _early;

    /// <summary>A committed entry: the last that changed the members, or that of a snapshot behind it.</summary>
    private SnapshotMark _membersAt;

    /// <summary>What this node tells whoever still asks for its vote; null while it is a member.</summary>
    private RemovalNotice? _removal;

    /// <summary>A change that this node proposed and whose end it has not seen.</summary>
    private sealed record PendingChange(LogIndex Index, Term Term, long DeadlineTick, Action<MembershipOutcome> Reply);

    /// <summary>A change on its way to the leader.</summary>
    private sealed record ForwardedWish(NodeId Leader, Wish Wish);

    /// <summary>A change that somebody wants.</summary>
    /// <param name="Steps">The change.</param>
    /// <param name="FromPeer">A member asked for it; it asks whoever leads next when this node cannot help any more.</param>
    /// <param name="DeadlineTick">When to give up.</param>
    /// <param name="Reply">Where the outcome goes.</param>
    private sealed record Wish(ImmutableArray<MembershipStep> Steps, bool FromPeer, long DeadlineTick, Action<MembershipOutcome> Reply);

    /// <summary>A change that removes this leader, which waits until another leads.</summary>
    private sealed record HandOver(Wish Wish, long DeadlineTick);

    /// <summary>The members as of the last entry that was applied here. For the host, before the first message; later ones are published.</summary>
    public MemberTable Members => _members;

    /// <summary>A committed entry: the one that made the members so, or a later one.</summary>
    public SnapshotMark MembersAt => _membersAt;

    private bool IsTermEstablished => _authorityTerm == _raft.Term && TermAt(_raft.CommitIndex) == _raft.Term;

    private static MembershipNotChanged Refused(MembershipRefusal reason, string message) => new(reason, message);

    private void ChangeMembers(NodeMessage.ChangeMembers change) =>
        ChangeMembers(new Wish(change.Steps, FromPeer: false, _tick + _options.RequestTimeoutTicks, change.Reply.Send));

    private void ChangeMembers(Wish wish)
    {
        if (_draining is not null)
        {
            wish.Reply(Refused(MembershipRefusal.Stopping, "The node is shutting down."));
        }
        else if (_removal is { } removal)
        {
            wish.Reply(Refused(MembershipRefusal.NoLeader, WasRemoved(removal)));
        }
        else if (IsLeader)
        {
            LeadChange(wish);
        }
        else if (wish.FromPeer || _raft.Leader.IsNone || !_port.IsConnected(_raft.Leader))
        {
            wish.Reply(Refused(
                MembershipRefusal.NoLeader,
                wish.FromPeer ? $"Node {_options.Self} does not lead (any more)."
                : _raft.Leader.IsNone ? "No leader is known at the moment."
                : "The leader cannot be reached at the moment."));
        }
        else
        {
            HandOnChange(wish);
        }
    }

    private void HandOnChange(Wish wish)
    {
        if (_forwardedChanges.Count >= MaxForwardedChanges)
        {
            wish.Reply(Refused(MembershipRefusal.Busy, "Too many changes of members are on their way to the leader."));
            return;
        }

        ulong request = ((ulong)_options.Life << 32) | ++_forwardNumber;
        _forwardedChanges.Add(request, new ForwardedWish(_raft.Leader, wish));
        _port.ToPeer(_raft.Leader, new ForwardedChange(request, wish.Steps));
    }

    private void ReceiveForwardedChange(NodeId from, ForwardedChange forwarded)
    {
        if (!IsRepeated(from, forwarded.Request))
        {
            ChangeMembers(new Wish(
                forwarded.Steps,
                FromPeer: true,
                _tick + _options.RequestTimeoutTicks,
                outcome => _port.ToPeer(from, new ForwardedOutcome(forwarded.Request, outcome))));
        }
    }

    private void CompleteForwardedChange(ForwardedOutcome answer)
    {
        if (!_forwardedChanges.Remove(answer.Request, out ForwardedWish? forwarded))
        {
            return;
        }

        if (answer.Outcome is MembershipNotChanged { Reason: MembershipRefusal.NoLeader } && _unled.Count < MaxForwardedChanges)
        {
            // Certainly not made: whoever leads next can be asked.
            _unled.Add(forwarded.Wish);
        }
        else
        {
            forwarded.Wish.Reply(answer.Outcome);
        }
    }

    private void AskWhoeverLeadsNow()
    {
        for (int i = _unled.Count - 1; i >= 0; i--)
        {
            Wish wish = _unled[i];
            if (wish.DeadlineTick <= _tick)
            {
                _unled.RemoveAt(i);
                wish.Reply(Refused(MembershipRefusal.NoLeader, "Nobody was found in time who leads."));
            }
            else if (IsLeader || (!_raft.Leader.IsNone && _port.IsConnected(_raft.Leader)))
            {
                _unled.RemoveAt(i);
                ChangeMembers(wish);
            }
        }
    }

    /// <summary>Makes a change as the leader, or says why not.</summary>
    private void LeadChange(Wish wish)
    {
        if (Objection(wish.Steps, out MemberTable next) is { } fault)
        {
            wish.Reply(new MembershipNotChanged(fault.Reason, fault.Message));
        }
        else if (!IsTermEstablished)
        {
            // Waits for the term's first commit (Raft paper, section 8).
            _early = wish;
        }
        else if (!next.Configuration.Voters.Contains(_options.Self) && FittestAmong(next) is { IsNone: false } successor)
        {
            // Handing over first costs one election; stepping down would cost the time until somebody misses the leader.
            _handOver = new HandOver(wish, _tick + (SuccessionElectionTimeouts * _options.ElectionTicks));
            _raft.TransferLeadership(successor);
        }
        else
        {
            ProposeChange(wish.Steps, wish.Reply);
        }
    }

    private void ProposeChange(ImmutableArray<MembershipStep> steps, Action<MembershipOutcome> reply)
    {
        CommandStamp stamp = Stamper.Next(_stamp, _now.UnixMilliseconds, _options.Self);
        ProposeResult result = _raft.ProposeConfigurationChange(MemberTable.ChangeOf(steps, CommandCodec.EncodeMembership(steps, stamp)));
        switch (result)
        {
            case ProposeResult.Accepted:
                _stamp = stamp;
                _change = new PendingChange(_raft.LastIndex, _raft.Term, _tick + _options.RequestTimeoutTicks, reply);
                break;
            case ProposeResult.ConfigurationChangePending or ProposeResult.MustLeaveJointFirst or ProposeResult.TermNotEstablished
                or ProposeResult.TooManyUncommitted or ProposeResult.Transferring:
                reply(Refused(MembershipRefusal.Busy, "Another change, or a transfer of the leadership, is on its way; try again."));
                break;
            case ProposeResult.InvalidConfigurationChange or ProposeResult.NotJoint:
                reply(Refused(MembershipRefusal.InvalidChange, "The change does not fit the members."));
                break;
            default:
                reply(Refused(MembershipRefusal.NoLeader, "This node does not lead (any more)."));
                break;
        }
    }

    /// <summary>Why the leader does not begin a change; null when it does.</summary>
    private MembershipFault? Objection(ImmutableArray<MembershipStep> steps, out MemberTable next)
    {
        next = _members;
        if (!HasRoom)
        {
            return new(MembershipRefusal.NoSpace, "The leader's disk has no room.");
        }

        if (_change is not null || _handOver is not null || _early is not null || _members.Configuration.IsJoint)
        {
            return new(MembershipRefusal.Busy, "Another change of members is on its way; one at a time.");
        }

        if (_members.TryChange(steps, _raft.LastIndex.Next, out next) is { } fault)
        {
            return fault;
        }

        foreach (MembershipStep step in steps)
        {
            if (step.Kind == MembershipStepKind.Added && _options.AddressObjection(step.Peer!, step.Http) is { } objection)
            {
                return new(MembershipRefusal.InvalidAddress, objection);
            }
        }

        RaftStatus status = _raft.Status();
        foreach (MembershipStep step in steps)
        {
            if (step.Kind == MembershipStepKind.Promoted && !IsFitToVote(status, step.Node))
            {
                return new(MembershipRefusal.NotCaughtUp, $"Node {step.Node} was not reached yet, or lags behind; with a vote it would hold up every commit.");
            }
        }

        return QuorumObjection(status, next);
    }

    private bool IsFitToVote(RaftStatus status, NodeId learner) =>
        status.Progress.Any(member => member.Id == learner && member.IsCaughtUp && IsPresent(member));

    private MembershipFault? QuorumObjection(RaftStatus status, MemberTable next)
    {
        ImmutableArray<NodeId> voters = next.Configuration.Voters;
        if (voters.SequenceEqual(_members.Configuration.Voters))
        {
            return null;
        }

        NodeId[] present =
            [.. voters.Where(id => id == _options.Self || status.Progress.Any(member => member.Id == id && IsPresent(member)))];
        int quorum = (voters.Length / 2) + 1;
        return present.Length >= quorum
            ? null
            : new(
                MembershipRefusal.QuorumUnreachable,
                $"Of the voters {string.Join(", ", voters)} only {(present.Length == 0 ? "none" : string.Join(", ", present.Select(id => id.ToString())))} can be reached; nothing could be committed with {quorum} needed.");
    }

    private NodeId FittestAmong(MemberTable next) =>
        MostCurrent(progress => next.Configuration.Voters.Contains(progress.Id) && _members.Configuration.IsVoter(progress.Id));

    /// <summary>
    /// Gives learners that are wanted as voters their vote. Those that were added together get it together, in one joint change, so that
    /// the number of voters need not be even in between.
    /// </summary>
    private void PromoteCaughtUp()
    {
        if (!IsLeader || _members.Configuration.Learners.IsEmpty)
        {
            return;
        }

        RaftStatus status = _raft.Status();
        if (_change is not null || _handOver is not null || _early is not null || _draining is not null || _members.Configuration.IsJoint || !status.TransferTarget.IsNone)
        {
            return;
        }

        IGrouping<LogIndex, SwarmMember>? ready = _members.Members
            .Where(member => member.Wanted == MemberRole.Voter && _members.Configuration.IsLearner(member.Id))
            .GroupBy(member => member.AddedAt)
            .FirstOrDefault(group => group.All(member => IsFitToVote(status, member.Id)));
        if (ready is not null)
        {
            LeadChange(new Wish(
                [.. ready.Select(member => MembershipStep.Promote(member.Id))], FromPeer: false, _tick + _options.RequestTimeoutTicks, _ => { }));
        }
    }

    /// <summary>Puts in force what was applied, and tells whoever waits for it.</summary>
    private void NoteMembership(in AppliedEntry entry, MembershipApplied applied)
    {
        if (entry.Index <= _raft.AppliedIndex)
        {
            // An installed snapshot stands for it.
            return;
        }

        if (applied.Change is { } change)
        {
            ConfigurationState inForce = _raft.ApplyConfigurationChange(change, out Raft.ConfigurationFault misfit);
            Invariant.Check(
                misfit == Raft.ConfigurationFault.None && inForce.Equals(applied.Table.Configuration),
                $"Entry {entry.Index} makes the configuration {applied.Table.Configuration} of the members, but {inForce} of the protocol ({misfit}).");
        }

        // Answered first: the way to a member that was removed may end with what comes next.
        SettleChange(entry, applied);
        TakeMembers(applied.Table, new SnapshotMark(entry.Index, entry.Term));
    }

    /// <summary>The members are others from now on: by an applied entry, or by a snapshot that stands for one.</summary>
    /// <param name="table">The members.</param>
    /// <param name="at">That entry, or that of the snapshot.</param>
    private void TakeMembers(MemberTable table, SnapshotMark at)
    {
        SwarmMember[] gone = [.. _members.Members.Where(member => member.Id != _options.Self && table.IsGone(member.Id))];
        (_members, _membersAt) = (table, at);
        if (IsLeader || _raft.Leader.IsNone)
        {
            // They may have the entry that removes them and never hear that it is committed.
            foreach (SwarmMember member in gone)
            {
                TellOfItsRemoval(member.Id);
            }
        }

        foreach (SwarmMember member in gone)
        {
            _lastForwarded.Remove(member.Id);
            _diverged.Remove(member.Id);
        }

        _port.Publish(new SwarmEvent.MembersChanged(table, at));
        if (table.IsGone(_options.Self))
        {
            NoteOwnRemoval(at.Index, at.Term);
        }
    }

    private void SettleChange(in AppliedEntry entry, MembershipApplied applied)
    {
        if (_change is not { } change || entry.Index < change.Index)
        {
            return;
        }

        if (entry.Index == change.Index && applied.Fault is { } fault)
        {
            EndChange(new MembershipNotChanged(fault.Reason, fault.Message));
        }
        else if (!applied.Table.Configuration.IsJoint)
        {
            ConfigurationState configuration = applied.Table.Configuration;
            EndChange(new MembershipChanged(change.Index, change.Term, configuration.Voters, configuration.Learners));
        }
    }

    /// <summary>Another entry took the place of a change that was proposed here: it was never committed.</summary>
    private void SupersedeChange(in AppliedEntry entry)
    {
        if (_change is { } change && entry.Index == change.Index && entry.Term != change.Term)
        {
            EndChange(Refused(MembershipRefusal.NoLeader, "Leadership changed and another entry took this change's place; nothing was changed."));
        }
    }

    /// <summary>A snapshot took the place of the log up to an entry: what became of a change there is not told by it.</summary>
    private void SkipChange(LogIndex through)
    {
        if (_change is { } change && change.Index <= through)
        {
            EndChange(new MembershipChangeUnknown("This node was brought up to date by a snapshot, which does not tell what became of the change."));
        }
    }

    private void EndChange(MembershipOutcome outcome)
    {
        PendingChange change = _change!;
        _change = null;
        change.Reply(outcome);
    }

    /// <summary>Makes the change that waited for the term's first commit, or lets whoever leads now make it.</summary>
    private void ContinueEarlyChange()
    {
        if (_early is not { } early)
        {
            return;
        }

        if (early.DeadlineTick <= _tick)
        {
            _early = null;
            early.Reply(Refused(MembershipRefusal.NoLeader, "The leader could not commit anything in its term in time."));
        }
        else if (IsTermEstablished || !IsLeader)
        {
            _early = null;
            ChangeMembers(early);
        }
    }

    private void ExpireChanges()
    {
        ContinueEarlyChange();
        AskWhoeverLeadsNow();
        if (_change is { } change && change.DeadlineTick <= _tick)
        {
            EndChange(new MembershipChangeUnknown("Not committed within the time a request may take; it may still be."));
        }

        if (_handOver is { } handOver && handOver.DeadlineTick <= _tick)
        {
            _handOver = null;
            if (IsLeader)
            {
                _raft.TransferLeadership(_options.Self);
                ProposeChange(handOver.Wish.Steps, handOver.Wish.Reply);
            }
            else
            {
                ChangeMembers(handOver.Wish);
            }
        }

        AbandonForwardedChanges(forwarded => forwarded.Wish.DeadlineTick <= _tick);
    }

    /// <summary>Another leads: it makes the change that removes the one before.</summary>
    private void ContinueHandOver()
    {
        if (_handOver is { } handOver && !_leader.IsNone && _leader != _options.Self)
        {
            _handOver = null;
            ChangeMembers(handOver.Wish);
        }
    }

    private void AbandonForwardedChanges(Func<ForwardedWish, bool> hopeless)
    {
        foreach ((ulong request, ForwardedWish forwarded) in _forwardedChanges)
        {
            if (hopeless(forwarded))
            {
                _forwardedChanges.Remove(request);
                forwarded.Wish.Reply(new MembershipChangeUnknown("The leader did not answer; the change may or may not be made."));
            }
        }
    }

    private void AbandonChanges()
    {
        if (_change is not null)
        {
            EndChange(new MembershipChangeUnknown("The node stopped before the outcome was known."));
        }

        Wish?[] waiting = [.. _unled, _early, _handOver?.Wish];
        foreach (Wish? wish in waiting)
        {
            wish?.Reply(Refused(MembershipRefusal.Stopping, "The node is shutting down."));
        }

        _unled.Clear();
        (_early, _handOver) = (null, null);
        AbandonForwardedChanges(_ => true);
    }

    private void TellOfItsRemoval(NodeId gone) => _port.ToPeer(gone, new RemovalNotice(_membersAt.Index, _membersAt.Term, OfSender: false));

    /// <summary>
    /// A member says that this node is none any more; it may be right without this node ever having seen the entry. Or a node says that it is
    /// none any more itself: it gives this one no vote, and this one needs none from it as soon as it has applied the entry that says so.
    /// </summary>
    private void ReceiveRemovalNotice(NodeId from, RemovalNotice notice)
    {
        _raft.NoteCommitted(notice.Index, notice.Term);
        if (!notice.OfSender && !_members.IsGone(from))
        {
            NoteOwnRemoval(notice.Index, notice.Term);
        }
    }

    private void NoteOwnRemoval(LogIndex index, Term term)
    {
        if (_removal is not null)
        {
            // Told without the term at first, perhaps: then whoever asks could not be told.
            _removal = _removal.Term == Term.Zero ? _removal with { Index = index, Term = term } : _removal;
            return;
        }

        _removal = new RemovalNotice(index, term, OfSender: true);
        _port.Publish(new SwarmEvent.Removed(index));
        _pending.Abandon();
        AbandonAllForwards();
        RefuseAllReads(WasRemoved(_removal), NotCommittedReason.NoLeader);
    }

    /// <summary>
    /// A node that was removed takes no part, but does not keep to itself what it knows. Who asks for its vote has not applied the change, and
    /// may have it in its log: without the knowledge that it is committed it would be held up by a vote that is never given, and those who
    /// had that knowledge may be gone (see docs/divergence.md).
    /// </summary>
    private void AnswerAsRemoved(RemovalNotice removal, in Message message)
    {
        if (message.Kind is MessageKind.Vote or MessageKind.PreVote && removal.Term != Term.Zero)
        {
            _port.ToPeer(message.From, removal);
        }
    }

    private string WasRemoved(RemovalNotice removal) =>
        $"Node {_options.Self} was removed from the swarm by entry {removal.Index} and takes no part any more.";

    private SwarmMembers DescribeMembers()
    {
        RaftStatus? status = IsLeader ? _raft.Status() : null;
        ConfigurationState configuration = _members.Configuration;
        List<string> warnings = [];
        if (configuration.Voters.Length % 2 == 0 && !configuration.IsJoint && !configuration.Voters.IsEmpty)
        {
            warnings.Add($"{configuration.Voters.Length} voters are an even number: they need a larger quorum than {configuration.Voters.Length - 1} and survive no more failures.");
        }

        if (_removal is { } removal)
        {
            warnings.Add(WasRemoved(removal));
        }

        return new SwarmMembers
        {
            Node = _options.Self,
            Leader = _raft.Leader,
            ChangedAt = _members.ChangedAt,
            Members =
            [
                .. _members.Reach(_options.Members, strangers: false).Select(address =>
                {
                    SwarmMember member = _members.Find(address.Id)!;
                    return new MemberView(
                        member.Id,
                        configuration.IsVoter(member.Id) ? MemberRole.Voter : MemberRole.Learner,
                        member.Wanted,
                        address.PeerAddress,
                        address.HttpUrl,
                        Leaving: _members.Removed.BinarySearch(member.Id) >= 0,
                        member.Id == _options.Self || _port.IsConnected(member.Id),
                        status?.Progress.Where(progress => progress.Id == member.Id).Select(progress => (LogIndex?)progress.Match).FirstOrDefault());
                }),
            ],
            Removed = _members.Removed,
            Changing = configuration.IsJoint,
            Warnings = warnings,
        };
    }
}
