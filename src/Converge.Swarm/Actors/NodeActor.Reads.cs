using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Actors;

/// <summary>
/// Linearizable reads (thesis, section 6.4): the leader's commit index at the request, confirmed by a quorum after it, then everything
/// up to it applied here. Reads that gather in one turn share a round; every round, a repeated one too, has an identity of its own.
/// A leased read needs no round while the leader holds a lease, and is as good as a linearizable one otherwise.
/// </summary>
public sealed partial class NodeActor
{
    private readonly List<(StateMachineMessage.Query Query, long DeadlineTick)> _newReads = [];
    private readonly List<(StateMachineMessage.Query Query, long DeadlineTick)> _newLeasedReads = [];
    private readonly Dictionary<ulong, ReadRound> _rounds = [];
    private readonly Queue<(LogIndex Index, List<(StateMachineMessage.Query Query, long DeadlineTick)> Reads)> _confirmed = new();
    private uint _roundNumber;
    private int _waitingReads;

    private sealed record ReadRound(List<(StateMachineMessage.Query Query, long DeadlineTick)> Reads, ReadMode Mode, long RetryTick);

    /// <summary>
    /// Leases are counted on the host's clock and not in the ticks that it sends: a host that slept sends one tick for all that it missed,
    /// and whatever it slept through must be over before a read is looked at.
    /// </summary>
    private void AdvanceLeaseClock()
    {
        if (_options.LeaseDriftTicks is not null && _now.SteadyTicks > _steadyTicks)
        {
            _raft.AdvanceLeaseClock(_now.SteadyTicks - _steadyTicks);
            _steadyTicks = _now.SteadyTicks;
        }
    }

    private void Read(NodeMessage.Read read)
    {
        if (read.Consistency == ReadConsistency.Stale)
        {
            _port.ToStateMachine(read.Query);
        }
        else if (read.Consistency == ReadConsistency.Leased && _options.LeaseDriftTicks is null)
        {
            read.Query.Refuse(NotCommittedReason.NoLease, "Leased reads are not switched on in this swarm.");
        }
        else if (_waitingReads >= _options.MaxPendingCommands)
        {
            read.Query.Refuse(NotCommittedReason.Busy, "Too many reads are waiting on this node.");
        }
        else
        {
            _waitingReads++;
            List<(StateMachineMessage.Query Query, long DeadlineTick)> reads = read.Consistency == ReadConsistency.Leased ? _newLeasedReads : _newReads;
            reads.Add((read.Query, _tick + _options.RequestTimeoutTicks));
        }
    }

    private void BeginGatheredReads()
    {
        BeginRound(_newReads, ReadMode.Safe);
        BeginRound(_newLeasedReads, ReadMode.LeaseBased);
    }

    /// <summary>Takes the reads that have gathered; nothing when there are none.</summary>
    private void BeginRound(List<(StateMachineMessage.Query Query, long DeadlineTick)> gathered, ReadMode mode)
    {
        if (gathered.Count == 0)
        {
            return;
        }

        if (_raft.Leader.IsNone || _removal is not null)
        {
            Refuse(gathered, _removal is { } removal ? WasRemoved(removal) : "No leader is known at the moment.");
            gathered.Clear();
            return;
        }

        List<(StateMachineMessage.Query Query, long DeadlineTick)> reads = [.. gathered];
        gathered.Clear();
        ulong identity = ((ulong)_options.Life << 32) | ++_roundNumber;
        _rounds.Add(identity, new ReadRound(reads, mode, _tick + _options.ElectionTicks));
        _raft.ReadIndex(identity, mode);
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
            RefuseOverdue(round.Reads, "No quorum confirmed the read in time.");
            (round.Mode == ReadMode.Safe ? _newReads : _newLeasedReads).AddRange(round.Reads);
        }

        // What a read must see comes from the leader, and may come late or never.
        for (int left = _confirmed.Count; left > 0; left--)
        {
            (LogIndex index, List<(StateMachineMessage.Query Query, long DeadlineTick)> reads) = _confirmed.Dequeue();
            RefuseOverdue(reads, "This node did not get in time what the read must see.");
            if (reads.Count > 0)
            {
                _confirmed.Enqueue((index, reads));
            }
        }
    }

    private void RefuseOverdue(List<(StateMachineMessage.Query Query, long DeadlineTick)> reads, string message)
    {
        Refuse(reads.FindAll(read => read.DeadlineTick <= _tick), message);
        reads.RemoveAll(read => read.DeadlineTick <= _tick);
    }

    private void RefuseAllReads(string message, NotCommittedReason reason)
    {
        Refuse(_newReads, message, reason);
        Refuse(_newLeasedReads, message, reason);
        foreach (ReadRound round in _rounds.Values)
        {
            Refuse(round.Reads, message, reason);
        }

        foreach ((_, List<(StateMachineMessage.Query Query, long DeadlineTick)> reads) in _confirmed)
        {
            Refuse(reads, message, reason);
        }

        _newReads.Clear();
        _newLeasedReads.Clear();
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
