using Converge.Core;

namespace Converge.Swarm.Simulation.Tests;

/// <summary>The code that <c>docs/simulation.md</c> shows, as it stands there.</summary>
public class SampleTests
{
    [Fact]
    public void A_scene_is_played_as_the_documentation_shows()
    {
#pragma warning disable IDE0008 // As a reader would write it.
        // <scene>
        var swarm = new SimulatedSwarm(new SimulatedSwarmOptions { Seed = 42, Nodes = 3 });
        var client = swarm.AddClient();
        client.Propose(new ProposalCreated("p-1", "ann"));
        Assert.True(swarm.RunUntil(() => client.UnderWay == 0, within: TimeSpan.FromSeconds(30)));

        // The leader is cut off; the others elect another, and the client finds it.
        var old = swarm.Leader!;
        foreach (var other in swarm.Nodes.Where(node => node != old))
        {
            swarm.Network.CutBetween(old.Id, other.Id);
        }

        var approval = client.Propose(new PromotionApproved("p-1", "bob"));
        Assert.True(swarm.RunUntil(() => client.UnderWay == 0, within: TimeSpan.FromSeconds(60)));
        Assert.IsType<FactAccepted>(Assert.IsType<ClientOutcome.Fact>(approval.Outcome).Answer);
        Assert.NotEqual(old, swarm.Leader);

        // Its machine loses power, comes back, and it catches up.
        old.LosePower();
        swarm.Network.Heal();
        Assert.True(old.Start());
        Assert.True(swarm.RunUntil(() => old.Status()!.AppliedIndex == swarm.Leader!.Status()!.AppliedIndex, within: TimeSpan.FromSeconds(30)));
        // </scene>
#pragma warning restore IDE0008
    }

    [Fact]
    public void An_embedding_program_runs_its_own_code_through_a_campaign()
    {
#pragma warning disable IDE0008
        // <campaign>
        var report = Campaign.Run(new CampaignOptions
        {
            FirstSeed = 1,
            Seeds = 5,
            Run = new SimulationRunOptions
            {
                Seed = 0,
                Handler = _ => new Approver(),
                // What the approver submits stands in no client's history, which so cannot be explained by itself.
                Checkers = () => [.. SimulationCheckers.All().Where(checker => checker is not HistoriesAreLinearizable), new ApprovedOnce()],
            },
        });
        Assert.True(report.Succeeded, report.ToString());
        // </campaign>
#pragma warning restore IDE0008
        Assert.Equal(5, report.Runs);
    }

    [Theory]
    [InlineData("SampleTests.cs", "scene")]
    [InlineData("SampleTests.cs", "campaign")]
    [InlineData("Approver.cs", "handler")]
    public void The_documentation_shows_code_that_runs(string file, string name)
    {
        string[] lines = File.ReadAllLines(Find("tests", "Converge.Swarm.Simulation.Tests", file));
        int first = Array.FindIndex(lines, line => string.Equals(line.Trim(), $"// <{name}>", StringComparison.Ordinal)) + 1;
        int end = Array.FindIndex(lines, line => string.Equals(line.Trim(), $"// </{name}>", StringComparison.Ordinal));

        Assert.InRange(end - first, 5, 100);
        Assert.Contains(Unindented(lines[first..end]), Unindented(File.ReadAllLines(Find("docs", "simulation.md"))), StringComparison.Ordinal);
    }

    private static string Unindented(string[] lines) => string.Join('\n', lines.Select(line => line.Trim())).Trim();

    private static string Find(params string[] path)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine([folder.FullName, .. path]);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new FileNotFoundException("It is not in the repository.", Path.Combine(path));
    }
}
