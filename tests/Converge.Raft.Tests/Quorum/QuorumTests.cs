using Converge.Core;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Raft.Tests.Quorum;

/// <summary>Quorum arithmetic against a definition that is too slow to be wrong.</summary>
public sealed class QuorumTests
{
    [Fact]
    public void The_committed_index_is_the_greatest_that_more_than_half_have_acknowledged() =>
        Prop.ForAll(Voters(), Acknowledged(), (voters, acknowledged) =>
            MajorityQuorum.CommittedIndex(voters, new Table(acknowledged)) == NaiveCommitted(voters, acknowledged)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_joint_quorum_commits_what_both_halves_commit() =>
        Prop.ForAll(Voters(), Voters(), Acknowledged(), (incoming, outgoing, acknowledged) =>
            JointQuorum.CommittedIndex(incoming, outgoing, new Table(acknowledged)) ==
            LogIndex.Min(NaiveCommitted(incoming, acknowledged), NaiveCommitted(outgoing, acknowledged))).QuickCheckThrowOnFailure();

    [Fact]
    public void A_joint_quorum_does_not_care_which_half_is_which() =>
        Prop.ForAll(Voters(), Voters(), Acknowledged(), (one, other, acknowledged) =>
            JointQuorum.CommittedIndex(one, other, new Table(acknowledged)) == JointQuorum.CommittedIndex(other, one, new Table(acknowledged)) &&
            JointQuorum.Tally(one, other, new Table(acknowledged)) == JointQuorum.Tally(other, one, new Table(acknowledged))).QuickCheckThrowOnFailure();

    [Fact]
    public void An_election_is_won_or_lost_once_the_open_ballots_cannot_change_it() =>
        Prop.ForAll(Voters(), Voters(), Acknowledged(), (incoming, outgoing, ballots) =>
            JointQuorum.Tally(incoming, outgoing, new Table(ballots)) == NaiveTally(incoming, outgoing, ballots)).QuickCheckThrowOnFailure();

    [Fact]
    public void More_voters_than_fit_the_stack_are_counted_the_same()
    {
        NodeId[] voters = [.. Enumerable.Range(1, 101).Select(id => new NodeId((ulong)id))];
        var acknowledged = voters.ToDictionary(voter => voter.Value, voter => voter.Value * 10);
        Assert.Equal(new LogIndex(510), MajorityQuorum.CommittedIndex(voters, new Table(acknowledged)));
    }

    private static Arbitrary<NodeId[]> Voters() =>
        Gen.SubListOf(Enumerable.Range(1, 9).ToArray()).Select(ids => ids.Select(id => new NodeId((ulong)id)).ToArray()).ToArbitrary();

    /// <summary>What some of the nodes have acknowledged; the parity doubles as their ballot.</summary>
    private static Arbitrary<Dictionary<ulong, ulong>> Acknowledged() =>
        Gen.ArrayOf(Gen.Choose(0, 6), 9)
            .Select(values => values
                .Select((value, at) => (Id: (ulong)at + 1, Value: (ulong)value))
                .Where(pair => pair.Value > 0)
                .ToDictionary(pair => pair.Id, pair => pair.Value))
            .ToArbitrary();

    private static LogIndex NaiveCommitted(NodeId[] voters, Dictionary<ulong, ulong> acknowledged)
    {
        if (voters.Length == 0)
        {
            return MajorityQuorum.Everything;
        }

        for (ulong index = 10; index > 0; index--)
        {
            if (voters.Count(voter => acknowledged.GetValueOrDefault(voter.Value) >= index) * 2 > voters.Length)
            {
                return new LogIndex(index);
            }
        }

        return LogIndex.Zero;
    }

    private static VoteResult NaiveTally(NodeId[] incoming, NodeId[] outgoing, Dictionary<ulong, ulong> ballots)
    {
        bool CanWin(bool openSayYes) => new[] { incoming, outgoing }.All(voters =>
            voters.Length == 0 || voters.Count(voter => ballots.TryGetValue(voter.Value, out ulong ballot) ? ballot % 2 == 0 : openSayYes) * 2 > voters.Length);

        if (CanWin(openSayYes: false))
        {
            return VoteResult.Won;
        }

        return CanWin(openSayYes: true) ? VoteResult.Pending : VoteResult.Lost;
    }

    private readonly struct Table(Dictionary<ulong, ulong> values) : IAcknowledgedIndexes, IBallots
    {
        public bool TryGet(NodeId voter, out LogIndex index)
        {
            bool isKnown = values.TryGetValue(voter.Value, out ulong value);
            index = new LogIndex(value);
            return isKnown;
        }

        public Ballot Of(NodeId voter)
        {
            if (!values.TryGetValue(voter.Value, out ulong value))
            {
                return Ballot.None;
            }

            return value % 2 == 0 ? Ballot.Granted : Ballot.Rejected;
        }
    }
}
