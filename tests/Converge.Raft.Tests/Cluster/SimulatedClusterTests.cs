using System.Globalization;
using Xunit.Abstractions;

namespace Converge.Raft.Tests.Cluster;

public sealed class SimulatedClusterTests(ITestOutputHelper output)
{
    /// <summary>A seed to begin with and how many; more of them when the environment asks for a longer search.</summary>
    public static TheoryData<ulong, int> Seeds
    {
        get
        {
            int seeds = int.TryParse(Environment.GetEnvironmentVariable("CONVERGE_SEEDS"), CultureInfo.InvariantCulture, out int asked) ? asked / 4 : 60;
            if (ulong.TryParse(Environment.GetEnvironmentVariable("CONVERGE_SEED"), CultureInfo.InvariantCulture, out ulong single))
            {
                return new TheoryData<ulong, int> { { single, 1 } };
            }

            return new TheoryData<ulong, int> { { 1, seeds }, { 100_001, seeds }, { 200_001, seeds }, { 300_001, seeds } };
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_happens_what_must_hold_holds_and_a_healed_cluster_converges(ulong firstSeed, int seeds)
    {
        int leaders = 0;
        ulong committed = 0;
        int reads = 0;
        int snapshots = 0;
        for (ulong seed = firstSeed; seed < firstSeed + (ulong)seeds; seed++)
        {
            string? trace = Environment.GetEnvironmentVariable("CONVERGE_TRACE");
            using TextWriter? writer = trace is null ? null : File.CreateText(trace);
            var cluster = new SimulatedCluster(seed) { Trace = writer };
            try
            {
                cluster.Run(3000);
                cluster.HealAndConverge();
            }
            catch (Exception fault)
            {
                throw new InvalidOperationException($"Seed {seed}: {fault.Message}", fault);
            }

            leaders += cluster.LeadersSeen;
            committed += cluster.Committed.Value;
            reads += cluster.ReadsAnswered;
            snapshots += cluster.SnapshotsInstalled;
        }

        output.WriteLine($"{leaders} leaders, {committed} entries committed, {reads} reads answered, {snapshots} snapshots installed");

        // A run in which nothing happened would prove nothing.
        Assert.True(leaders > 2 * seeds && committed > 10UL * (ulong)seeds && reads > 5 * seeds && snapshots > 0);
    }
}
