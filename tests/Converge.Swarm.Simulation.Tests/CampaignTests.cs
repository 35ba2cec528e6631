namespace Converge.Swarm.Simulation.Tests;

public class CampaignTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void A_bounded_share_of_seeds_runs_without_a_violation(int nodes)
    {
        CampaignReport report = Campaign.Run(new CampaignOptions { FirstSeed = 1_000, Seeds = 40, Nodes = nodes });

        Assert.True(report.Succeeded, string.Join(Environment.NewLine, report.Failures.Select(failure => $"seed {failure.Result.Seed}: {failure.Result.Failure}")));
        Assert.Equal(40, report.Runs);
        Assert.InRange(report.Least.Faults, 5, int.MaxValue);
        Assert.InRange(report.Least.Operations, 20, int.MaxValue);
        Assert.InRange(report.VirtualTime, TimeSpan.FromSeconds(60 * 40), TimeSpan.MaxValue);
    }

    [Fact]
    public void A_run_with_faults_is_the_same_the_second_time()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            SimulationRunResult first = SimulationRun.Run(new SimulationRunOptions { Seed = seed });
            SimulationRunResult second = SimulationRun.Run(new SimulationRunOptions { Seed = seed });

            Assert.Equal(first.TraceHash, second.TraceHash);
            Assert.Equal(first.Steps, second.Steps);
            Assert.Equal(first.FaultCounts, second.FaultCounts);
            Assert.Equal(first.Coverage, second.Coverage);
        }
    }

    [Fact]
    public void Writing_the_trace_does_not_change_the_run()
    {
        using var text = new StringWriter();
        SimulationRunResult traced = SimulationRun.Run(new SimulationRunOptions { Seed = 5, Trace = text });

        Assert.Equal(SimulationRun.Run(new SimulationRunOptions { Seed = 5 }).TraceHash, traced.TraceHash);
        Assert.Contains("fault 1: ", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Fewer_faults_allowed_leave_what_comes_before_as_it_was()
    {
        using var all = new StringWriter();
        using var some = new StringWriter();
        SimulationRun.Run(new SimulationRunOptions { Seed = 9, Trace = all });
        SimulationRun.Run(new SimulationRunOptions { Seed = 9, Trace = some, MaxFaults = 4 });

        string whole = all.ToString();
        string until = whole[..whole.IndexOf("fault 5: ", StringComparison.Ordinal)];
        until = until[..until.LastIndexOf('\n')];
        Assert.StartsWith(until, some.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_campaign_names_what_failed_and_the_shortest_way_to_it()
    {
        CampaignReport report = Campaign.Run(new CampaignOptions
        {
            FirstSeed = 1,
            Seeds = 2,
            Threads = 1,
            Run = new SimulationRunOptions { Seed = 0, Checkers = () => [new NoFaultAfterTheThird()] },
        });

        Assert.False(report.Succeeded);
        CampaignFailure failure = Assert.Single(report.Failures);
        Assert.Equal(1UL, failure.Result.Seed);
        Assert.Equal("no process ends three times", failure.Result.Failure!.Checker);
        Assert.InRange(failure.MaxFaults, 1, failure.Result.Faults);
        Assert.Equal(0, failure.MaxOperations);
        Assert.Equal(failure.Result.Failure.Checker, failure.Shortest.Failure!.Checker);
    }

    [Fact]
    public void A_campaign_of_enough_seeds_fails_when_something_rare_never_happened()
    {
        CampaignReport report = Campaign.Run(new CampaignOptions
        {
            Seeds = 1,
            CoverageFromSeeds = 1,
            Run = new SimulationRunOptions { Seed = 0, MaxFaults = 0 },
        });

        Assert.Empty(report.Failures);
        Assert.Contains(SimulationCoverage.DamageNoticed, report.NeverSeen);
        Assert.False(report.Succeeded);
    }

    /// <summary>A rule that does not hold, to see that its violation is found.</summary>
    private sealed class NoFaultAfterTheThird : ISimulationChecker
    {
        private int _ended;

        public string Name => "no process ends three times";

        public void Begin(ISimulationView view)
        {
        }

        public void AfterStep(SimulationStep step)
        {
            ISimulationChecker self = this;
            foreach (LifeChange change in step.LifeChanges)
            {
                _ended += change.Started ? 0 : 1;
                self.Require(_ended < 3, $"{_ended} processes ended; the last was node {change.Node.Id}.");
            }
        }
    }
}
