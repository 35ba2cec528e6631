using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Simulation;

/// <summary>
/// What clients are told is what was agreed: an accepted fact stands in the ledger once, at the place and with the hash of the answer; all
/// attempts under one command id get the same answer; and a command of which all attempts certainly did nothing stands nowhere.
/// </summary>
public sealed class AnswersMatchTheAgreedLog : ISimulationChecker
{
    private readonly List<LedgerRecord> _records = [];
    private readonly Dictionary<CommandId, ulong> _byCommand = [];
    private ISimulationView? _view;

    /// <inheritdoc/>
    public string Name => "answers match the agreed log";

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        foreach (AppliedEntry entry in step.Applied)
        {
            if (entry.Outcome.Record is { } record && record.Sequence == (ulong)_records.Count + 1)
            {
                Add(LedgerRecordCodec.Decode(record));
            }
        }

        foreach (ClientAttempt attempt in step.Answered)
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
        foreach (ClientOperation operation in _view!.History.Operations)
        {
            if (operation is { Request: ClientRequest.Propose { Submission.CommandId: { } command }, Outcome: ClientOutcome.Fact { Answer: FactNotCommitted } })
            {
                bool certain = operation.Attempts.All(attempt => attempt.Outcome is ClientOutcome.Fact { Answer: FactNotCommitted });
                self.Require(
                    !certain || !_byCommand.ContainsKey(command),
                    $"command {command} certainly did nothing, says every answer; record {_byCommand.GetValueOrDefault(command)} is its.");
            }
        }
    }

    private void Add(LedgerRecord record)
    {
        _records.Add(record);
        if (record.CommandId is { } command)
        {
            ISimulationChecker self = this;
            bool added = _byCommand.TryAdd(command, record.Sequence);
            self.Require(added, $"command {command} changed the state twice, by records {_byCommand[command]} and {record.Sequence}.");
        }
    }

    private void Check(ClientOperation operation, FactAccepted accepted)
    {
        ISimulationChecker self = this;
        self.Require(accepted.Sequence <= (ulong)_records.Count, $"a client was told of record {accepted.Sequence}, and there are {_records.Count}.");
        LedgerRecord record = _records[(int)accepted.Sequence - 1];
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
