using Converge.Core;
using Converge.Swarm.Actors;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 5: All nodes apply the same entries in the same order and come to the same state (state machine safety; Raft paper, figure 3): same index,
/// same term, same digest, same record; and that record says what the entry says, byte for byte.
/// </summary>
public sealed class AppliedStatesAgree : ISimulationChecker
{
    private readonly List<(Term Term, Hash256 Digest)> _agreed = [];
    private readonly List<Hash256> _records = [];

    /// <inheritdoc/>
    public string Name => "applied states agree";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        ISimulationChecker self = this;
        foreach (AgreedEntry agreed in step.Agreed)
        {
            if (agreed.Record is { } record)
            {
                Hash256 said = LedgerRecordCodec.Encode(record).Hash;
                self.Require(
                    said == agreed.Applied.Outcome.Record?.Hash,
                    $"node {step.Node!.Id} made record {record.Sequence} with hash {record.Hash} of entry {agreed.Entry.Index}; what that says has hash {said}.");
            }
        }

        foreach (AppliedEntry entry in step.AppliedList)
        {
            // The founding snapshot covers the first.
            int at = (int)(entry.Index.Value - Founding.Mark.Index.Value - 1);
            self.Require(at <= _agreed.Count, $"node {step.Node!.Id} applied entry {entry.Index}, and nobody has applied the one before it.");
            if (at == _agreed.Count)
            {
                _agreed.Add((entry.Term, entry.Digest));
                if (entry.Outcome.Record is { } first)
                {
                    self.Require(first.Sequence == (ulong)_records.Count + 1, $"entry {entry.Index} makes record {first.Sequence} after {_records.Count}.");
                    _records.Add(first.Hash);
                }
            }
            else
            {
                (Term term, Hash256 digest) = _agreed[at];
                self.Require(
                    term == entry.Term && digest == entry.Digest,
                    $"node {step.Node!.Id} applied entry {entry.Index} of term {entry.Term} with digest {entry.Digest}; another applied one of term {term} with digest {digest}.");
                if (entry.Outcome.Record is { } record)
                {
                    self.Require(
                        record.Sequence <= (ulong)_records.Count && _records[(int)record.Sequence - 1] == record.Hash,
                        $"node {step.Node!.Id} has record {record.Sequence} with hash {record.Hash}, which is not the one that others have.");
                }
            }
        }
    }
}
