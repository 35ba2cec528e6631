using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// The exact check beside <see cref="LinearizabilityChecker{TState, TInput, TOutput}"/>: facts have places in one order, so that nothing has to
/// be searched. What was told to be recorded before something else was asked for stands before it, over all proposals; and a linearizable read
/// of the ledger's end shows everything that was told before the read, and nothing that was asked for after it.
/// </summary>
public static class FactOrder
{
    /// <summary>What is wrong with these operations; null for nothing. Those that are neither facts nor reads of the end are passed over.</summary>
    public static string? FindFault(IEnumerable<HistoryOperation<ClientRequest, ClientOutcome>> operations)
    {
        ArgumentNullException.ThrowIfNull(operations);
        List<(long Time, bool IsReturn, ulong Sequence, HistoryOperation<ClientRequest, ClientOutcome> Operation)> events = [];
        foreach (HistoryOperation<ClientRequest, ClientOutcome> operation in operations)
        {
            if (operation.ReturnedAt is { } returned && SequenceOf(operation) is { } sequence)
            {
                events.Add((operation.CalledAt, false, sequence, operation));
                events.Add((returned, true, sequence, operation));
            }
        }

        // What happens at the same moment is concurrent: calls come before returns.
        events.Sort(static (a, b) => a.Time != b.Time ? a.Time.CompareTo(b.Time) : a.IsReturn.CompareTo(b.IsReturn));
        (ulong Sequence, HistoryOperation<ClientRequest, ClientOutcome> Operation) last = default;
        foreach ((_, bool isReturn, ulong sequence, HistoryOperation<ClientRequest, ClientOutcome> operation) in events)
        {
            if (isReturn)
            {
                last = sequence > last.Sequence ? (sequence, operation) : last;
                continue;
            }

            // A read may show the same end as what came before it; a fact has a place of its own.
            bool follows = operation.Output is ClientOutcome.Head ? sequence >= last.Sequence : sequence > last.Sequence;
            if (!follows)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"what client {operation.Client} asked for at {operation.CalledAt} came to sequence {sequence}; what client {last.Operation.Client} had asked for had come to {last.Sequence} at {last.Operation.ReturnedAt}.");
            }
        }

        return null;
    }

    private static ulong? SequenceOf(in HistoryOperation<ClientRequest, ClientOutcome> operation) => (operation.Input, operation.Output) switch
    {
        (ClientRequest.Propose, ClientOutcome.Fact { Answer: FactAccepted accepted }) => accepted.Sequence,
        (ClientRequest.ReadHead { Consistency: not ReadConsistency.Stale }, ClientOutcome.Head { Value: { } head }) => head.Sequence,
        _ => null,
    };
}
