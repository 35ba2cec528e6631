using Converge.Core;

namespace Converge.Raft;

/// <summary>The arithmetic of one set of voters in which more than half decide.</summary>
/// <remarks>An empty set has no objection to anything, so that it can stand for the unused half of a <see cref="JointQuorum"/>.</remarks>
public static class MajorityQuorum
{
    /// <summary>What an empty set of voters acknowledges: every index.</summary>
    public static readonly LogIndex Everything = new(ulong.MaxValue);

    private const int VotersOnStack = 32;

    /// <summary>How many voters out of <paramref name="voters"/> are more than half.</summary>
    public static int Size(int voters) => (voters / 2) + 1;

    /// <summary>The greatest index that a majority has acknowledged; <see cref="Everything"/> when there are no voters.</summary>
    /// <param name="voters">The voters, each once.</param>
    /// <param name="acknowledged">What each has acknowledged.</param>
    public static LogIndex CommittedIndex<TAcknowledged>(ReadOnlySpan<NodeId> voters, TAcknowledged acknowledged)
        where TAcknowledged : IAcknowledgedIndexes, allows ref struct
    {
        if (voters.IsEmpty)
        {
            return Everything;
        }

        Span<ulong> sorted = voters.Length <= VotersOnStack ? stackalloc ulong[VotersOnStack] : new ulong[voters.Length];
        int count = 0;
        foreach (NodeId voter in voters)
        {
            ulong value = acknowledged.TryGet(voter, out LogIndex index) ? index.Value : 0;

            // Insertion keeps a handful of values in descending order faster than a general sort.
            int at = count++;
            while (at > 0 && sorted[at - 1] < value)
            {
                sorted[at] = sorted[at - 1];
                at--;
            }

            sorted[at] = value;
        }

        return new LogIndex(sorted[Size(count) - 1]);
    }

    /// <summary>How an election among these voters stands. No voters: won.</summary>
    /// <param name="voters">The voters, each once.</param>
    /// <param name="ballots">What each has said.</param>
    public static VoteResult Tally<TBallots>(ReadOnlySpan<NodeId> voters, TBallots ballots)
        where TBallots : IBallots, allows ref struct
    {
        if (voters.IsEmpty)
        {
            return VoteResult.Won;
        }

        int granted = 0;
        int open = 0;
        foreach (NodeId voter in voters)
        {
            switch (ballots.Of(voter))
            {
                case Ballot.Granted:
                    granted++;
                    break;
                case Ballot.None:
                    open++;
                    break;
                case Ballot.Rejected:
                default:
                    break;
            }
        }

        int needed = Size(voters.Length);
        if (granted >= needed)
        {
            return VoteResult.Won;
        }

        return granted + open >= needed ? VoteResult.Pending : VoteResult.Lost;
    }
}
