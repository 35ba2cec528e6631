using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 19: The ledger with the same last record has the same root on every node, and loses nothing that was durable. Compared whenever a node makes
/// its ledger durable, when it comes back, and at the end of the run.
/// </summary>
public sealed class LedgersAgree : ISimulationChecker
{
    private readonly Dictionary<ulong, (string Root, string Hash, NodeId Node)> _heads = [];
    private readonly PerNode<Seen> _seen = new();
    private ISimulationView? _view;

    /// <inheritdoc/>
    public string Name => "ledgers agree";

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        foreach (LifeChange change in step.LifeChangeList)
        {
            if (change.Started)
            {
                ISimulationChecker self = this;
                Seen back = _seen[change.Node];
                self.Require(
                    change.Node.LedgerSequence >= back.Durable,
                    $"node {change.Node.Id} came back with {change.Node.LedgerSequence} records of its ledger; {back.Durable} were durable.");
                Check(change.Node);
            }
        }

        if (step.Kind == StepKind.Disk && step.Node is { IsRunning: true } node)
        {
            Seen seen = _seen[node];
            if (node.DurableLedgerSequence > seen.Durable)
            {
                seen.Durable = node.DurableLedgerSequence;
                Check(node);
            }
        }
    }

    /// <inheritdoc/>
    public void AtEnd()
    {
        foreach (NodeObservation node in _view!.Nodes)
        {
            Check(node);
        }
    }

    private void Check(NodeObservation node)
    {
        if (node.LedgerHead is { } head && !_heads.TryAdd(head.Sequence, (head.Root, head.Hash, node.Id)))
        {
            ISimulationChecker self = this;
            (string root, string hash, NodeId other) = _heads[head.Sequence];
            self.Require(
                string.Equals(root, head.Root, StringComparison.Ordinal) && string.Equals(hash, head.Hash, StringComparison.Ordinal),
                $"the ledger of node {node.Id} with {head.Sequence} records has root {head.Root} and ends with {head.Hash}; that of node {other} had {root} and {hash}.");
        }
    }

    private sealed class Seen
    {
        public ulong Durable { get; set; }
    }
}
