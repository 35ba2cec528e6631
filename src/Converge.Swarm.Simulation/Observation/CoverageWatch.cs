using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;

namespace Converge.Swarm.Simulation;

/// <summary>Counts the rare things that can be seen from outside after a step.</summary>
internal sealed class CoverageWatch(SimulatedSwarm swarm)
{
    private readonly List<(uint Life, RaftRole Role, Term Term)> _roles = [];

    public void AfterStep(SimulationStep step)
    {
        if (step.Node is { } node)
        {
            NoteRole(node);
        }

        foreach (Storage.LogBatch batch in step.MadeDurableList)
        {
            swarm.CountIf(batch.TruncateFrom is not null, SimulationCoverage.SuffixTruncated);
        }

        foreach (AgreedEntry agreed in step.AgreedList)
        {
            swarm.CountIf(agreed.Applied.Outcome.Result == ApplyResult.Repeated, SimulationCoverage.DuplicateAnswered);
            foreach (MembershipStep change in agreed.Record?.Membership?.Steps ?? [])
            {
                swarm.Count(change.Kind switch
                {
                    MembershipStepKind.Added => SimulationCoverage.MemberAdded,
                    MembershipStepKind.Promoted => SimulationCoverage.MemberPromoted,
                    _ => SimulationCoverage.MemberRemoved,
                });
            }

            swarm.CountIf(agreed.EvictedSession is not null, SimulationCoverage.SessionEvicted);
            swarm.CountIf(
                agreed.Applied.Outcome.Result == ApplyResult.FactRefused && agreed.Applied.Outcome.ToAnswer() is FactRefused { Code: RefusalCode.CommandExpired },
                SimulationCoverage.CommandExpired);
        }

        foreach (SentMessage sent in step.SentList)
        {
            swarm.CountIf(sent.Message is ForwardedCommands, SimulationCoverage.CommandForwarded);
            swarm.CountIf(sent.Message is SnapshotRecords, SimulationCoverage.SnapshotBroughtRecords);
        }

        foreach (ClientAttempt attempt in step.AnsweredList)
        {
            NoteAnswer(attempt);
        }

        foreach (ClientOperation operation in step.EndedList)
        {
            swarm.CountIf(operation.Outcome is ClientOutcome.Fact { Answer: FactOutcomeUnknown }, SimulationCoverage.OutcomeUnknown);
        }
    }

    private void NoteRole(NodeObservation node)
    {
        while (_roles.Count <= node.Position)
        {
            _roles.Add(default);
        }

        (uint life, RaftRole before, Term term) = _roles[node.Position];
        RaftRole now = node.Role;
        if (life == node.Life && node.IsRunning)
        {
            swarm.CountIf(before == RaftRole.Leader && now == RaftRole.Follower, SimulationCoverage.LeaderSteppedDown);
            swarm.CountIf(before == RaftRole.Candidate && (now == RaftRole.PreCandidate || (now == RaftRole.Candidate && node.Term > term)), SimulationCoverage.ElectionWithoutWinner);
            swarm.CountIf(before == RaftRole.PreCandidate && now == RaftRole.Follower && node.Term == term && node.Leader.IsNone, SimulationCoverage.PreVoteLost);
        }

        _roles[node.Position] = (node.Life, now, node.Term);
    }

    private void NoteAnswer(ClientAttempt attempt)
    {
        switch (attempt.Outcome)
        {
            case ClientOutcome.Fact { Answer: FactNotCommitted refused }:
                Count(refused.Reason);
                break;
            case ClientOutcome.NotRead { Reason: { } reason }:
                Count(reason);
                break;
            case ClientOutcome.Proposal { View: { } view } when attempt.Operation.Request is ClientRequest.ReadProposal read:
                bool linearizable = read.Consistency == ReadConsistency.Linearizable;
                swarm.CountIf(linearizable && swarm.Leader is { } leader && leader.Id != attempt.Node, SimulationCoverage.ReadServedByFollower);
                swarm.CountIf(read.Consistency == ReadConsistency.Leased, SimulationCoverage.LeasedReadServed);
                swarm.CountIf(read.Consistency == ReadConsistency.Stale && view.AsOfIndex < swarm.Agreed.LastIndex, SimulationCoverage.StaleReadBehind);
                break;
            default:
                break;
        }
    }

    private void Count(NotCommittedReason reason)
    {
        swarm.CountIf(reason == NotCommittedReason.Superseded, SimulationCoverage.CommandSuperseded);
        swarm.CountIf(reason == NotCommittedReason.Busy, SimulationCoverage.BusyAnswered);
        swarm.CountIf(reason == NotCommittedReason.NoSpace, SimulationCoverage.NoSpaceAnswered);
    }
}
