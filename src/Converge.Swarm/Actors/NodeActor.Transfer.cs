using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Actors;

/// <summary>
/// Handing over the leadership (thesis, section 3.10). The protocol carries the wish from a follower to the leader and gives up after an
/// election timeout; here it is watched until somebody leads.
/// </summary>
public sealed partial class NodeActor
{
    /// <summary>One for the leader to bring the other's log up to its own, one for the election.</summary>
    private const int TransferElectionTimeouts = 2;

    private WatchedTransfer? _transfer;

    private sealed record WatchedTransfer(NodeId To, NodeId From, long DeadlineTick, Reply<LeadershipTransfer> Reply);

    private void BeginTransfer(NodeMessage.TransferLeadership transfer)
    {
        NodeId to = transfer.To.IsNone ? FittestSuccessor() : transfer.To;
        LeadershipTransfer? answer = RefuseTransfer(to, isNamed: !transfer.To.IsNone);
        if (answer is null && to == _raft.Leader)
        {
            answer = new LeadershipTransferred(to, _raft.Term);
        }

        if (answer is not null)
        {
            transfer.Reply.Send(answer);
            return;
        }

        _transfer = new WatchedTransfer(to, _raft.Leader, _tick + (TransferElectionTimeouts * _options.ElectionTicks), transfer.Reply);
        _raft.TransferLeadership(to);
    }

    private NodeId FittestSuccessor() => IsLeader ? MostCurrentFollower() : _options.Self;

    private LeadershipTransferRefused? RefuseTransfer(NodeId to, bool isNamed)
    {
        if (_draining is not null)
        {
            return new(TransferRefusal.Stopping, "The node is shutting down.");
        }

        if (_transfer is not null)
        {
            return new(TransferRefusal.Busy, $"A transfer to node {_transfer.To} is under way.");
        }

        if (_raft.Leader.IsNone)
        {
            return new(TransferRefusal.NoLeader, "No leader is known at the moment.");
        }

        if (to.IsNone)
        {
            return new(TransferRefusal.Unreachable, "There is no other voter here that could take over.");
        }

        RaftStatus status = _raft.Status();
        if (!status.Configuration.IsVoter(to))
        {
            return isNamed && _members.Find(to) is null
                ? new(TransferRefusal.UnknownMember, $"Node {to} is not a member of this swarm.")
                : new(TransferRefusal.NotAVoter, $"Node {to} has no vote.");
        }

        // While the leader waits for somebody who is not there, nothing commits: such a wish is refused.
        bool isPresent = to == _raft.Leader || to == _options.Self || _port.IsConnected(to) || status.Progress.Any(member => member.Id == to && IsPresent(member));
        return isPresent ? null : new(TransferRefusal.Unreachable, $"Node {to} cannot be reached at the moment.");
    }

    /// <summary>Heard of since the last check of the quorum; right after one, connected at least.</summary>
    private bool IsPresent(in FollowerProgress member) => member.RecentActive || _port.IsConnected(member.Id);

    private void SettleTransfer()
    {
        if (_transfer is { } transfer && !_leader.IsNone && _leader != transfer.From)
        {
            _transfer = null;
            transfer.Reply.Send(_leader == transfer.To
                ? new LeadershipTransferred(_leader, _raft.Term)
                : new LeadershipNotTransferred(_leader, _raft.Term, $"Node {_leader} was elected, not node {transfer.To}."));
        }
    }

    private void ExpireTransfer()
    {
        if (_transfer is { } transfer && transfer.DeadlineTick <= _tick)
        {
            _transfer = null;
            transfer.Reply.Send(new LeadershipNotTransferred(
                _raft.Leader, _raft.Term, $"Node {transfer.To} did not take over within {TransferElectionTimeouts} election timeouts."));
        }
    }

    private void AbandonTransfer()
    {
        _transfer?.Reply.Send(new LeadershipTransferUnknown("The node stopped before it was known who leads."));
        _transfer = null;
    }
}
