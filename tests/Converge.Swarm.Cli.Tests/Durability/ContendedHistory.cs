using System.Runtime.InteropServices;
using Converge.Core;
using Converge.Swarm.Simulation;
using Operation = Converge.Swarm.Simulation.HistoryOperation<Converge.Swarm.Simulation.ClientRequest, Converge.Swarm.Simulation.ClientOutcome>;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>What clients asked and were told, and what the ledger tells of the rest; how it is judged.</summary>
internal static class ContendedHistory
{
    /// <summary>Far more than a key's few dozen operations take; a history that needs more is not judged, and says so.</summary>
    private static readonly LinearizabilityBounds Bounds = new() { MaxSteps = 2_000_000, MaxStates = 200_000 };

    /// <summary>
    /// The same without unknown outcomes. What the ledger holds took effect at some time after it was asked for; what it does not hold had no
    /// effect. So the judge has nothing to guess, and what nobody was told of must fit in, too.
    /// </summary>
    /// <param name="operations">What clients did.</param>
    /// <param name="records">All records, from the first.</param>
    public static IReadOnlyList<Operation> Complete(IEnumerable<Operation> operations, IEnumerable<LedgerRecord> records)
    {
        Dictionary<CommandId, FactAccepted> recorded = [];
        Dictionary<string, ulong> revisions = [];
        foreach (LedgerRecord record in records)
        {
            if (record.Submission is { } submission)
            {
                ulong revision = ++CollectionsMarshal.GetValueRefOrAddDefault(revisions, submission.Fact.ProposalId, out _);
                if (record.CommandId is { } command)
                {
                    recorded.Add(
                        command,
                        new FactAccepted(
                            record.Sequence, record.Index, record.Term, record.TimeUnixMilliseconds, record.Lamport, record.Hash, revision));
                }
            }
        }

        List<Operation> complete = [];
        foreach (Operation operation in operations)
        {
            if (operation.ReturnedAt is not null)
            {
                complete.Add(operation);
            }
            else if (recorded.TryGetValue(((ClientRequest.Propose)operation.Input).Submission.CommandId!, out FactAccepted? accepted))
            {
                complete.Add(Operation.Answered(operation.Client, operation.Input, operation.CalledAt, new ClientOutcome.Fact(accepted), long.MaxValue));
            }
        }

        return complete;
    }

    /// <summary>What is wrong with a history; null for nothing.</summary>
    public static string? FindFault(IEnumerable<Operation> history)
    {
        Operation[] operations = [.. history];
        if (FactOrder.FindFault(operations) is { } fault)
        {
            return fault;
        }

        LinearizabilityResult result = new LinearizabilityChecker<RecordedFacts, ClientRequest, ClientOutcome>(new ProposalModel(), Bounds)
            .Check(operations.Where(operation => operation.Input is not ClientRequest.ReadHead));
        return result.Verdict switch
        {
            LinearizabilityVerdict.Linearizable => null,
            LinearizabilityVerdict.NotLinearizable => result.Explanation,
            _ => throw new InvalidOperationException($"Not judged: {result.Explanation}"),
        };
    }
}
