using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 16: A snapshot stands for committed entries and nothing else (Raft paper, section 7): its index is committed, its term is that of the entry
/// there, its configuration is the same on every node, and the ledger that it offers ends with the record that was agreed on there.
/// </summary>
public sealed class SnapshotsAreCommitted : ISimulationChecker
{
    private readonly CommittedLog _committed = new();
    private readonly Dictionary<LogIndex, ConfigurationState> _configurations = [];
    private ISimulationView? _view;

    /// <inheritdoc/>
    public string Name => "snapshots are committed";

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (step.Node is not { } node)
        {
            return;
        }

        if (step.Kind == StepKind.NodeActor && node.IsRunning)
        {
            _committed.Extend(node);
        }

        foreach (LogBatch batch in step.MadeDurableList)
        {
            if (batch.Mark is { } mark && mark != Founding.Mark)
            {
                Check(node, mark.Index, mark.Term);
            }
        }

        foreach (SentMessage sent in step.SentList)
        {
            switch (sent.Message)
            {
                case ProtocolMessage { Message: { Kind: MessageKind.Snapshot, Snapshot: { } snapshot } }:
                    Check(node, snapshot.Index, snapshot.Term);
                    CheckConfiguration(node, snapshot);
                    break;
                case SnapshotOffer offer:
                    Check(node, offer.Mark.Index, offer.Mark.Term);
                    CheckLedger(node, offer);
                    break;
                default:
                    break;
            }
        }
    }

    private void Check(NodeObservation node, LogIndex index, Term term)
    {
        ISimulationChecker self = this;
        self.Require(index <= _committed.Last, $"node {node.Id} has a snapshot of {index}, and {_committed.Last} is committed.");
        self.Require(
            _committed.TermAt(index) == term,
            $"node {node.Id} has a snapshot of {index} in term {term}; the entry that was committed there is of term {_committed.TermAt(index)}.");
    }

    private void CheckConfiguration(NodeObservation node, Snapshot snapshot)
    {
        if (!_configurations.TryAdd(snapshot.Index, snapshot.Configuration))
        {
            ISimulationChecker self = this;
            ConfigurationState before = _configurations[snapshot.Index];
            self.Require(
                before.Equals(snapshot.Configuration),
                $"node {node.Id} sends a snapshot of {snapshot.Index} with {snapshot.Configuration}; another had {before} there.");
        }
    }

    private void CheckLedger(NodeObservation node, SnapshotOffer offer)
    {
        ISimulationChecker self = this;
        IReadOnlyList<LedgerRecord> records = _view!.Agreed.Records;
        self.Require(offer.LastSequence <= (ulong)records.Count, $"node {node.Id} offers a ledger of {offer.LastSequence} records, and there are {records.Count}.");
        bool endsThere = (offer.LastSequence == 0 || records[(int)offer.LastSequence - 1].Index <= offer.Mark.Index)
            && (offer.LastSequence == (ulong)records.Count || records[(int)offer.LastSequence].Index > offer.Mark.Index);
        self.Require(endsThere, $"node {node.Id} offers a snapshot of {offer.Mark.Index} with a ledger of {offer.LastSequence} records, which does not end there.");
        string hash = offer.LastSequence == 0 ? default(Hash256).ToString() : records[(int)offer.LastSequence - 1].Hash;
        self.Require(
            string.Equals(offer.LastHash.ToString(), hash, StringComparison.Ordinal),
            $"node {node.Id} offers a ledger whose record {offer.LastSequence} has hash {offer.LastHash}; the agreed one has {hash}.");
    }
}
