using System.Diagnostics;
using System.Globalization;

namespace Converge.Swarm.Benchmarks;

/// <summary>What closed-loop clients saw in the measured time.</summary>
/// <param name="Clients">How many there were; each had one fact under way at a time.</param>
/// <param name="Seconds">The measured time, after a warm-up.</param>
/// <param name="SortedMilliseconds">The latency of every acknowledged fact.</param>
/// <param name="Failures">Answers that were not acknowledgements.</param>
internal sealed record Measurement(int Clients, double Seconds, IReadOnlyList<double> SortedMilliseconds, long Failures)
{
    public double PerSecond => SortedMilliseconds.Count / Seconds;

    public double Percentile(double fraction) =>
        SortedMilliseconds.Count == 0 ? 0 : SortedMilliseconds[(int)(fraction * (SortedMilliseconds.Count - 1))];

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"clients={Clients} facts/s={PerSecond:F0} p50={Percentile(.5):F2}ms p99={Percentile(.99):F2}ms p99.9={Percentile(.999):F2}ms failures={Failures}");

    /// <summary>Runs closed loops for a while: each asks again when it was answered.</summary>
    /// <param name="clients">How many.</param>
    /// <param name="warmUp">Not measured.</param>
    /// <param name="duration">Measured.</param>
    /// <param name="once">One fact of one client; false when it was not acknowledged.</param>
    public static async Task<Measurement> OfAsync(int clients, TimeSpan warmUp, TimeSpan duration, Func<int, long, Task<bool>> once)
    {
        long begin = Stopwatch.GetTimestamp() + (long)(warmUp.TotalSeconds * Stopwatch.Frequency);
        long end = begin + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        long failures = 0;
        List<double>[] all = await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            List<double> latencies = [];
            for (long number = 1; Stopwatch.GetTimestamp() < end; number++)
            {
                long started = Stopwatch.GetTimestamp();
                bool acknowledged = await once(client, number);
                if (started < begin)
                {
                    continue;
                }

                if (acknowledged)
                {
                    latencies.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                }
                else
                {
                    Interlocked.Increment(ref failures);
                }
            }

            return latencies;
        })));
        List<double> sorted = [.. all.SelectMany(latencies => latencies)];
        sorted.Sort();
        return new Measurement(clients, duration.TotalSeconds, sorted, failures);
    }
}
