using Converge.Core;
using Xunit.Abstractions;

namespace Converge.Raft.Tests.Exhaustion;

public sealed class ExhaustionTests(ITestOutputHelper output)
{
    /// <summary>Room for a planted fault to show; too large to be looked at as a whole within a test.</summary>
    private static readonly ExhaustionOptions Small = new() { MaxTerm = 2, MaxProposals = 1, MaxCrashes = 1, MaxHeartbeats = 0, MaxUnderWay = 2 };

    [Fact]
    public void All_that_can_happen_in_two_terms_of_three_nodes_keeps_what_must_hold()
    {
        ExhaustionReport report = Explore(Small with { MaxProposals = 0, MaxCrashes = 0 });
        Assert.Equal(ExhaustionOutcome.Exhausted, report.Outcome);

        // A search in which nothing happened would prove nothing.
        Assert.True(report.States > 100_000 && report.Elected > 0 && report.Committed > 0 && report.Truncated > 0, $"{report}");
    }

    [Fact]
    public void All_that_can_happen_to_two_nodes_of_which_one_crashes_keeps_what_must_hold()
    {
        ExhaustionReport report = Explore(Small with { Nodes = 2 });
        Assert.Equal(ExhaustionOutcome.Exhausted, report.Outcome);
        Assert.True(report.States > 5_000 && report.Elected > 0 && report.Committed > 0 && report.Truncated > 0, $"{report}");
    }

    [Fact]
    public void Folding_symmetric_states_leaves_less_to_look_at_and_misses_nothing()
    {
        ExhaustionOptions tiny = Small with { MaxTerm = 1, MaxProposals = 0, MaxCrashes = 0 };
        ExhaustionReport folded = Explore(tiny);
        ExhaustionReport whole = Explore(tiny with { FoldsSymmetricStates = false });
        Assert.Equal(ExhaustionOutcome.Exhausted, folded.Outcome);
        Assert.Equal(ExhaustionOutcome.Exhausted, whole.Outcome);
        Assert.Equal(whole.Depth, folded.Depth);
        Assert.InRange(whole.States, folded.States * 2, folded.States * 6);
    }

    [Fact]
    public void The_same_scope_gives_the_same_search()
    {
        ExhaustionOptions tiny = Small with { MaxTerm = 1, MaxProposals = 0 };
        ExhaustionReport first = Explore(tiny);
        ExhaustionReport second = Explore(tiny);
        Assert.Equal(ExhaustionOutcome.Exhausted, first.Outcome);
        Assert.Equal((first.States, first.Transitions, first.NodeStates, first.Messages), (second.States, second.Transitions, second.NodeStates, second.Messages));
        Assert.Equal(first.LevelSizes.AsEnumerable(), second.LevelSizes);
    }

    [Fact]
    public void Bounds_end_a_search_and_are_named()
    {
        Assert.Equal(ExhaustionOutcome.DepthReached, Explore(Small with { MaxDepth = 4 }).Outcome);
        Assert.Equal(ExhaustionOutcome.StatesReached, Explore(Small with { MaxStates = 1_000 }).Outcome);
        Assert.Equal(ExhaustionOutcome.NodeStatesReached, Explore(Small with { MaxNodeStates = 100 }).Outcome);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Equal(ExhaustionOutcome.Stopped, StateSpace.Explore(Small, stop.Token).Outcome);
        Assert.Throws<ArgumentException>(() => Explore(Small with { Nodes = 5 }));
    }

    [Fact]
    public void A_vote_that_is_answered_before_it_is_durable_is_found()
    {
        ExhaustionReport report = ExpectViolation(Small with { Disk = new HastyDisk(MessageKind.VoteResp) });
        Assert.Contains("of its vote in term 1", report.Violation, StringComparison.Ordinal);
        Assert.Single(report.Trace);
    }

    [Fact]
    public void Votes_answered_before_they_are_durable_elect_two_leaders_of_one_term()
    {
        ExhaustionReport report = ExpectViolation(Small with { Disk = new HastyDisk(MessageKind.VoteResp), ChecksEachNode = false, MaxTerm = 1 });
        Assert.StartsWith("Election safety", report.Violation, StringComparison.Ordinal);
        Assert.Contains(report.Trace, line => line.Contains("crashes", StringComparison.Ordinal));
    }

    [Fact]
    public void Acknowledgements_before_the_flush_are_found_by_what_they_commit()
    {
        ExhaustionOptions scope = Small with { Disk = new HastyDisk(MessageKind.AppendResp) };
        Assert.Contains("acknowledges", ExpectViolation(scope).Violation, StringComparison.Ordinal);
        Assert.StartsWith("Durability", ExpectViolation(scope with { ChecksEachNode = false }).Violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_that_forgets_its_vote_in_a_crash_is_found()
    {
        ExhaustionOptions scope = Small with { Disk = new ForgetfulDisk(), MaxTerm = 1 };
        Assert.Contains("goes back", ExpectViolation(scope).Violation, StringComparison.Ordinal);
        Assert.StartsWith("Election safety", ExpectViolation(scope with { ChecksEachNode = false }).Violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disk_that_loses_its_last_entry_in_a_crash_is_found()
    {
        ExhaustionReport report = ExpectViolation(Small with { Disk = new ShorteningDisk() });
        Assert.StartsWith("Durability", report.Violation, StringComparison.Ordinal);
    }

    private ExhaustionReport ExpectViolation(ExhaustionOptions options)
    {
        ExhaustionReport report = Explore(options);
        Assert.Equal(ExhaustionOutcome.Violated, report.Outcome);
        Assert.NotEmpty(report.Trace);
        return report;
    }

    private ExhaustionReport Explore(ExhaustionOptions options)
    {
        ExhaustionReport report = StateSpace.Explore(options);
        output.WriteLine($"{report.Outcome}: {report.States} states, {report.Transitions} transitions, depth {report.Depth}, {report.NodeStates} node states, {report.Messages} messages\n{report.Violation}\n  {string.Join("\n  ", report.Trace)}");
        return report;
    }

    /// <summary>Answers of one kind leave before anything is written.</summary>
    private sealed class HastyDisk(MessageKind kind) : HonestDisk
    {
        public override ReadOnlyMemory<Message> Accept(in Message work) => work.Responses.ToArray().Where(answer => answer.Kind == kind).ToArray();

        public override ReadOnlyMemory<Message> Write(InMemoryRaftStorage durable, in Message work)
        {
            base.Write(durable, work);
            return work.Responses.ToArray().Where(answer => answer.Kind != kind).ToArray();
        }
    }

    private sealed class ForgetfulDisk : HonestDisk
    {
        public override void Crash(InMemoryRaftStorage durable) =>
            durable.SetHardState(durable.HardState with { Vote = NodeId.None });
    }

    private sealed class ShorteningDisk : HonestDisk
    {
        public override void Crash(InMemoryRaftStorage durable)
        {
            if (durable.LastIndex >= durable.FirstIndex)
            {
                durable.TruncateFrom(durable.LastIndex);
                durable.SetHardState(durable.HardState with { Commit = LogIndex.Min(durable.HardState.Commit, durable.LastIndex) });
            }
        }
    }
}
