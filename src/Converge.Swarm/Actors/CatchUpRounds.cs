using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Actors;

/// <summary>
/// Whether learners have caught up (Ongaro's thesis, section 4.2.1): replicating to one goes in rounds, each up to where the log ended
/// when the round began. A learner whose last round took less than an election timeout would hold up commits for no longer than that.
/// </summary>
/// <param name="electionTicks">The election timeout.</param>
internal sealed class CatchUpRounds(int electionTicks)
{
    private readonly Dictionary<NodeId, Round> _rounds = [];
    private Term _term;

    /// <summary>A round that is under way, and how the one before it went.</summary>
    private readonly record struct Round(LogIndex Target, long StartTick, bool LastWasShort);

    /// <summary>Looks at the learners; for the leader, once a tick.</summary>
    /// <param name="status">How the leader stands.</param>
    /// <param name="tick">The time in ticks.</param>
    public void Look(RaftStatus status, long tick)
    {
        if (status.Term != _term)
        {
            _term = status.Term;
            _rounds.Clear();
        }

        foreach (NodeId gone in _rounds.Keys.Where(id => !status.Configuration.IsLearner(id)).ToArray())
        {
            _rounds.Remove(gone);
        }

        foreach (FollowerProgress member in status.Progress)
        {
            if (!member.IsLearner)
            {
                continue;
            }

            if (!_rounds.TryGetValue(member.Id, out Round round))
            {
                _rounds[member.Id] = new Round(status.LastIndex, tick, LastWasShort: false);
            }
            else if (member.Match >= round.Target)
            {
                _rounds[member.Id] = new Round(status.LastIndex, tick, LastWasShort: tick - round.StartTick < electionTicks);
            }
        }
    }

    /// <summary>True when the learner's last round was short and the one under way is not long yet.</summary>
    public bool IsCaughtUp(NodeId learner, long tick) =>
        _rounds.TryGetValue(learner, out Round round) && round.LastWasShort && tick - round.StartTick < electionTicks;
}
