using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// What clients are told is what was agreed: an accepted fact stands in the ledger at the place and with the hash of the answer; and a
/// command of which all attempts certainly did nothing stands nowhere.
/// </summary>
public sealed class AnswersMatchTheAgreedLog : ISimulationChecker
{
    private ISimulationView? _view;

    /// <inheritdoc/>
    public string Name => "answers match the agreed log";

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        foreach (ClientAttempt attempt in step.AnsweredList)
        {
            if (attempt.Outcome is ClientOutcome.Fact { Answer: FactAccepted accepted })
            {
                Check(attempt.Operation, accepted);
            }
        }
    }

    /// <inheritdoc/>
    public void AtEnd()
    {
        ISimulationChecker self = this;
        HashSet<CommandId> recorded = [.. _view!.Agreed.Records.Where(record => record.CommandId is not null).Select(record => record.CommandId!)];
        HashSet<CommandId> perhaps = [];
        foreach (ClientOperation operation in _view.History.Operations)
        {
            if (operation.CommandId is { } command && !operation.Attempts.All(attempt => attempt.Outcome is ClientOutcome.Fact { Answer: FactNotCommitted }))
            {
                perhaps.Add(command);
            }
        }

        foreach (ClientOperation operation in _view.History.Operations)
        {
            if (operation.CommandId is { } command && !perhaps.Contains(command))
            {
                self.Require(!recorded.Contains(command), $"command {command} certainly did nothing, says every answer, and is recorded.");
            }
        }
    }

    private void Check(ClientOperation operation, FactAccepted accepted)
    {
        ISimulationChecker self = this;
        IReadOnlyList<LedgerRecord> records = _view!.Agreed.Records;
        self.Require(accepted.Sequence <= (ulong)records.Count, $"a client was told of record {accepted.Sequence}, and there are {records.Count}.");
        LedgerRecord record = records[(int)accepted.Sequence - 1];
        FactSubmission submission = ((ClientRequest.Propose)operation.Request).Submission;
        self.Require(
            string.Equals(record.Hash, accepted.Hash, StringComparison.Ordinal)
                && record.Index == accepted.Index
                && record.Term == accepted.Term
                && record.CommandId == submission.CommandId
                && record.Submission?.Fact == submission.Fact,
            $"a client was told that {submission} is record {accepted.Sequence} at {accepted.Index} in term {accepted.Term}; there stands {record}.");
    }
}
