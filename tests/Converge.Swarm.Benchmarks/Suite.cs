using System.Globalization;
using System.Text.Json;
using Converge.Core;

namespace Converge.Swarm.Benchmarks;

/// <summary>One line of the table.</summary>
internal sealed record Figures(string SetUp, int Clients, double FactsPerSecond, double P50Milliseconds, double P99Milliseconds, double P999Milliseconds, double CpuMicrosecondsPerFact, long Failures);

/// <summary>Every set-up with every number of clients, as a table and as JSON.</summary>
internal static class Suite
{
    /// <summary>With its framing and stamp, a fact with such a title comes to 256 bytes in the log.</summary>
    private const int TitleLength = 170;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(
        IReadOnlyList<int> clientCounts, TimeSpan duration, string? only, bool allocations, FileInfo? json, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("converge-bench-").FullName;
        try
        {
            IReadOnlyList<double> flushes = DiskProbe.Run(folder, TimeSpan.FromSeconds(2));
            Console.WriteLine(FormattableString.Invariant(
                $"bare write and flush of 512 bytes on this disk: p50 {flushes[flushes.Count / 2]:F2} ms, p99 {flushes[(int)(flushes.Count * .99)]:F2} ms"));
            Console.WriteLine();
            Console.WriteLine("set-up                    clients   facts/s   p50 ms   p99 ms  p99.9 ms  cpu us/fact  failures");
            List<Figures> all = [];
            foreach ((string name, Func<Task<ISwarmUnderLoad>> start) in SetUps(folder))
            {
                if (only is not null && !name.Contains(only, StringComparison.OrdinalIgnoreCase))
                {
                    continue;
                }

                await using ISwarmUnderLoad swarm = await start();
                using AllocationSample? sample = allocations ? new AllocationSample() : null;
                foreach (int clients in clientCounts)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Figures figures = await MeasureAsync(swarm, clients, duration);
                    all.Add(figures);
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{figures.SetUp,-25} {figures.Clients,7} {figures.FactsPerSecond,9:F0} {figures.P50Milliseconds,8:F2} {figures.P99Milliseconds,8:F2} {figures.P999Milliseconds,9:F2} {figures.CpuMicrosecondsPerFact,12:F1} {figures.Failures,9}"));
                }

                foreach ((string type, long bytes) in sample?.Top(25) ?? [])
                {
                    Console.WriteLine($"{bytes / 1_000_000,8} MB  {type}");
                }
            }

            if (json is not null)
            {
                await File.WriteAllBytesAsync(json.FullName, JsonSerializer.SerializeToUtf8Bytes(
                    new { disk_flush_p50_ms = flushes[flushes.Count / 2], runs = all }, JsonOptions), cancellationToken);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private static IEnumerable<(string Name, Func<Task<ISwarmUnderLoad>> Start)> SetUps(string folder) =>
    [
        ("one process", async () => await InOneProcess.StartAsync(folder)),
        ("three processes, HTTP", async () => await ThreeProcesses.OverHttpAsync(folder)),
    ];

    private static async Task<Figures> MeasureAsync(ISwarmUnderLoad swarm, int clients, TimeSpan duration)
    {
        string title = new('x', TitleLength);
        string run = Guid.NewGuid().ToString("N")[..8];
        Func<int, FactSubmission, Task<bool>> commit = swarm.Connect(clients);
        TimeSpan cpu = swarm.CpuTime();
        Measurement measured = await Measurement.OfAsync(clients, WarmUp, duration, (client, number) =>
            commit(client, new FactSubmission(new ProposalCreated($"{run}-{client}-{number}", "author://bench", title))));
        double facts = measured.PerSecond * (WarmUp + duration).TotalSeconds;
        return new Figures(
            swarm.Name,
            clients,
            measured.PerSecond,
            measured.Percentile(.5),
            measured.Percentile(.99),
            measured.Percentile(.999),
            (swarm.CpuTime() - cpu).TotalMicroseconds / Math.Max(1, facts),
            measured.Failures);
    }
}
