using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Actors;

/// <summary>How the node sees itself.</summary>
public sealed partial class NodeActor
{
    private SwarmStatus DescribeStatus()
    {
        List<MemberProgress> progress = [];
        if (IsLeader)
        {
            foreach (FollowerProgress member in _raft.Status().Progress)
            {
                progress.Add(new MemberProgress(
                    member.Id,
                    member.State switch
                    {
                        ProgressState.Probe => "probe",
                        ProgressState.Replicate => "replicate",
                        _ => "snapshot",
                    },
                    member.Match,
                    member.Id == _options.Self || member.RecentActive,
                    member.IsLearner));
            }
        }

        List<string> problems = DescribeProblems();
        return new SwarmStatus
        {
            Cluster = _options.Cluster,
            Node = _options.Self,
            Role = _raft.Role switch
            {
                RaftRole.Leader => NodeRole.Leader,
                RaftRole.Candidate => NodeRole.Candidate,
                RaftRole.PreCandidate => NodeRole.PreCandidate,
                _ => NodeRole.Follower,
            },
            Term = _raft.Term,
            Leader = _raft.Leader,
            CommitIndex = _raft.CommitIndex,
            AppliedIndex = _applied,
            DurableIndex = _durable,
            LastIndex = _raft.LastIndex,
            FirstIndex = _storage.FirstIndex,
            SnapshotIndex = _snapshot?.Mark.Index ?? LogIndex.Zero,
            Digest = _digests.Latest.Digest.ToString(),
            Ledger = new LedgerHead(0, "", "", LogIndex.Zero, Term.Zero),
            Proposals = 0,
            Sessions = 0,
            Members = [.. ReachableMembers().Select(member => member with { Connected = member.Id == _options.Self || _port.IsConnected(member.Id) })],
            Progress = progress,
            Ready = !_raft.Leader.IsNone && _applied >= _commitAtTick && _draining is null && problems.Count == 0,
            Problems = problems,
            Version = _options.Version,
        };
    }

    private IReadOnlyList<MemberAddress> ReachableMembers() =>
        _members.Members.IsEmpty ? _options.Members : _members.Reach(_options.Members, strangers: false);

    private List<string> DescribeProblems()
    {
        List<string> problems = [];
        if (_removal is { } removal)
        {
            problems.Add(WasRemoved(removal));
        }
        else if (_raft.Leader.IsNone)
        {
            problems.Add(_members.Members.IsEmpty ? "This node waits for the leader of the swarm that it is to join." : "No leader is known.");
        }

        if (!_logHasSpace)
        {
            problems.Add("The disk has no room for another log segment; nothing is acknowledged until it has.");
        }

        if (!_ledgerHasSpace)
        {
            problems.Add("The disk has no room for another ledger segment; nothing is acknowledged until it has.");
        }

        if (_logStalled)
        {
            problems.Add("The disk has not confirmed a write for a suspiciously long time.");
        }

        foreach (NodeId peer in _diverged)
        {
            problems.Add($"The state of node {peer} differs from this node's at the same applied index.");
        }

        return problems;
    }
}
