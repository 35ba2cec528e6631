using Converge.Core;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 15: A leased read is served without a round of its own only inside a lease: when it was asked for, less than an election timeout had passed
/// since a heartbeat round was sent that a quorum has answered (Ongaro's thesis, section 6.4.1); counted from the sending, in the time that
/// no clock of a node shows. And like every read that is not stale it shows what was committed when it was asked for.
/// </summary>
public sealed class LeasedReadsStayInsideTheLease : ISimulationChecker
{
    private readonly Dictionary<StateMachineMessage.Query, (long Step, long Time, LogIndex Committed, NodeId Node)> _asked = new(ReferenceEqualityComparer.Instance);
    private readonly ConfirmedRounds _rounds;
    private readonly HandedToApply _handed = new();
    private LogIndex _committed;
    private long _leaseMicroseconds;

    /// <summary>Checks one run.</summary>
    public LeasedReadsStayInsideTheLease()
        : this(new ConfirmedRounds())
    {
    }

    internal LeasedReadsStayInsideTheLease(ConfirmedRounds rounds) => _rounds = rounds;

    /// <inheritdoc/>
    public string Name => "leased reads stay inside the lease";

    /// <inheritdoc/>
    public void Begin(ISimulationView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        _leaseMicroseconds = view.Options.ElectionTicks * view.Options.TickMilliseconds * 1_000L;
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
        if (step.Received is NodeMessage.Read { Consistency: ReadConsistency.Leased } read)
        {
            _asked[read.Query] = (step.Number, step.TimeMicroseconds, _committed, node.Id);
        }

        _rounds.AfterStep(step);
        foreach (StateMachineMessage message in step.HandedToStateMachineList)
        {
            _handed.Note(node, message);
            if (message is StateMachineMessage.Query query && _asked.Remove(query, out (long Step, long Time, LogIndex Committed, NodeId Node) asked))
            {
                Check(node, asked.Step, asked.Time, asked.Committed);
            }
        }
    }

    private void Check(NodeObservation node, long askedInStep, long askedAt, LogIndex committed)
    {
        ISimulationChecker self = this;
        self.Require(
            _handed.Through(node) >= committed,
            $"node {node.Id} answers a leased read from entry {_handed.Through(node)}; when it was asked for, in step {askedInStep}, {committed} was committed.");

        // Whoever decides alone is its own quorum.
        bool alone = node.Configuration is { Voters: [var only], IsJoint: false } && only == node.Id;
        long age = askedAt - _rounds.Latest.Time;
        self.Require(
            alone || _rounds.Latest.Step > askedInStep || (_rounds.Latest.Step > 0 && age < _leaseMicroseconds),
            $"node {node.Id} serves a leased read that was asked for {age} µs after the last round was sent that a quorum has answered; a lease lasts {_leaseMicroseconds} µs.");
    }

    private void Forget(NodeObservation node)
    {
        foreach ((StateMachineMessage.Query query, (long Step, long Time, LogIndex Committed, NodeId Node) asked) in _asked)
        {
            if (asked.Node == node.Id)
            {
                _asked.Remove(query);
            }
        }
    }
}
