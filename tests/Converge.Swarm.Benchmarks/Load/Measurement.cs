using System.Diagnostics;
using Converge.Core;

namespace Converge.Swarm.Benchmarks;

/// <summary>What closed-loop clients saw in the measured time, and what it cost.</summary>
/// <param name="Clients">How many there were; each had one fact under way at a time.</param>
/// <param name="Seconds">The measured time, after a warm-up.</param>
/// <param name="SortedMilliseconds">The latency of every acknowledged fact that was begun in it.</param>
/// <param name="Failures">Answers that were not acknowledgements.</param>
/// <param name="FirstFailure">One of those; null when there was none.</param>
/// <param name="Used">What everything that took part used in the measured time.</param>
internal sealed record Measurement(int Clients, double Seconds, IReadOnlyList<double> SortedMilliseconds, long Failures, CommitAnswer? FirstFailure, Usage Used)
{
    public double PerSecond => SortedMilliseconds.Count / Seconds;

    public double Percentile(double fraction) =>
        SortedMilliseconds.Count == 0 ? 0 : SortedMilliseconds[(int)(fraction * (SortedMilliseconds.Count - 1))];

    /// <summary>A cost, divided by the facts.</summary>
    public double PerFact(double cost) => cost / Math.Max(1, SortedMilliseconds.Count);

    /// <summary>Runs closed loops for a while: each asks again when it was answered.</summary>
    /// <param name="clients">How many.</param>
    /// <param name="warmUp">Not measured.</param>
    /// <param name="duration">Measured.</param>
    /// <param name="once">One fact of one client.</param>
    /// <param name="use">What has been used so far.</param>
    public static async Task<Measurement> OfAsync(
        int clients, TimeSpan warmUp, TimeSpan duration, Func<int, long, Task<CommitAnswer>> once, Func<Task<Usage>> use)
    {
        var run = new Run();
        Task<List<double>>[] loops = [.. Enumerable.Range(0, clients).Select(client => Task.Run(() => run.LoopAsync(client, once)))];
        await Task.Delay(warmUp);
        Usage before = await use();
        long begin = Stopwatch.GetTimestamp();
        Volatile.Write(ref run.Begin, begin);
        await Task.Delay(duration);
        Volatile.Write(ref run.End, Stopwatch.GetTimestamp());
        double seconds = Stopwatch.GetElapsedTime(begin, run.End).TotalSeconds;
        Usage used = await use() - before;
        List<double>[] all = await Task.WhenAll(loops);
        List<double> sorted = [.. all.SelectMany(latencies => latencies)];
        sorted.Sort();
        return new Measurement(clients, seconds, sorted, run.Failures, run.FirstFailure, used);
    }

    private sealed class Run
    {
        private const int FirstLatencies = 32 * 1024;

        public long Begin = long.MaxValue;
        public long End = long.MaxValue;
        public long Failures;
        public CommitAnswer? FirstFailure;

        public async Task<List<double>> LoopAsync(int client, Func<int, long, Task<CommitAnswer>> once)
        {
            // To grow from nothing, at about the same moment as everybody else's, would give the garbage collector more to move than all that is measured.
            var latencies = new List<double>(FirstLatencies);
            long started = Stopwatch.GetTimestamp();
            for (long number = 1; started < Volatile.Read(ref End); number++)
            {
                CommitAnswer answer = await once(client, number);
                long now = Stopwatch.GetTimestamp();
                if (started >= Volatile.Read(ref Begin) && started < Volatile.Read(ref End))
                {
                    if (answer is FactAccepted)
                    {
                        latencies.Add(Stopwatch.GetElapsedTime(started, now).TotalMilliseconds);
                    }
                    else
                    {
                        Interlocked.Increment(ref Failures);
                        Interlocked.CompareExchange(ref FirstFailure, answer, null);
                    }
                }

                started = now;
            }

            return latencies;
        }
    }
}
