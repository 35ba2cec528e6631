using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 3: Logs that have an entry with the same index and term are the same up to it (log matching; Raft paper, figure 3 and section 5.3). Each
/// entry that a node takes into its log is compared with the first of its index and term, and so is the term of the entry before it: then
/// the prefixes are equal by induction.
/// </summary>
public sealed class LogsMatch : ISimulationChecker
{
    private readonly Dictionary<(LogIndex Index, Term Term), (Entry Entry, Term Before)> _first = [];

    /// <inheritdoc/>
    public string Name => "logs match";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        ISimulationChecker self = this;
        foreach (LogMessage.Append append in step.HandedToLogList)
        {
            if (append.Entries.Count == 0 || !step.Node!.TryGetTerm(append.Entries[0].Index.Previous, out Term before))
            {
                continue;
            }

            foreach (Entry entry in append.Entries)
            {
                if (!_first.TryAdd((entry.Index, entry.Term), (entry, before)))
                {
                    (Entry other, Term otherBefore) = _first[(entry.Index, entry.Term)];
                    self.Require(
                        other == entry,
                        $"node {step.Node.Id} has another entry {entry.Index} of term {entry.Term} than there was: {entry.Kind} of {entry.Data.Length} bytes, not {other.Kind} of {other.Data.Length}.");
                    self.Require(
                        otherBefore == before,
                        $"node {step.Node.Id} has entry {entry.Index} of term {entry.Term} behind one of term {before}; elsewhere it stands behind one of term {otherBefore}.");
                }

                before = entry.Term;
            }
        }
    }
}
