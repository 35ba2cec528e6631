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
    /// <summary>Receives one message.</summary>
    /// <exception cref="LedgerDivergedException">A replayed entry makes another record than the ledger holds.</exception>
    /// <exception cref="UnsupportedCommandException">An entry needs rules that this program does not have.</exception>
    public void Receive(StateMachineMessage message)
    {
        switch (message)
        {
            case StateMachineMessage.Apply apply:
                Apply(apply);
                break;
            case StateMachineMessage.GetProposal query:
                query.Reply.Send(QueryAnswer<ProposalView?>.Of(state.Get(query.ProposalId)));
                break;
            case StateMachineMessage.GetHead query:
                query.Reply.Send(QueryAnswer<LedgerHead>.Of(ledger.Head));
                break;
            case StateMachineMessage.CompleteStatus status:
                status.Reply.Send(status.Status with
                {
                    AppliedIndex = state.AppliedIndex,
                    Digest = state.Digest.ToString(),
                    Ledger = ledger.Head,
                    Proposals = state.ProposalCount,
                    Sessions = state.SessionCount,
                });
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message for a state-machine actor.");
        }
    }

    private void Apply(StateMachineMessage.Apply apply)
    {
        var applied = new AppliedEntry[apply.Entries.Count];
        ulong firstSequence = state.LastSequence + 1;
        for (int i = 0; i < applied.Length; i++)
        {
            Entry entry = apply.Entries[i];
            if (entry.Kind != EntryKind.Normal)
            {
                throw new UnsupportedCommandException($"Entry {entry.Index} is of kind {entry.Kind}, which this program does not apply.");
            }

            ApplyOutcome outcome = state.Apply(entry.Index, entry.Term, entry.Data.Span);
            if (outcome.Record is { } record)
            {
                ledger.Append(record);
            }

            applied[i] = new AppliedEntry(entry.Index, entry.Term, outcome, state.Digest);
        }

        port.ToNode(new NodeMessage.Applied(applied, apply.Responses));
        if (state.LastSequence >= firstSequence)
        {
            port.Publish(new SwarmEvent.RecordsAdded(firstSequence, state.LastSequence));
        }
    }
}
