using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// A read that names an index shows what was recorded up to that index and nothing else, stale or not; and a stale one is not from a future
/// that nobody has agreed on. How fresh a linearizable one is, is for <see cref="HistoriesAreLinearizable"/> to say.
/// </summary>
public sealed class ReadsShowTheirIndex : ISimulationChecker
{
    private readonly Dictionary<string, List<(LogIndex Index, RecordedFacts Facts)>> _proposals = new(StringComparer.Ordinal);
    private ISimulationView? _view;

    /// <inheritdoc/>
    public string Name => "reads show their index";

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        foreach (AgreedEntry agreed in step.AgreedList)
        {
            if (agreed.Record is { Kind: RecordKind.Fact, Submission.Fact: { } fact } record)
            {
                if (!_proposals.TryGetValue(fact.ProposalId, out List<(LogIndex Index, RecordedFacts Facts)>? states))
                {
                    _proposals.Add(fact.ProposalId, states = []);
                }

                RecordedFacts before = states.Count == 0 ? RecordedFacts.None : states[^1].Facts;
                states.Add((record.Index, before.With(fact, record.Sequence)));
            }
        }

        foreach (ClientAttempt attempt in step.AnsweredList)
        {
            if (attempt.Outcome is ClientOutcome.Proposal { View: { } view })
            {
                ISimulationChecker self = this;
                self.Require(
                    view.AsOfIndex <= _view!.Agreed.LastIndex,
                    $"node {attempt.Node} shows proposal {view.ProposalId} as of entry {view.AsOfIndex}; nothing behind {_view.Agreed.LastIndex} was applied.");
                RecordedFacts facts = At(view.ProposalId, view.AsOfIndex);
                self.Require(facts.IsShownBy(view), $"node {attempt.Node} shows {view}; as of {view.AsOfIndex} it stands so: {facts}.");
            }
        }
    }

    private RecordedFacts At(string proposal, LogIndex index)
    {
        if (!_proposals.TryGetValue(proposal, out List<(LogIndex Index, RecordedFacts Facts)>? states))
        {
            return RecordedFacts.None;
        }

        for (int i = states.Count - 1; i >= 0; i--)
        {
            if (states[i].Index <= index)
            {
                return states[i].Facts;
            }
        }

        return RecordedFacts.None;
    }
}
