using System.Diagnostics;
using System.Globalization;
using Converge.Core;
using Xunit.Abstractions;

namespace Converge.Swarm.Akka.Tests.Specs;

/// <summary>
/// Figures, not promises: run with <c>CONVERGE_BENCH=1</c> and <c>--logger "console;verbosity=detailed"</c>. Three ActorSystems share one
/// machine and one disk.
/// </summary>
[Collection(nameof(AkkaSwarm))]
public sealed class Throughput(ITestOutputHelper output)
{
    private const int CommitsPerClient = 200;

    [BenchTheory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(64)]
    public async Task Commits_a_second_on_the_leader(int clients)
    {
        await using var swarm = new AkkaSwarm(3);
        swarm.Start(swarm.All);
        ISwarmClient client = swarm.Client(await swarm.LeaderAsync());
        await RunAsync(client, clients, "warm");

        Stopwatch clock = Stopwatch.StartNew();
        List<double> milliseconds = await RunAsync(client, clients, "run");
        clock.Stop();

        milliseconds.Sort();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{clients} clients: {milliseconds.Count / clock.Elapsed.TotalSeconds:0} commits/s, median {milliseconds[milliseconds.Count / 2]:0.0} ms, 99 % {milliseconds[milliseconds.Count * 99 / 100]:0.0} ms"));
        await swarm.AgreementAsync();
    }

    private static async Task<List<double>> RunAsync(ISwarmClient client, int clients, string prefix)
    {
        List<double>[] all = await Task.WhenAll(Enumerable.Range(0, clients).Select(async c =>
        {
            List<double> milliseconds = [];
            for (int i = 0; i < CommitsPerClient; i++)
            {
                long start = Stopwatch.GetTimestamp();
                Assert.IsType<FactAccepted>(await client.CommitAsync(new FactSubmission(new ProposalCreated($"{prefix}-{c}-{i}", "author"))));
                milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            return milliseconds;
        }));
        return [.. all.SelectMany(milliseconds => milliseconds)];
    }

    /// <summary>Runs only where it is asked for.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class BenchTheoryAttribute : TheoryAttribute
    {
        public BenchTheoryAttribute()
        {
            if (Environment.GetEnvironmentVariable("CONVERGE_BENCH") is null)
            {
                Skip = "A measurement; set CONVERGE_BENCH to run it.";
            }
        }
    }
}
