using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Swarm.Actors;

/// <summary>
/// A change of members on its way from whoever wants it to the node that leads, and its outcome on the way back. While nobody leads it waits.
/// </summary>
public sealed partial class NodeActor
{
    /// <summary>So many changes may be on their way from here to a leader.</summary>
    private const int MaxForwardedChanges = 16;

    private readonly Dictionary<ulong, ForwardedWish> _forwardedChanges = [];
    private readonly List<Wish> _unled = [];

    /// <summary>A change on its way to the leader.</summary>
    private sealed record ForwardedWish(NodeId Leader, Wish Wish);

    /// <summary>A change that somebody wants.</summary>
    /// <param name="Steps">The change.</param>
    /// <param name="FromPeer">A member asked for it; it asks whoever leads next when this node cannot help any more.</param>
    /// <param name="DeadlineTick">When to give up.</param>
    /// <param name="Reply">Where the outcome goes.</param>
    private sealed record Wish(ImmutableArray<MembershipStep> Steps, bool FromPeer, long DeadlineTick, Action<MembershipOutcome> Reply);

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
}
