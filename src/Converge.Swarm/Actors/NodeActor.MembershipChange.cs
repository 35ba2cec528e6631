using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Members;

namespace Converge.Swarm.Actors;

/// <summary>
/// Changing the members as the leader (Raft paper, section 6; Ongaro's thesis, chapter 4). One change at a time; a new member is a learner
/// first and gets its vote from the leader once it has caught up; members that were added together get it together.
/// </summary>
/// <remarks>
/// A voter that was never reached would count in every quorum and be in none (etcd 21178). So nobody becomes a voter but a learner that
/// has caught up, and no change is begun after which too few voters could be reached for anything to be committed.
/// </remarks>
public sealed partial class NodeActor
{
    /// <summary>One for the successor to catch up, one for its election; then the leader makes the change itself and steps down.</summary>
    private const int SuccessionElectionTimeouts = 2;

    private PendingChange? _change;
    private HandOver? _handOver;
    private Wish? _early;

    /// <summary>A change that this node proposed and whose end it has not seen.</summary>
    private sealed record PendingChange(LogIndex Index, Term Term, long DeadlineTick, Action<MembershipOutcome> Reply);

    /// <summary>A change that removes this leader, which waits until another leads.</summary>
    private sealed record HandOver(Wish Wish, long DeadlineTick);

    private bool IsTermEstablished => _authorityTerm == _raft.Term && TermAt(_raft.CommitIndex) == _raft.Term;

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

    /// <summary>Another leads: it makes the change that removes the one before.</summary>
    private void ContinueHandOver()
    {
        if (_handOver is { } handOver && !_leader.IsNone && _leader != _options.Self)
        {
            _handOver = null;
            ChangeMembers(handOver.Wish);
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
}
