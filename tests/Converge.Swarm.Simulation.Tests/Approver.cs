using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation.Tests;

#pragma warning disable IDE0008 // As a reader would write it.
// <handler>

/// <summary>An engine that approves whatever was validated. It runs on every node; the command id sees to it that one approval counts.</summary>
internal sealed class Approver : ISimulatedHandler
{
    private ISimulatedProcess _process = null!;

    public void Started(ISimulatedProcess process) => _process = process;

    public void Happened(SwarmEvent happened)
    {
        if (happened is SwarmEvent.RecordsAdded added)
        {
            foreach (var record in _process.Records(added.FirstSequence, (int)(added.LastSequence - added.FirstSequence + 1)))
            {
                if (record.Submission?.Fact is ValidationPassed passed)
                {
                    Approve(passed.ProposalId, record.Sequence);
                }
            }
        }
    }

    private void Approve(string proposal, ulong because) => _process.Submit(
        new FactSubmission(new PromotionApproved(proposal, "engine"), CommandId: new CommandId($"approver-{because}", 1)),
        answer =>
        {
            if (answer is FactNotCommitted or FactOutcomeUnknown)
            {
                _process.After(TimeSpan.FromMilliseconds(200), () => Approve(proposal, because));
            }
        });
}

/// <summary>What must hold of it: no two approvals by the engine of one proposal without a roll-back between them.</summary>
internal sealed class ApprovedOnce : ISimulationChecker
{
    private readonly HashSet<string> _approved = [];

    public string Name => "the engine approves once";

    public void Begin(ISimulationView view)
    {
    }

    public void AfterStep(SimulationStep step)
    {
        ISimulationChecker self = this;
        foreach (var agreed in step.Agreed)
        {
            switch (agreed.Record?.Submission?.Fact)
            {
                case PromotionApproved { Approver: "engine" } approved:
                    self.Require(_approved.Add(approved.ProposalId), $"{approved.ProposalId} was approved again by record {agreed.Record.Sequence}.");
                    break;
                case RollbackIssued or OverrideGranted:
                    _approved.Remove(agreed.Record.Submission.Fact.ProposalId);
                    break;
            }
        }
    }
}

// </handler>
#pragma warning restore IDE0008
