using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 18: Nothing from an older term comes after the fence of a newer one: terms in the ledger never go back, each begins with the record of its
/// authority and has one, and every other record of the term stands behind it.
/// </summary>
/// <remarks>
/// That is the part of the rule about effects that can be observed: no orchestrator runs effects yet, so that there are no outcome records
/// to compare with commits and no second outcome of a run to find. An outcome record in the ledger is therefore a violation.
/// </remarks>
public sealed class EffectsFollowTheirFacts : ISimulationChecker
{
    private Term _term;

    /// <inheritdoc/>
    public string Name => "effects follow their facts";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        ISimulationChecker self = this;
        foreach (AgreedEntry agreed in step.AgreedList)
        {
            if (agreed.Record is not { } record)
            {
                continue;
            }

            if (record.Kind == RecordKind.Authority)
            {
                self.Require(record.Term > _term, $"record {record.Sequence} begins the authority of term {record.Term}; that of term {_term} stands before it.");
                _term = record.Term;
            }
            else
            {
                self.Require(
                    record.Kind != RecordKind.Outcome,
                    $"record {record.Sequence} is the outcome of an effect in term {record.Term}; nothing runs effects.");
                self.Require(
                    record.Term == _term || record.Kind != RecordKind.Fact,
                    $"record {record.Sequence} became fact under the authority of term {record.Term}; the last that began was that of term {_term}.");
                self.Require(
                    record.Term >= _term,
                    $"record {record.Sequence} of term {record.Term} stands behind the authority of term {_term}.");
            }
        }
    }
}
