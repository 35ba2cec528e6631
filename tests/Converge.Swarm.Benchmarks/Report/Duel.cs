using System.Globalization;

namespace Converge.Swarm.Benchmarks;

/// <summary>
/// Two builds in turn, second by second: a machine whose speed changes from minute to minute says nothing about two runs one after the other, and
/// much about two that it treats alike.
/// </summary>
internal static class Duel
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);

    /// <summary>Runs it.</summary>
    /// <param name="otherFolder">Where the other build's program lies.</param>
    /// <param name="clients">Numbers of closed-loop clients.</param>
    /// <param name="rounds">How many turns each gets for each number of clients.</param>
    /// <param name="connections">So many connections are shared by the clients.</param>
    /// <param name="output">Where the medians go.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(
        string otherFolder, IReadOnlyList<int> clients, int rounds, int connections, TextWriter output, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("converge-bench-").FullName;
        try
        {
            await using ISwarmUnderLoad other = await ThreeProcesses.OfBuildAsync("the other build", folder, Path.GetFullPath(otherFolder), connections);
            await using ISwarmUnderLoad own = await ThreeProcesses.OfBuildAsync("this build", folder, programFolder: null, connections);
            ISwarmUnderLoad[] both = [other, own];
            foreach (ISwarmUnderLoad swarm in both)
            {
                await Suite.MeasureAsync(swarm, clients: 64, Suite.HeatUp);
            }

            await output.WriteLineAsync($"Medians of {rounds} turns of {Turn.TotalSeconds:F0} s each, the other build / this build / ratio.");
            await output.WriteLineAsync("clients               facts/s                  p50 ms              cpu us/fact             flushes/fact");
            foreach (int count in clients)
            {
                List<Figures>[] figures = [[], []];
                for (int turn = 0; turn < 2 * rounds; turn++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    figures[turn % 2].Add(Figures.Of(both[turn % 2].Name, await Suite.MeasureAsync(both[turn % 2], count, Turn)));
                }

                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{count,7} {Compare(figures, f => f.FactsPerSecond, "F0")} {Compare(figures, f => f.P50Milliseconds, "F2")} {Compare(figures, f => f.CpuMicrosecondsPerFact, "F1")} {Compare(figures, f => f.FlushesPerFact, "F4")}"));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Compare(IReadOnlyList<Figures>[] figures, Func<Figures, double> of, string format)
    {
        double other = Median(figures[0], of);
        double own = Median(figures[1], of);
        return string.Create(CultureInfo.InvariantCulture, $"{other.ToString(format, CultureInfo.InvariantCulture),8} / {own.ToString(format, CultureInfo.InvariantCulture),8} / {own / other:F2}");
    }

    private static double Median(IEnumerable<Figures> figures, Func<Figures, double> of)
    {
        double[] sorted = [.. figures.Select(of).Order()];
        return sorted[sorted.Length / 2];
    }
}
