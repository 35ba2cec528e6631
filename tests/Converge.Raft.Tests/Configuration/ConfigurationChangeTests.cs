using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft.Tests.ScriptRunner;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Raft.Tests.Configuration;

public sealed class ConfigurationChangeTests
{
    [Fact]
    public void The_bytes_of_a_change_never_change()
    {
        var change = new ConfigurationChange(
            [new MemberChange(MemberChangeKind.AddVoter, new NodeId(3)), new MemberChange(MemberChangeKind.AddLearner, new NodeId(300))],
            ConfigurationTransition.JointExplicit,
            new byte[] { 0xAA, 0xBB });
        Assert.Equal("0102020003" + "03AC02" + "AABB", Convert.ToHexString(change.Encode().Span));
        Assert.Equal("0100010107", Convert.ToHexString(ConfigurationChange.SingleServer(MemberChangeKind.Remove, new NodeId(7)).Encode().Span));
        Assert.True(ConfigurationChange.Leave.Encode().IsEmpty);
    }

    [Fact]
    public void A_change_survives_its_bytes() =>
        Prop.ForAll(Changes(), change =>
        {
            ConfigurationChange? decoded = ConfigurationChange.Decode(change.EntryKind, change.Encode());
            return decoded is not null
                && decoded.Changes.SequenceEqual(change.Changes)
                && decoded.Transition == change.Transition
                && decoded.IsSingleServer == change.IsSingleServer
                && decoded.Context.Span.SequenceEqual(change.Context.Span);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_other_bytes_are_no_change_and_no_exception() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            _ = ConfigurationChange.Decode(EntryKind.ConfigurationChange, bytes);
            ConfigurationChange? change = ConfigurationChange.Decode(EntryKind.ConfigurationChangeV2, bytes);
            return change is null || bytes.Length == 0 || bytes[0] == 1;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("02000000")]
    [InlineData("0103")]
    [InlineData("010300")]
    [InlineData("010001")]
    [InlineData("01000100")]
    [InlineData("0100010080")]
    [InlineData("010001008080808080808080808002")]
    [InlineData("0100FFFFFFFF0F")]
    [InlineData("010002000100")]
    public void Bytes_that_are_cut_or_too_large_are_no_single_change(string hexadecimal) =>
        Assert.Null(ConfigurationChange.Decode(EntryKind.ConfigurationChange, Convert.FromHexString(hexadecimal)));

    [Fact]
    public void Whatever_changes_are_tried_a_configuration_stays_consistent_and_one_step_shares_a_majority_with_the_next() =>
        Prop.ForAll(Gen.ListOf(Changes().Generator).ToArbitrary(), changes =>
        {
            RaftOptions options = ScriptCluster.DefaultOptions(new NodeId(1));
            Membership membership = Membership.Restore(ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3)), LogIndex.Zero, options);
            foreach (ConfigurationChange change in changes)
            {
                ConfigurationFault fault = ConfigurationChanger.Apply(membership, change, new LogIndex(5), options, out Membership next);
                if ((fault == ConfigurationFault.None) == ReferenceEquals(membership, next) || !Overlap(membership.Configuration, next.Configuration))
                {
                    return false;
                }

                membership = next;
            }

            return true;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_configuration_that_contradicts_itself_is_refused_with_its_reason()
    {
        NodeId[] one = [new NodeId(1)];
        NodeId[] two = [new NodeId(2)];
        Assert.False(ConfigurationState.TryCreate(one, [], one, [], autoLeave: false, out _, out string? both));
        Assert.Contains("voter and learner", both, StringComparison.Ordinal);
        Assert.False(ConfigurationState.TryCreate(one, two, [], one, autoLeave: false, out _, out _));
        Assert.False(ConfigurationState.TryCreate(one, [], [], [], autoLeave: true, out _, out _));
        Assert.False(ConfigurationState.TryCreate([], [], one, [], autoLeave: false, out _, out _));
        Assert.False(ConfigurationState.TryCreate([NodeId.None], [], [], [], autoLeave: false, out _, out _));
        Assert.Throws<ArgumentException>(() => ConfigurationState.OfVoters(LocalTargets.AppendThread));
    }

    [Fact]
    public void Configurations_are_equal_by_their_sets()
    {
        var one = ConfigurationState.Create([new NodeId(2), new NodeId(1), new NodeId(2)], [new NodeId(3)], [], [new NodeId(3)], autoLeave: true);
        var other = ConfigurationState.Create([new NodeId(1), new NodeId(2)], [new NodeId(3)], [], [new NodeId(3)], autoLeave: true);
        Assert.Equal(one, other);
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
        Assert.Equal("voters=(1 2)&&(3) learners_next=(3) autoleave", one.ToString());
        Assert.NotEqual(one, ConfigurationState.OfVoters(new NodeId(1), new NodeId(2)));
    }

    [Fact]
    public void A_node_that_knows_no_configuration_does_not_make_itself_the_only_voter()
    {
        var node = new RaftNode(ScriptCluster.DefaultOptions(new NodeId(5)), new InMemoryRaftStorage());
        ConfigurationState state = node.ApplyConfigurationChange(
            ConfigurationChange.SingleServer(MemberChangeKind.AddVoter, new NodeId(5)), out ConfigurationFault fault);
        Assert.Equal(ConfigurationFault.NoVotersToStartFrom, fault);
        Assert.Equal(ConfigurationState.Empty, state);
    }

    [Fact]
    public void A_change_that_cannot_be_applied_changes_nothing_and_says_why()
    {
        var storage = InMemoryRaftStorage.Bootstrap(ConfigurationState.OfVoters(new NodeId(1)));
        var node = new RaftNode(ScriptCluster.DefaultOptions(new NodeId(1)), storage);
        ConfigurationState state = node.ApplyConfigurationChange(
            ConfigurationChange.SingleServer(MemberChangeKind.Remove, new NodeId(1)), out ConfigurationFault fault);
        Assert.Equal(ConfigurationFault.NoVotersLeft, fault);
        Assert.Equal(ConfigurationState.OfVoters(new NodeId(1)), state);
        node.ApplyConfigurationChange(new Entry(new Term(1), new LogIndex(2), EntryKind.ConfigurationChangeV2, new byte[] { 9 }), out fault);
        Assert.Equal(ConfigurationFault.NotUnderstood, fault);
    }

    /// <summary>Every majority of one meets every majority of the other: in any assignment of ballots both cannot be won against each other.</summary>
    private static bool Overlap(ConfigurationState one, ConfigurationState other)
    {
        NodeId[] all = [.. one.Voters.Concat(one.VotersOutgoing).Concat(other.Voters).Concat(other.VotersOutgoing).Distinct()];
        for (int mask = 0; mask < 1 << all.Length; mask++)
        {
            var yes = new HashSet<NodeId>(all.Where((_, at) => (mask & (1 << at)) != 0));
            var no = new HashSet<NodeId>(all.Except(yes));
            if (Wins(one, yes) && Wins(other, no))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Wins(ConfigurationState state, HashSet<NodeId> yes) =>
        JointQuorum.Tally(state.Voters.AsSpan(), state.VotersOutgoing.AsSpan(), new Yes(yes)) == VoteResult.Won;

    private static Arbitrary<ConfigurationChange> Changes()
    {
        Gen<MemberChange> step =
            from kind in Gen.Choose(0, 3)
            from node in Gen.Choose(0, 5)
            select new MemberChange((MemberChangeKind)kind, new NodeId((ulong)node));
        Gen<ConfigurationChange> several =
            from steps in Gen.Choose(0, 4).SelectMany(count => Gen.ArrayOf(step, count))
            from transition in Gen.Choose(0, 2)
            from context in Gen.Elements(Array.Empty<byte>(), [1, 2, 3])
            select new ConfigurationChange(steps.ToImmutableArray(), (ConfigurationTransition)transition, context);
        Gen<ConfigurationChange> single = step.Select(change => ConfigurationChange.SingleServer(change.Kind, change.Node));
        return Gen.OneOf(several, single).ToArbitrary();
    }

    private readonly struct Yes(HashSet<NodeId> nodes) : IBallots
    {
        public Ballot Of(NodeId voter) => nodes.Contains(voter) ? Ballot.Granted : Ballot.Rejected;
    }
}
