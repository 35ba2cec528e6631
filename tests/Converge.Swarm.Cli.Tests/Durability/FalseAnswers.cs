using Converge.Core;
using Converge.Swarm.Simulation;
using Xunit.Sdk;
using Operation = Converge.Swarm.Simulation.HistoryOperation<Converge.Swarm.Simulation.ClientRequest, Converge.Swarm.Simulation.ClientOutcome>;

namespace Converge.Swarm.Cli.Tests.Durability;

/// <summary>Histories in which one answer is another than was given: as a swarm with a certain defect would have given it.</summary>
internal static class FalseAnswers
{
    /// <summary>One history for each defect.</summary>
    /// <param name="history">A real one, in which every outcome is known.</param>
    /// <exception cref="XunitException">The history has no place for one of the defects: too little happened in it.</exception>
    public static IEnumerable<(string Defect, IReadOnlyList<Operation> History)> Of(IReadOnlyList<Operation> history)
    {
        Operation[] facts = [.. history.Where(operation => Accepted(operation) is not null)];
        Operation[] refusals = [.. history.Where(operation => operation.Output is ClientOutcome.Fact { Answer: FactRefused })];
        Operation[] reads = [.. history.Where(operation => operation.Output is ClientOutcome.Proposal)];
        Operation[] heads = [.. history.Where(operation => operation.Output is ClientOutcome.Head)];

        // Behind: an answer of before a fact that somebody had been told of when the read began.
        (Operation behind, Operation old) = Pair(
            "a read that may be behind",
            reads,
            reads,
            (read, earlier) => facts.Any(fact => IsAbout(fact, read) && IsAbout(earlier, read) && IsBefore(fact, read) && Revision(earlier) < Accepted(fact)!.Revision));
        yield return ("a read is behind", With(history, behind, old.Output!));

        // Ahead: an answer that shows a fact that was not asked for until the read was over.
        (Operation ahead, Operation later) = Pair(
            "a read that may be ahead",
            reads,
            reads,
            (read, after) => facts.Any(fact => IsAbout(fact, read) && IsAbout(after, read) && IsBefore(read, fact) && Revision(after) >= Accepted(fact)!.Revision));
        yield return ("a read is ahead", With(history, ahead, later.Output!));

        // Denied and claimed: something later of the same proposal still counts right.
        (Operation denied, _) = Pair(
            "a fact with another after it", facts, facts, (fact, next) => IsAbout(fact, next) && Accepted(fact)!.Revision < Accepted(next)!.Revision);
        yield return (
            "what was recorded is said to be refused",
            With(history, denied, new ClientOutcome.Fact(new FactRefused(RefusalCode.AlreadyExists, Accepted(denied)!.Revision))));
        yield return ("what was recorded is forgotten", [.. history.Where(operation => operation != denied)]);

        (Operation claimed, Operation followed) = Pair(
            "a refusal with a fact after it", refusals, facts, (refusal, fact) => IsAbout(refusal, fact) && IsBefore(refusal, fact));
        yield return ("what was refused is said to be recorded", With(history, claimed, new ClientOutcome.Fact(Accepted(followed)!)));

        (Operation first, Operation second) = Pair(
            "two facts one after the other", facts, facts, (one, other) => !IsAbout(one, other) && IsBefore(one, other));
        yield return (
            "two facts stand in each other's place",
            With(
                With(history, first, new ClientOutcome.Fact(Accepted(first)! with { Sequence = Accepted(second)!.Sequence })),
                second,
                new ClientOutcome.Fact(Accepted(second)! with { Sequence = Accepted(first)!.Sequence })));

        (Operation head, Operation before) = Pair("a read of the end after a fact", heads, facts, (read, fact) => IsBefore(fact, read));
        yield return (
            "the end of the ledger is behind",
            With(history, head, new ClientOutcome.Head(((ClientOutcome.Head)head.Output!).Value with { Sequence = Accepted(before)!.Sequence - 1 })));
    }

    private static (Operation One, Operation Other) Pair(
        string what, IReadOnlyList<Operation> ones, IReadOnlyList<Operation> others, Func<Operation, Operation, bool> fit)
    {
        foreach (Operation one in ones)
        {
            foreach (Operation other in others)
            {
                if (fit(one, other))
                {
                    return (one, other);
                }
            }
        }

        throw new XunitException($"The history has not {what}.");
    }

    private static FactAccepted? Accepted(in Operation operation) => (operation.Output as ClientOutcome.Fact)?.Answer as FactAccepted;

    private static ulong Revision(in Operation read) => ((ClientOutcome.Proposal)read.Output!).View?.Revision ?? 0;

    private static bool IsAbout(in Operation one, in Operation other) => string.Equals(Proposal(one), Proposal(other), StringComparison.Ordinal);

    private static string Proposal(in Operation operation) => operation.Input switch
    {
        ClientRequest.Propose propose => propose.Submission.Fact.ProposalId,
        ClientRequest.ReadProposal read => read.ProposalId,
        _ => throw new InvalidOperationException($"{operation.Input} is about no proposal."),
    };

    private static bool IsBefore(in Operation one, in Operation other) => one.ReturnedAt < other.CalledAt;

    private static IReadOnlyList<Operation> With(IReadOnlyList<Operation> history, Operation changed, ClientOutcome told) =>
    [
        .. history.Select(operation => operation == changed
            ? Operation.Answered(operation.Client, operation.Input, operation.CalledAt, told, operation.ReturnedAt!.Value)
            : operation),
    ];
}
