using System.Text.Encodings.Web;
using System.Text.Json;
using Converge.Core;

namespace Converge.Swarm.Benchmarks;

/// <summary>What a run of the suite is asked for.</summary>
/// <param name="Clients">Numbers of closed-loop clients.</param>
/// <param name="Duration">The measured time of each run.</param>
/// <param name="Only">Part of the names of the set-ups wanted; null for all.</param>
/// <param name="Connections">So many connections are shared by the clients of the framed protocol at most.</param>
/// <param name="Allocations">Also shows which types are allocated most, in one process.</param>
internal sealed record SuiteOptions(IReadOnlyList<int> Clients, TimeSpan Duration, string? Only, int Connections, bool Allocations);

/// <summary>Every set-up with every number of clients, as a table and as JSON.</summary>
internal static class Suite
{
    /// <summary>With its framing, its command id and its stamp, a fact with such a title comes to 256 bytes in the log.</summary>
    private const int TitleLength = 142;

    /// <summary>Until then the processes still compile themselves, in competition with what is measured.</summary>
    public static readonly TimeSpan HeatUp = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(.5);
    private static readonly TimeSpan Probing = TimeSpan.FromSeconds(2);

    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Runs it. The table goes to <paramref name="output"/> line by line.</summary>
    /// <returns>The same as JSON.</returns>
    public static async Task<byte[]> RunAsync(SuiteOptions options, TextWriter output, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("converge-bench-").FullName;
        try
        {
            IReadOnlyList<double> flushes = DiskProbe.Run(folder, Probing);
            double flushP50 = Math.Round(flushes[flushes.Count / 2], 3);
            double flushP99 = Math.Round(flushes[(int)(flushes.Count * .99)], 3);
            await output.WriteLineAsync(FormattableString.Invariant(
                $"This disk's bare write and fdatasync of 512 bytes: p50 {flushP50:F2} ms, p99 {flushP99:F2} ms. Processors: {Environment.ProcessorCount}."));
            await output.WriteLineAsync();
            await output.WriteLineAsync(Figures.Header);
            List<Figures> all = [];
            foreach ((string name, Func<Task<ISwarmUnderLoad>> start) in SetUps(folder, options.Connections))
            {
                if (options.Only is null || name.Contains(options.Only, StringComparison.OrdinalIgnoreCase))
                {
                    await RunAsync(start, options, all, output, cancellationToken);
                }
            }

            return JsonSerializer.SerializeToUtf8Bytes(
                new
                {
                    FactBytes = EncodedBytes(),
                    Processors = Environment.ProcessorCount,
                    DiskFlushP50Milliseconds = flushP50,
                    DiskFlushP99Milliseconds = flushP99,
                    Runs = all,
                },
                JsonOptions);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunAsync(
        Func<Task<ISwarmUnderLoad>> start, SuiteOptions options, List<Figures> all, TextWriter output, CancellationToken cancellationToken)
    {
        await using ISwarmUnderLoad swarm = await start();
        await MeasureAsync(swarm, clients: 64, HeatUp);
        using AllocationSample? sample = options.Allocations ? new AllocationSample() : null;
        foreach (int clients in options.Clients)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Measurement measured = await MeasureAsync(swarm, clients, options.Duration);
            var figures = Figures.Of(swarm.Name, measured);
            all.Add(figures);
            await output.WriteLineAsync(figures.ToString());
            if (measured.FirstFailure is { } failure)
            {
                await output.WriteLineAsync($"  not acknowledged, for example: {failure}");
            }
        }

        foreach ((string type, long bytes) in sample?.Top(25) ?? [])
        {
            await output.WriteLineAsync($"{bytes / 1_000_000,8} MB  {type}");
        }
    }

    private static IEnumerable<(string Name, Func<Task<ISwarmUnderLoad>> Start)> SetUps(string folder, int connections) =>
    [
        ("three processes, no index", async () => await ThreeProcesses.OverFramesAsync(folder, withProjection: false, connections)),
        ("three processes, with index", async () => await ThreeProcesses.OverFramesAsync(folder, withProjection: true, connections)),
        ("one process", async () => await InOneProcess.StartAsync(folder)),
        ("three processes, HTTP", async () => await ThreeProcesses.OverHttpAsync(folder)),
    ];

    /// <summary>Measures one number of clients, after a warm-up.</summary>
    public static async Task<Measurement> MeasureAsync(ISwarmUnderLoad swarm, int clients, TimeSpan duration)
    {
        // No two runs create the same proposal.
        string run = Guid.NewGuid().ToString("N")[..8];
        Func<int, FactSubmission, Task<CommitAnswer>> commit = swarm.Connect(clients);
        return await Measurement.OfAsync(clients, WarmUp, duration, (client, number) => commit(client, Fact(run, client, number)), swarm.UseAsync);
    }

    private static readonly string Title = new('x', TitleLength);

    private static FactSubmission Fact(string run, int client, long number) => new(
        new ProposalCreated(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{run}-{client:D3}-{number:D7}"), "author://bench", Title));

    private static int EncodedBytes() => Governance.CommandCodec.EncodeFact(
        Fact("01234567", 0, 0) with { CommandId = new CommandId($"client-{new string('0', 24)}-1", 1) }, Governance.CommandStamp.None).Length;
}
