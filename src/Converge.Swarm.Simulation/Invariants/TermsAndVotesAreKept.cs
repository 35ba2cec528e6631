using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Simulation;

/// <summary>
/// 9: Terms never go back, also not through a crash; a node votes once a term; what it promises others (a vote, an acknowledgement, a term)
/// is durable before it is said, a term before any entry of it; and no node applies what is not durable on itself (Raft paper, figure 2 and
/// section 5.1; Ongaro's thesis, sections 3.8 and 10.2.1). Acknowledgements are also looked at by what they say: the entry must be durable as the leader of
/// that term has it.
/// </summary>
public sealed class TermsAndVotesAreKept : ISimulationChecker
{
    private readonly PerNode<Seen> _seen = new();
    private readonly Dictionary<(NodeId Node, Term Term), NodeId> _votes = [];
    private ISimulationView? _view;

    /// <inheritdoc/>
    public string Name => "terms and votes are kept";

    /// <inheritdoc/>
    public void Begin(ISimulationView view) => _view = view;

    /// <inheritdoc/>
    public void AfterStep(SimulationStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        ISimulationChecker self = this;
        foreach (LifeChange change in step.LifeChangeList)
        {
            if (change.Started)
            {
                Seen back = _seen[change.Node];
                self.Require(
                    change.Node.Term >= back.Durable,
                    $"node {change.Node.Id} came back in term {change.Node.Term}; term {back.Durable} was durable there.");
                (back.Term, back.HandedTerm) = (change.Node.Term, Term.Zero);

                // A write may have reached the disk and not been confirmed.
                back.Durable = change.Node.Durable.State.Term;
                KeepVote(change.Node, change.Node.Durable.State.Term, change.Node.Durable.State.Vote);
            }
        }

        if (step.Node is not { } node)
        {
            return;
        }

        Seen seen = _seen[node];
        if (step.Kind == StepKind.NodeActor && node.IsRunning && node.Term != seen.Term)
        {
            self.Require(node.Term > seen.Term, $"node {node.Id} went back from term {seen.Term} to {node.Term}.");
            seen.Term = node.Term;
        }

        foreach (LogMessage.Append append in step.HandedToLogList)
        {
            if (append.HardState is { Vote.IsNone: false } state)
            {
                // What a crash may still take away binds nobody behind the crash.
                self.Require(
                    state.Term != seen.HandedTerm || state.Vote == seen.HandedVote,
                    $"node {node.Id} votes for node {state.Vote} in term {state.Term}, in which it has voted for node {seen.HandedVote}.");
                (seen.HandedTerm, seen.HandedVote) = (state.Term, state.Vote);
            }
        }

        foreach (LogBatch batch in step.MadeDurableList)
        {
            Term durable = batch.State?.Term ?? seen.Durable;
            self.Require(durable >= seen.Durable, $"on the disk of node {node.Id} term {durable} follows {seen.Durable}.");
            seen.Durable = durable;
            if (batch.State is { } stored)
            {
                KeepVote(node, stored.Term, stored.Vote);
            }

            if (batch.Entries.Count > 0)
            {
                LogEntry last = batch.Entries[^1];
                self.Require(last.Term <= durable, $"on the disk of node {node.Id} is entry {last.Index} of term {last.Term}, but no more than term {durable}.");
            }
        }

        foreach (SentMessage sent in step.SentList)
        {
            if (sent.Message is ProtocolMessage protocol)
            {
                CheckPromise(node, protocol.Message);
            }
        }

        CheckApplied(step, node);
    }

    private void CheckApplied(SimulationStep step, NodeObservation node)
    {
        ISimulationChecker self = this;
        foreach (AppliedEntry applied in step.AppliedList)
        {
            self.Require(
                node.Durable.Mark.Index >= applied.Index || node.Durable.Outline.TermAt(applied.Index) == applied.Term,
                $"node {node.Id} applied entry {applied.Index} of term {applied.Term}; its disk ends at {node.Durable.Outline.LastIndex} and has term {node.Durable.Outline.TermAt(applied.Index)} there.");
        }
    }

    private void CheckPromise(NodeObservation node, in Message message)
    {
        ISimulationChecker self = this;
        DurableState durable = node.Durable.State;
        switch (message.Kind)
        {
            case MessageKind.VoteResp when !message.Reject:
                KeepVote(node, message.Term, message.To);

                // A later term on disk keeps the promise, too: in the earlier one it votes no more.
                self.Require(
                    durable.Term > message.Term || (durable.Term == message.Term && durable.Vote == message.To),
                    $"node {node.Id} gave node {message.To} its vote in term {message.Term}; its disk has {durable.Vote} in term {durable.Term}.");
                break;
            case MessageKind.VoteResp or MessageKind.AppendResp:
                self.Require(durable.Term >= message.Term, $"node {node.Id} answered {message.Kind} in term {message.Term}; its disk has term {durable.Term}.");
                if (message is { Kind: MessageKind.AppendResp, Reject: false } && message.Index > LogIndex.Zero)
                {
                    CheckAcknowledgement(node, message);
                }

                break;
            default:
                break;
        }
    }

    private void CheckAcknowledgement(NodeObservation node, in Message message)
    {
        ISimulationChecker self = this;
        LogOutline durable = node.Durable.Outline;

        // In a later term another leader may have taken the entries back; the acknowledgement was true when it was written down.
        if (durable.State.Term > message.Term || durable.Mark.Index >= message.Index)
        {
            return;
        }

        self.Require(message.Index <= durable.LastIndex, $"node {node.Id} acknowledged entry {message.Index} in term {message.Term}; its disk ends at {durable.LastIndex}.");
        foreach (NodeObservation leader in _view!.Nodes)
        {
            if (leader.Id == message.To && leader is { IsRunning: true, Role: RaftRole.Leader } && leader.Term == message.Term && leader.TryGetTerm(message.Index, out Term term))
            {
                self.Require(
                    durable.TermAt(message.Index) == term,
                    $"node {node.Id} acknowledged entry {message.Index} to node {leader.Id}, which has term {term} there; its disk has term {durable.TermAt(message.Index)}.");
            }
        }
    }

    private void KeepVote(NodeObservation node, Term term, NodeId candidate)
    {
        if (!candidate.IsNone && !_votes.TryAdd((node.Id, term), candidate))
        {
            ISimulationChecker self = this;
            NodeId before = _votes[(node.Id, term)];
            self.Require(before == candidate, $"node {node.Id} voted for node {candidate} in term {term}, in which it had voted for node {before}.");
        }
    }

    private sealed class Seen
    {
        public Term Term { get; set; }

        public Term Durable { get; set; }

        public Term HandedTerm { get; set; }

        public NodeId HandedVote { get; set; }
    }
}
