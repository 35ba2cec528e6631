using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Actors;

/// <summary>
/// Linearizable reads (thesis, section 6.4): the leader's commit index at the request, confirmed by a quorum after it, then everything
/// up to it applied here. Reads that gather in one turn share a round; every round, a repeated one too, has an identity of its own.
/// </summary>
public sealed partial class NodeActor
{
    private readonly List<(StateMachineMessage.Query Query, long DeadlineTick)> _newReads = [];
    private readonly Dictionary<ulong, ReadRound> _rounds = [];
    private readonly Queue<(LogIndex Index, List<(StateMachineMessage.Query Query, long DeadlineTick)> Reads)> _confirmed = new();
    private uint _roundNumber;
    private int _waitingReads;

    private sealed record ReadRound(List<(StateMachineMessage.Query Query, long DeadlineTick)> Reads, long RetryTick);

    private void Read(NodeMessage.Read read)
    {
        if (read.Consistency == ReadConsistency.Stale)
        {
            _port.ToStateMachine(read.Query);
        }
        else if (_waitingReads >= _options.MaxPendingCommands)
        {
            read.Query.Refuse(NotCommittedReason.Busy, "Too many reads are waiting on this node.");
        }
        else
        {
            _waitingReads++;
            _newReads.Add((read.Query, _tick + _options.RequestTimeoutTicks));
        }
    }

    private void BeginGatheredReads()
    {
        if (_newReads.Count == 0)
        {
            return;
        }

        if (_raft.Leader.IsNone)
        {
            Refuse(_newReads, "No leader is known at the moment.");
            _newReads.Clear();
            return;
        }

        BeginRound([.. _newReads]);
        _newReads.Clear();
    }

    private void BeginRound(List<(StateMachineMessage.Query Query, long DeadlineTick)> reads)
    {
        ulong identity = ((ulong)_options.Life << 32) | ++_roundNumber;
        _rounds.Add(identity, new ReadRound(reads, _tick + _options.ElectionTicks));
        _raft.ReadIndex(identity);
    }

    private void ConfirmRead(in ReadState state)
    {
        // An answer to a round that was repeated under another identity confirms nothing (etcd 20418).
        if (_rounds.Remove(state.Context, out ReadRound? round))
        {
            _confirmed.Enqueue((state.Index, round.Reads));
        }
    }

    /// <summary>
    /// Lets confirmed reads go once everything up to their index was handed to the state machine: it receives in order, so it has
    /// applied that much when it receives the read.
    /// </summary>
    private void ReleaseReads()
    {
        for (int left = _confirmed.Count; left > 0; left--)
        {
            (LogIndex index, List<(StateMachineMessage.Query Query, long DeadlineTick)> reads) = _confirmed.Dequeue();
            if (index > _handedToApply)
            {
                _confirmed.Enqueue((index, reads));
                continue;
            }

            _waitingReads -= reads.Count;
            foreach ((StateMachineMessage.Query query, _) in reads)
            {
                _port.ToStateMachine(query);
            }
        }
    }

    private void ExpireReads()
    {
        foreach ((ulong identity, ReadRound round) in _rounds)
        {
            if (round.RetryTick > _tick)
            {
                continue;
            }

            _rounds.Remove(identity);
            List<(StateMachineMessage.Query Query, long DeadlineTick)> overdue = round.Reads.FindAll(read => read.DeadlineTick <= _tick);
            Refuse(overdue, "No quorum confirmed the read in time.");
            List<(StateMachineMessage.Query Query, long DeadlineTick)> rest = round.Reads.FindAll(read => read.DeadlineTick > _tick);
            if (rest.Count > 0)
            {
                _newReads.AddRange(rest);
            }
        }
    }

    private void RefuseAllReads()
    {
        const string Message = "The node is shutting down.";
        Refuse(_newReads, Message, NotCommittedReason.Stopping);
        foreach (ReadRound round in _rounds.Values)
        {
            Refuse(round.Reads, Message, NotCommittedReason.Stopping);
        }

        foreach ((_, List<(StateMachineMessage.Query Query, long DeadlineTick)> reads) in _confirmed)
        {
            Refuse(reads, Message, NotCommittedReason.Stopping);
        }

        _newReads.Clear();
        _rounds.Clear();
        _confirmed.Clear();
    }

    private void Refuse(List<(StateMachineMessage.Query Query, long DeadlineTick)> reads, string message, NotCommittedReason reason = NotCommittedReason.NoLeader)
    {
        _waitingReads -= reads.Count;
        foreach ((StateMachineMessage.Query query, _) in reads)
        {
            query.Refuse(reason, message);
        }
    }
}
