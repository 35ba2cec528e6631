using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;

namespace Converge.Swarm.Simulation;

/// <summary>
/// The heartbeat rounds of each term that a quorum has answered, as the messages show: when they were sent. What the leaders make of them is
/// not looked at.
/// </summary>
internal sealed class ConfirmedRounds
{
    private const int KeptRounds = 4_096;

    private readonly Dictionary<Term, TermRounds> _terms = [];
    private readonly PerNode<LastTerm> _leads = new();
    private long _lastStep;

    /// <summary>The last step in which a round was sent that a quorum has answered since, in any term.</summary>
    public (long Step, long Time) Latest { get; private set; }

    /// <summary>Takes in a step; once, however many ask.</summary>
    public void AfterStep(SimulationStep step)
    {
        if (step.Kind != StepKind.NodeActor || step.Node is not { } node || step.Number == _lastStep)
        {
            return;
        }

        _lastStep = step.Number;

        // Whoever answers a round of the term that a node leads, or led when it received this, confirms it.
        if (step.Received is NodeMessage.FromPeer { Message: ProtocolMessage { Message: { Kind: MessageKind.HeartbeatResp } answer } }
            && node.IsRunning
            && _leads[node].Term == answer.Term
            && _terms.TryGetValue(answer.Term, out TermRounds? rounds)
            && rounds.Rounds.TryGetValue(answer.Context, out (long Step, long Time) round))
        {
            rounds.Answer(answer.From, round);
            Confirm(node, rounds, (step.Number, step.TimeMicroseconds));
        }

        foreach (SentMessage sent in step.SentList)
        {
            if (sent.Message is ProtocolMessage { Message: { Kind: MessageKind.Heartbeat } heartbeat })
            {
                if (!_terms.TryGetValue(heartbeat.Term, out TermRounds? ofTerm))
                {
                    _terms.Add(heartbeat.Term, ofTerm = new TermRounds());
                }

                ofTerm.Sent(heartbeat.Context, (step.Number, step.TimeMicroseconds));
            }
        }

        _leads[node].Term = node is { IsRunning: true, Role: RaftRole.Leader } ? node.Term : Term.Zero;
    }

    private void Confirm(NodeObservation leader, TermRounds rounds, (long Step, long Time) now)
    {
        (long Step, long Time) confirmed = Min(
            rounds.Confirmed(leader.Configuration.Voters, leader.Id, now), rounds.Confirmed(leader.Configuration.VotersOutgoing, leader.Id, now));
        Latest = confirmed.Step > Latest.Step ? confirmed : Latest;
    }

    private static (long Step, long Time) Min((long Step, long Time) one, (long Step, long Time) other) => one.Step <= other.Step ? one : other;

    private sealed class LastTerm
    {
        public Term Term { get; set; }
    }

    private sealed class TermRounds
    {
        private readonly Dictionary<NodeId, (long Step, long Time)> _answered = [];

        public Dictionary<ulong, (long Step, long Time)> Rounds { get; } = [];

        public void Sent(ulong round, (long Step, long Time) at)
        {
            if (Rounds.TryAdd(round, at) && round > KeptRounds)
            {
                Rounds.Remove(round - KeptRounds);
            }
        }

        public void Answer(NodeId voter, (long Step, long Time) round)
        {
            if (!_answered.TryGetValue(voter, out (long Step, long Time) before) || before.Step < round.Step)
            {
                _answered[voter] = round;
            }
        }

        /// <summary>The last round that a majority answered; the leader itself answers all. An empty half has no objection.</summary>
        public (long Step, long Time) Confirmed(ImmutableArray<NodeId> voters, NodeId leader, (long Step, long Time) now)
        {
            if (voters.IsEmpty)
            {
                return now;
            }

            List<(long Step, long Time)> answers = [];
            foreach (NodeId voter in voters)
            {
                answers.Add(voter == leader ? now : _answered.GetValueOrDefault(voter));
            }

            answers.Sort(static (a, b) => b.Step.CompareTo(a.Step));
            return answers[answers.Count / 2];
        }
    }
}
