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
public sealed class StateMachineActor(GovernanceState state, GovernanceLedger ledger, IStateMachinePort port)
{
    // What came while the ledger had no room; in order, so that a read still follows what it must see.
    private readonly Queue<StateMachineMessage> _stash = new();
    private AppliedEntry[]? _page;
    private int _appliedOfPage;
    private ulong _announced;
    private bool _full;

    /// <summary>Receives one message.</summary>
    /// <exception cref="LedgerDivergedException">A replayed entry makes another record than the ledger holds.</exception>
    /// <exception cref="UnsupportedCommandException">An entry needs rules that this program does not have.</exception>
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
            case StateMachineMessage.Apply or StateMachineMessage.Query:
                if (_stash.Count > 0 || !TryHandle(message))
                {
                    _stash.Enqueue(message);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message for a state-machine actor.");
        }
    }

    /// <summary>The host ends: whoever waits here for the ledger's room is told that there is no answer. Nothing is received afterwards.</summary>
    public void Close()
    {
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

    private void Unstash()
    {
        while (_stash.TryPeek(out StateMachineMessage? message) && TryHandle(message))
        {
            _stash.Dequeue();
        }
    }

    /// <summary>False when the ledger has no room; then nothing was done.</summary>
    private bool TryHandle(StateMachineMessage message)
    {
        switch (message)
        {
            case StateMachineMessage.Apply apply:
                return TryApply(apply);
            case StateMachineMessage.GetProposal query:
                query.Reply.Send(QueryAnswer<ProposalView?>.Of(state.Get(query.ProposalId)));
                return true;
            case StateMachineMessage.GetHead query:
                query.Reply.Send(QueryAnswer<LedgerHead>.Of(ledger.Head));
                return true;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a question.");
        }
    }

    /// <summary>Applies a page of entries; false when the ledger became full on the way. The next call goes on from there.</summary>
    private bool TryApply(StateMachineMessage.Apply apply)
    {
        _page ??= new AppliedEntry[apply.Entries.Count];
        for (; _appliedOfPage < _page.Length; _appliedOfPage++)
        {
            if (ledger.IsFull)
            {
                port.WantLedgerFlush();
                return false;
            }

            _page[_appliedOfPage] = Apply(apply.Entries[_appliedOfPage]);
        }

        port.ToNode(new NodeMessage.Applied(_page, apply.Responses));
        (_page, _appliedOfPage) = (null, 0);
        if (state.LastSequence > _announced)
        {
            port.Publish(new SwarmEvent.RecordsAdded(_announced + 1, state.LastSequence));
            _announced = state.LastSequence;
        }

        if (ledger.IsFilling)
        {
            port.WantLedgerFlush();
        }

        return true;
    }

    private AppliedEntry Apply(in Entry entry)
    {
        if (entry.Kind != EntryKind.Normal)
        {
            throw new UnsupportedCommandException($"Entry {entry.Index} is of kind {entry.Kind}, which this program does not apply.");
        }

        ApplyOutcome outcome = state.Apply(entry.Index, entry.Term, entry.Data.Span);
        if (outcome.Record is { } record)
        {
            ledger.Append(record);
        }

        return new AppliedEntry(entry.Index, entry.Term, outcome, state.Digest);
    }

    private void Complete(StateMachineMessage.CompleteStatus status) =>
        status.Reply.Send(status.Status with
        {
            AppliedIndex = state.AppliedIndex,
            Digest = state.Digest.ToString(),
            Ledger = ledger.Head,
            Proposals = state.ProposalCount,
            Sessions = state.SessionCount,
        });
}
