using System.Numerics;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Actors;

/// <summary>
/// Applies committed entries in order and writes what became fact into the ledger. Answers questions about the state between two
/// batches, so that an answer is always that of one applied index.
/// </summary>
/// <remarks>
/// The ledger is filled here and made durable by the host from time to time: the agreed log is what is acknowledged, the ledger can be
/// derived from it again. At a replay the records that are already there are compared, byte for byte.
/// </remarks>
/// <param name="state">The state from which it starts (<see cref="NodeStart.State"/>).</param>
/// <param name="snapshot">The snapshot on which that state rests; null when it rests on none.</param>
/// <param name="ledger">The node's ledger.</param>
/// <param name="port">Where its messages go.</param>
public sealed partial class StateMachineActor(GovernanceState state, StateSnapshotFile? snapshot, GovernanceLedger ledger, IStateMachinePort port)
{
    /// <summary>So many questions wait while the ledger has no room, which may last; further ones are refused.</summary>
    internal const int MaxStashedQueries = 1024;

    private GovernanceState _state = state;

    // What came while the ledger had no room; in order, so that a read still follows what it must see.
    private readonly Queue<StateMachineMessage> _stash = new();
    private int _stashedQueries;
    private AppliedEntry[]? _page;
    private int _appliedOfPage;
    private ulong _announced = state.LastSequence;
    private bool _full;

    /// <summary>Receives one message.</summary>
    /// <exception cref="LedgerDivergedException">A replayed entry makes another record than the ledger holds.</exception>
    /// <exception cref="UnsupportedCommandException">An entry needs rules that this program does not have.</exception>
    /// <exception cref="IOException">
    /// The snapshot or the ledger could not be read, or is not what was written; who asked for what is in it is told.
    /// </exception>
    public void Receive(StateMachineMessage message)
    {
        switch (message)
        {
            case StateMachineMessage.CompleteStatus status:
                Complete(status);
                break;
            case StateMachineMessage.LedgerFlushed:
                Announce(full: false);
                Unstash();
                break;
            case StateMachineMessage.LedgerNoRoom:
                Announce(full: true);
                break;
            case StateMachineMessage.Apply or StateMachineMessage.Query or StateMachineMessage.Freeze or StateMachineMessage.Thaw
                or StateMachineMessage.Rebase or StateMachineMessage.Install:
                if (_stash.Count > 0 || !TryHandle(message))
                {
                    Stash(message);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message for a state-machine actor.");
        }
    }

    /// <summary>
    /// The host ends: whoever waits here for the ledger's room is told that there is no answer, and the snapshot on which the state rests is
    /// closed; nobody may be writing another one. Nothing is received afterwards.
    /// </summary>
    public void Close()
    {
        _base?.Dispose();
        while (_stash.TryDequeue(out StateMachineMessage? message))
        {
            Unanswered.Refuse(message, NotCommittedReason.Stopping, Unanswered.ShuttingDown);
        }
    }

    private void Announce(bool full)
    {
        if (_full != full)
        {
            _full = full;
            port.ToNode(new NodeMessage.LedgerSpace(!full));
        }
    }

    /// <summary>What is to be applied is bounded by who hands it out, and there is one snapshot at a time; only questions come without end.</summary>
    private void Stash(StateMachineMessage message)
    {
        if (message is not StateMachineMessage.Query query)
        {
            _stash.Enqueue(message);
        }
        else if (_stashedQueries < MaxStashedQueries)
        {
            _stashedQueries++;
            _stash.Enqueue(message);
        }
        else
        {
            query.Refuse(NotCommittedReason.Busy, Unanswered.Busy);
        }
    }

    private void Unstash()
    {
        while (_stash.TryPeek(out StateMachineMessage? message) && TryHandle(message))
        {
            _stash.Dequeue();
            _stashedQueries -= message is StateMachineMessage.Query ? 1 : 0;
        }
    }

    /// <summary>False when the ledger has no room; then nothing was done.</summary>
    private bool TryHandle(StateMachineMessage message)
    {
        switch (message)
        {
            case StateMachineMessage.Apply apply:
                return TryApply(apply);
            case StateMachineMessage.Freeze:
                Freeze();
                return true;
            case StateMachineMessage.Thaw:
                Thaw();
                return true;
            case StateMachineMessage.Rebase rebase:
                Rebase(rebase.Snapshot);
                return true;
            case StateMachineMessage.Install install:
                Install(install.Snapshot);
                return true;
            case StateMachineMessage.GetProposal query:
                Answer(query);
                return true;
            case StateMachineMessage.GetHead query:
                query.Reply.Send(QueryAnswer<LedgerHead>.Of(ledger.Head));
                return true;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a question.");
        }
    }

    private void Answer(StateMachineMessage.GetProposal query)
    {
        try
        {
            query.Reply.Send(QueryAnswer<ProposalView?>.Of(_state.Get(query.ProposalId, ledger)));
        }
        catch (Exception)
        {
            // The node stops for it; nobody else has the question any more, and whoever asked would wait for ever.
            query.Refuse(NotCommittedReason.Stopping, Unanswered.CannotRead);
            throw;
        }
    }

    /// <summary>Applies a page of entries; false when the ledger became full on the way. The next call goes on from there.</summary>
    private bool TryApply(StateMachineMessage.Apply apply)
    {
        int count = apply.Entries.Count;
        _page ??= apply.Spare is { } spare && spare.Length >= count ? spare : new AppliedEntry[BitOperations.RoundUpToPowerOf2((uint)count)];
        for (; _appliedOfPage < count; _appliedOfPage++)
        {
            if (ledger.IsFull)
            {
                port.WantLedgerFlush();
                return false;
            }

            if (_appliedOfPage % KeysAhead.Capacity == 0)
            {
                _state.LookAhead(apply.Entries, _appliedOfPage);
            }

            _page[_appliedOfPage] = Apply(apply.Entries[_appliedOfPage]);
        }

        port.ToNode(new NodeMessage.Applied(new ArraySegment<AppliedEntry>(_page, 0, count), apply.Responses));
        (_page, _appliedOfPage) = (null, 0);
        if (_state.LastSequence > _announced)
        {
            port.Publish(new SwarmEvent.RecordsAdded(_announced + 1, _state.LastSequence));
            _announced = _state.LastSequence;
        }

        if (ledger.IsFilling)
        {
            port.WantLedgerFlush();
        }

        return true;
    }

    private AppliedEntry Apply(in Entry entry)
    {
        ApplyOutcome outcome = entry.ChangesConfiguration
            ? _state.ApplyMembership(entry.Index, entry.Term, entry.Kind, entry.Data)
            : _state.Apply(entry.Index, entry.Term, entry.Data);
        if (outcome.Record is not null)
        {
            ledger.Append(_state.Record);
        }

        return new AppliedEntry(entry.Index, entry.Term, outcome, _state.Digest);
    }

    private void Complete(StateMachineMessage.CompleteStatus status) =>
        status.Reply.Send(status.Status with
        {
            AppliedIndex = _state.AppliedIndex,
            Digest = _state.Digest.ToString(),
            Ledger = ledger.Head,
            Proposals = _state.ProposalCount,
            Sessions = _state.SessionCount,
        });
}
