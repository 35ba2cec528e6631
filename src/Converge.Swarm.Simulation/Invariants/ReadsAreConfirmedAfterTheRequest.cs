using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 14: A linearizable read is answered from a state that holds everything that any node knew to be committed when the read was asked for, and
/// only after a quorum has answered a heartbeat round that was sent after that (Ongaro's thesis, section 6.4). Rounds and answers are
/// taken from the messages, so that an old answer under a repeated identity does not count.
/// </summary>
public sealed class ReadsAreConfirmedAfterTheRequest : ISimulationChecker
{
    private readonly Dictionary<StateMachineMessage.Query, (long Step, LogIndex Committed, NodeId Node)> _asked = new(ReferenceEqualityComparer.Instance);
    private readonly ConfirmedRounds _rounds;
    private readonly HandedToApply _handed = new();
    private LogIndex _committed;

    /// <summary>Checks one run.</summary>
    public ReadsAreConfirmedAfterTheRequest()
        : this(new ConfirmedRounds())
    {
    }

    internal ReadsAreConfirmedAfterTheRequest(ConfirmedRounds rounds) => _rounds = rounds;

    /// <inheritdoc/>
    public string Name => "reads are confirmed after the request";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
    }

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        foreach (LifeChange change in step.LifeChangeList)
        {
            if (!change.Started && _asked.Count > 0)
            {
                Forget(change.Node);
            }
        }

        if (step.Kind != StepKind.NodeActor || step.Node is not { } node)
        {
            return;
        }

        _committed = LogIndex.Max(_committed, node.CommitIndex);
        if (step.Received is NodeMessage.Read { Consistency: ReadConsistency.Linearizable } read)
        {
            _asked[read.Query] = (step.Number, _committed, node.Id);
        }

        _rounds.AfterStep(step);
        foreach (StateMachineMessage message in step.HandedToStateMachineList)
        {
            _handed.Note(node, message);
            if (message is StateMachineMessage.Query query && _asked.Remove(query, out (long Step, LogIndex Committed, NodeId Node) asked))
            {
                Check(node, asked.Step, asked.Committed);
            }
        }
    }

    private void Check(NodeObservation node, long askedInStep, LogIndex committed)
    {
        ISimulationChecker self = this;
        self.Require(
            _handed.Through(node) >= committed,
            $"node {node.Id} answers a read from entry {_handed.Through(node)}; when it was asked for, in step {askedInStep}, {committed} was committed.");

        // Whoever decides alone is its own quorum.
        bool alone = node.Configuration is { Voters: [var only], IsJoint: false } && only == node.Id;
        self.Require(
            alone || _rounds.Latest.Step > askedInStep,
            $"node {node.Id} serves a read that was asked for in step {askedInStep}; the last round that a quorum has answered was sent in step {_rounds.Latest.Step}.");
    }

    private void Forget(NodeObservation node)
    {
        foreach ((StateMachineMessage.Query query, (long Step, LogIndex Committed, NodeId Node) asked) in _asked)
        {
            if (asked.Node == node.Id)
            {
                _asked.Remove(query);
            }
        }
    }
}
