using System.Globalization;

namespace Converge.Swarm.Benchmarks;

/// <summary>One line of the table.</summary>
/// <param name="SetUp">What was measured.</param>
/// <param name="Clients">Closed-loop clients.</param>
/// <param name="FactsPerSecond">Acknowledged facts.</param>
/// <param name="P50Milliseconds">The latency that half of the facts did not exceed.</param>
/// <param name="P99Milliseconds">As above, 99 of 100.</param>
/// <param name="P999Milliseconds">As above, 999 of 1000.</param>
/// <param name="FlushesPerFact">Flushes of the leader's log.</param>
/// <param name="AllocatedBytesPerFact">By all nodes together.</param>
/// <param name="CpuMicrosecondsPerFact">Processor time of nodes and loader together.</param>
/// <param name="LoaderCpuMicrosecondsPerFact">Of it, the loader's.</param>
/// <param name="LeaderCpuMicrosecondsPerFact">Of it, the leader's.</param>
/// <param name="FollowersCpuMicrosecondsPerFact">Of it, both followers' together.</param>
/// <param name="Failures">Answers that were not acknowledgements.</param>
internal sealed record Figures(
    string SetUp,
    int Clients,
    double FactsPerSecond,
    double P50Milliseconds,
    double P99Milliseconds,
    double P999Milliseconds,
    double FlushesPerFact,
    double AllocatedBytesPerFact,
    double CpuMicrosecondsPerFact,
    double LoaderCpuMicrosecondsPerFact,
    double LeaderCpuMicrosecondsPerFact,
    double FollowersCpuMicrosecondsPerFact,
    long Failures)
{
    /// <summary>Above the lines.</summary>
    public const string Header =
        "set-up                     clients   facts/s   p50 ms   p99 ms  p99.9 ms  flushes/fact  bytes/fact  cpu us/fact (loader + leader + followers)  failures";

    public static Figures Of(string setUp, Measurement measured) => new(
        setUp,
        measured.Clients,
        Math.Round(measured.PerSecond, 1),
        Math.Round(measured.Percentile(.5), 3),
        Math.Round(measured.Percentile(.99), 3),
        Math.Round(measured.Percentile(.999), 3),
        Math.Round(measured.PerFact(measured.Used.LogFlushes), 4),
        Math.Round(measured.PerFact(measured.Used.NodesAllocatedBytes)),
        Math.Round(measured.PerFact(measured.Used.Total.TotalMicroseconds), 1),
        Math.Round(measured.PerFact(measured.Used.Loader.TotalMicroseconds), 1),
        Math.Round(measured.PerFact(measured.Used.Leader.TotalMicroseconds), 1),
        Math.Round(measured.PerFact(measured.Used.Followers.TotalMicroseconds), 1),
        measured.Failures);

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{SetUp,-26} {Clients,7} {FactsPerSecond,9:F0} {P50Milliseconds,8:F2} {P99Milliseconds,8:F2} {P999Milliseconds,9:F2} {FlushesPerFact,13:F3} {AllocatedBytesPerFact,11:F0} {CpuMicrosecondsPerFact,12:F1} ({LoaderCpuMicrosecondsPerFact,6:F1} + {LeaderCpuMicrosecondsPerFact,6:F1} + {FollowersCpuMicrosecondsPerFact,6:F1}) {Failures,14}");
}
