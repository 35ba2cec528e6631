using System.Globalization;
using Converge.Core;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Simulation;

/// <summary>
/// What the clients of a run did and were told is linearizable, each proposal by the rules of <c>docs/governance.md</c>
/// (<see cref="ProposalModel"/>), and over all proposals in the order of the ledger (<see cref="FactOrder"/>). Judged at the end of the run.
/// </summary>
/// <param name="bounds">How much work one proposal may be; a history that is not decided within them is no violation.</param>
public sealed class HistoriesAreLinearizable(LinearizabilityBounds? bounds = null) : ISimulationChecker
{
    private ISimulationView? _view;

    /// <inheritdoc/>
    public string Name => "histories are linearizable";

    /// <summary>What came of the judgement; null before the end.</summary>
    public LinearizabilityResult? Result { get; private set; }

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
    }

    /// <inheritdoc/>
    public void AtEnd()
    {
        ISimulationChecker self = this;
        IReadOnlyList<ClientOperation> operations = _view!.History.Operations;
        string? fault = FactOrder.FindFault(GovernanceHistory.OrderedOf(operations));
        self.Require(fault is null, $"{fault}");
        Dictionary<CommandId, List<CommitAnswer>> decisions = DecisionsOf(_view.Agreed);
        var checker = new LinearizabilityChecker<RecordedFacts, ClientRequest, ClientOutcome>(new ProposalModel(), bounds);
        Result = checker.Check(GovernanceHistory.Of(operations, command => decisions.TryGetValue(command, out List<CommitAnswer>? of) ? of : []));
        self.Require(
            Result.Verdict != LinearizabilityVerdict.NotLinearizable,
            $"{string.Create(CultureInfo.InvariantCulture, $"{Result.Operations} operations on {Result.Keys} proposals: ")}{Result.Explanation}");
    }

    private static Dictionary<CommandId, List<CommitAnswer>> DecisionsOf(AgreedLog agreed)
    {
        Dictionary<CommandId, List<CommitAnswer>> decisions = [];
        foreach (AgreedEntry entry in agreed.Entries)
        {
            if (entry.Command is FactCommand { Submission.CommandId: { } command }
                && entry.Applied.Outcome.Result != ApplyResult.Repeated
                && entry.Applied.Outcome.ToAnswer() is { } answer and not FactRefused { Code: RefusalCode.CommandExpired })
            {
                if (!decisions.TryGetValue(command, out List<CommitAnswer>? of))
                {
                    decisions.Add(command, of = []);
                }

                of.Add(answer);
            }
        }

        return decisions;
    }
}
