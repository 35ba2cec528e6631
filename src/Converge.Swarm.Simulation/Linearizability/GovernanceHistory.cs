using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>What clients did as histories that <see cref="ProposalModel"/> and <see cref="FactOrder"/> judge.</summary>
/// <remarks>
/// Whatever was submitted under one command id is one operation, however often: it begins with the first submission and ends with the first
/// answer. Only when its session was forgotten in between was a command decided upon more than once; then each answer is an operation of its
/// own, and so is each decision that nobody was told of.
/// </remarks>
public static class GovernanceHistory
{
    /// <summary>
    /// Submissions and reads of proposals that are not stale: leased ones are as good as long as clocks keep to their margin. What certainly did nothing and reads that told nothing are left out; what is not known
    /// to have happened may have happened at any time since it was asked for.
    /// </summary>
    /// <param name="operations">What clients did.</param>
    /// <param name="decisions">
    /// What was decided about a command in the agreed log, repetitions of an earlier answer apart; null where there is no log to ask. What the
    /// log says and no client was told of took effect, too, at some time after it was asked for; and what it does not say did not happen.
    /// </param>
    public static IEnumerable<HistoryOperation<ClientRequest, ClientOutcome>> Of(
        IEnumerable<ClientOperation> operations, Func<CommandId, IReadOnlyList<CommitAnswer>>? decisions)
    {
        ArgumentNullException.ThrowIfNull(operations);
        foreach (Submission submission in Submissions(operations))
        {
            foreach ((ClientOutcome outcome, long ended) in submission.Answers)
            {
                yield return HistoryOperation<ClientRequest, ClientOutcome>.Answered(submission.Client, submission.Request, submission.Begun, outcome, ended);
            }

            if (decisions is not null && submission.Request.Submission.CommandId is { } command)
            {
                List<CommitAnswer> untold = [.. decisions(command)];
                foreach ((ClientOutcome outcome, _) in submission.Answers)
                {
                    untold.Remove(((ClientOutcome.Fact)outcome).Answer);
                }

                foreach (CommitAnswer answer in untold)
                {
                    yield return HistoryOperation<ClientRequest, ClientOutcome>.Answered(
                        submission.Client, submission.Request, submission.Begun, new ClientOutcome.Fact(answer), long.MaxValue);
                }
            }
            else if (submission.Answers.Count == 0 && submission.MayHaveHappened)
            {
                yield return HistoryOperation<ClientRequest, ClientOutcome>.Unknown(submission.Client, submission.Request, submission.Begun);
            }
        }

        foreach (ClientOperation operation in operations)
        {
            if (operation is { Request: ClientRequest.ReadProposal { Consistency: not ReadConsistency.Stale }, Outcome: ClientOutcome.Proposal, EndedAtMicroseconds: { } ended })
            {
                yield return HistoryOperation<ClientRequest, ClientOutcome>.Answered(
                    operation.Client, operation.Request, operation.BegunAtMicroseconds, operation.Outcome, ended);
            }
        }
    }

    /// <summary>Everything that has a place in the ledger: facts that were accepted, and reads of its end that are not stale.</summary>
    public static IEnumerable<HistoryOperation<ClientRequest, ClientOutcome>> OrderedOf(IEnumerable<ClientOperation> operations)
    {
        ArgumentNullException.ThrowIfNull(operations);
        foreach (Submission submission in Submissions(operations))
        {
            foreach ((ClientOutcome outcome, long ended) in submission.Answers)
            {
                yield return HistoryOperation<ClientRequest, ClientOutcome>.Answered(submission.Client, submission.Request, submission.Begun, outcome, ended);
            }
        }

        foreach (ClientOperation operation in operations)
        {
            if (operation is { Request: ClientRequest.ReadHead { Consistency: not ReadConsistency.Stale }, Outcome: ClientOutcome.Head, EndedAtMicroseconds: { } ended })
            {
                yield return HistoryOperation<ClientRequest, ClientOutcome>.Answered(
                    operation.Client, operation.Request, operation.BegunAtMicroseconds, operation.Outcome, ended);
            }
        }
    }

    private static List<Submission> Submissions(IEnumerable<ClientOperation> operations)
    {
        List<Submission> all = [];
        Dictionary<CommandId, Submission> byCommand = [];
        foreach (ClientOperation operation in operations)
        {
            if (operation.Request is not ClientRequest.Propose request)
            {
                continue;
            }

            Submission? submission = null;
            if (operation.CommandId is not { } command || !byCommand.TryGetValue(command, out submission))
            {
                submission = new Submission(operation.Client, request, operation.BegunAtMicroseconds);
                all.Add(submission);
                if (operation.CommandId is { } first)
                {
                    byCommand.Add(first, submission);
                }
            }

            submission.Add(operation);
        }

        return all;
    }

    /// <summary>All that was submitted under one command id, or one submission without any.</summary>
    private sealed class Submission(int client, ClientRequest.Propose request, long begun)
    {
        public int Client { get; } = client;

        public ClientRequest.Propose Request { get; } = request;

        public long Begun { get; private set; } = begun;

        /// <summary>The answers that differ, each with the first time that somebody had it.</summary>
        public List<(ClientOutcome Outcome, long Ended)> Answers { get; } = [];

        public bool MayHaveHappened { get; private set; }

        public void Add(ClientOperation operation)
        {
            Begun = Math.Min(Begun, operation.BegunAtMicroseconds);
            switch (operation.Outcome)
            {
                case ClientOutcome.Fact { Answer: FactNotCommitted }:
                    break;
                case null or ClientOutcome.Fact { Answer: FactOutcomeUnknown or FactRefused { Code: RefusalCode.CommandExpired } }:
                    MayHaveHappened = true;
                    break;
                default:
                    long ended = operation.EndedAtMicroseconds!.Value;
                    int known = Answers.FindIndex(answer => answer.Outcome == operation.Outcome);
                    if (known < 0)
                    {
                        Answers.Add((operation.Outcome, ended));
                    }
                    else
                    {
                        Answers[known] = (operation.Outcome, Math.Min(ended, Answers[known].Ended));
                    }

                    break;
            }
        }
    }
}
