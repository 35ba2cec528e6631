using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// The arithmetic of two sets of voters that must both agree (joint consensus, Raft paper, section 6). An ordinary configuration is one
/// whose outgoing half is empty.
/// </summary>
public static class JointQuorum
{
    /// <summary>The greatest index that a majority of each half has acknowledged.</summary>
    /// <param name="incoming">The voters to come, each once.</param>
    /// <param name="outgoing">The voters that leave, each once; empty outside a change.</param>
    /// <param name="acknowledged">What each has acknowledged.</param>
    public static LogIndex CommittedIndex<TAcknowledged>(
        ReadOnlySpan<NodeId> incoming, ReadOnlySpan<NodeId> outgoing, TAcknowledged acknowledged)
        where TAcknowledged : IAcknowledgedIndexes, allows ref struct
    {
        LogIndex index = MajorityQuorum.CommittedIndex(incoming, acknowledged);
        return outgoing.IsEmpty ? index : LogIndex.Min(index, MajorityQuorum.CommittedIndex(outgoing, acknowledged));
    }

    /// <summary>How an election stands in which a majority of each half must agree.</summary>
    /// <param name="incoming">The voters to come, each once.</param>
    /// <param name="outgoing">The voters that leave, each once; empty outside a change.</param>
    /// <param name="ballots">What each has said.</param>
    public static VoteResult Tally<TBallots>(ReadOnlySpan<NodeId> incoming, ReadOnlySpan<NodeId> outgoing, TBallots ballots)
        where TBallots : IBallots, allows ref struct
    {
        VoteResult first = MajorityQuorum.Tally(incoming, ballots);
        VoteResult second = MajorityQuorum.Tally(outgoing, ballots);
        if (first == VoteResult.Lost || second == VoteResult.Lost)
        {
            return VoteResult.Lost;
        }

        return first == VoteResult.Won && second == VoteResult.Won ? VoteResult.Won : VoteResult.Pending;
    }
}
