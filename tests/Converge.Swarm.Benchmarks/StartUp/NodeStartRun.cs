using System.Diagnostics;
using System.Globalization;
using System.Net;
using Converge.Core;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Governance;
using Converge.Swarm.Http;

namespace Converge.Swarm.Benchmarks;

/// <summary>
/// What starting a node costs as a whole process, after histories of different lengths: a swarm of one commits the facts and takes a snapshot
/// some facts before the end; then its process is started again and again, and each time asked until it is ready.
/// </summary>
internal static class NodeStartRun
{
    private const string Cluster = "bench";
    private const int FactsPerProposal = 4;
    private const int Loaders = 8;
    private const int FactsPerCall = 2_000;
    private const string Columns = "{0,10} {1,10} {2,12} {3,10} {4,8} {5,8} {6,14}";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    /// <summary>Measures each length of history. The table of medians goes to <paramref name="output"/> line by line.</summary>
    /// <param name="facts">Lengths of history.</param>
    /// <param name="tail">How many facts lie behind the snapshot.</param>
    /// <param name="starts">How often the process is started for each.</param>
    /// <param name="output">Where the figures go.</param>
    /// <param name="cancellationToken">Gives up between two starts.</param>
    public static async Task RunAsync(IReadOnlyList<int> facts, int tail, int starts, TextWriter output, CancellationToken cancellationToken)
    {
        await output.WriteLineAsync(FormattableString.Invariant(
            $"A node process of a swarm of one, {FactsPerProposal} facts a proposal, {tail} of them behind the snapshot, no sessions, no query index; medians of {starts} starts."));
        await output.WriteLineAsync(string.Format(
            CultureInfo.InvariantCulture, Columns, "facts", "snapshot", "answers: ms", "ready: ms", "cpu: ms", "RSS: MB", "allocated: MB"));
        foreach (int count in facts)
        {
            string folder = Directory.CreateTempSubdirectory("converge-node-start-").FullName;
            try
            {
                await MeasureAsync(folder, count, tail, starts, output, cancellationToken);
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static async Task MeasureAsync(string folder, int facts, int tail, int starts, TextWriter output, CancellationToken cancellationToken)
    {
        await using LocalSwarm swarm = await LocalSwarm.StartOnFreePortsAsync(() => Layout(folder, facts, tail), cancellationToken);
        LocalNode node = swarm.Nodes[0];
        IPEndPoint address = swarm.Layout.Members[0].Peer;
        SwarmStatus written = await WriteAsync(node, facts, tail, cancellationToken);
        await swarm.StopAsync();
        (swarm.Layout with { Adjust = options => WithShortTicks(swarm.Layout.Adjust(options)) }).Write();

        List<Start> all = [];
        for (int i = 0; i < starts; i++)
        {
            all.Add(await StartAsync(node, address, written, cancellationToken));
            await swarm.StopAsync();
        }

        await output.WriteLineAsync(string.Format(
            CultureInfo.InvariantCulture,
            Columns,
            facts,
            Text(Megabytes(Path.Combine(node.DataFolder, StateSnapshotFolder.FolderName))) + " MB",
            Text(Median(all, start => start.Answers.TotalMilliseconds)),
            Text(Median(all, start => start.Ready.TotalMilliseconds)),
            Text(Median(all, start => start.Processor.TotalMilliseconds)),
            Text(Median(all, start => start.ResidentBytes / 1e6)),
            Text(Median(all, start => start.AllocatedBytes / 1e6))));
    }

    /// <summary>A snapshot comes exactly so far before the end.</summary>
    private static LocalSwarmLayout Layout(string folder, int facts, int tail) => LocalSwarmLayout.OnFreePorts(folder, 1) with
    {
        Adjust = options => options with
        {
            Cluster = Cluster,
            Snapshots = options.Snapshots with { Entries = facts - tail, KeepEntries = tail, Bytes = 16L * 1024 * 1024 * 1024 },
            Projection = options.Projection with { Store = ProjectionStore.None },
        },
    };

    /// <summary>A swarm of one, too, waits for an election before it is ready. It takes a tenth of the usual time where that is measured.</summary>
    private static SwarmOptions WithShortTicks(SwarmOptions options) => options with { Tick = TimeSpan.FromMilliseconds(10), ElectionTicks = 10 };

    private static async Task<SwarmStatus> WriteAsync(LocalNode node, int facts, int tail, CancellationToken cancellationToken)
    {
        var history = new History(sessions: 0, FactsPerProposal);
        await CommitAsync(node.Client, history, 0, facts - tail, cancellationToken);
        await UntilAsync(node, status => status.SnapshotIndex > LogIndex.Zero, cancellationToken);
        await CommitAsync(node.Client, history, facts - tail, facts, cancellationToken);
        return await UntilAsync(node, status => status.AppliedIndex == status.LastIndex, cancellationToken);
    }

    /// <summary>Each loader has the facts of whole proposals, in their order. Without command ids: so the state keeps no answers, which are bounded but many.</summary>
    private static Task CommitAsync(HttpSwarmClient client, History history, int from, int to, CancellationToken cancellationToken)
    {
        int next = from;
        return Task.WhenAll(Enumerable.Range(0, Loaders).Select(_ => Task.Run(
            async () =>
            {
                while (Interlocked.Add(ref next, FactsPerCall) - FactsPerCall is var first && first < to)
                {
                    IReadOnlyList<CommitAnswer> answers = await client.CommitAsync(
                        [.. Enumerable.Range(first, Math.Min(FactsPerCall, to - first)).Select(history.Submission)], cancellationToken);
                    if (answers.FirstOrDefault(answer => answer is not FactAccepted) is { } other)
                    {
                        throw new InvalidOperationException($"A fact was not accepted: {other}.");
                    }
                }
            },
            cancellationToken)));
    }

    private static async Task<Start> StartAsync(LocalNode node, IPEndPoint address, SwarmStatus written, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        TimeSpan? answered = null;
        node.Start();
        SwarmStatus ready = await UntilAsync(
            node,
            status =>
            {
                answered ??= Stopwatch.GetElapsedTime(started);
                return status.Ready && status.AppliedIndex >= written.LastIndex;
            },
            cancellationToken);
        TimeSpan readyAfter = Stopwatch.GetElapsedTime(started);
        using var process = Process.GetProcessById(node.Process!.Id);
        (long resident, TimeSpan processor) = (process.WorkingSet64, process.TotalProcessorTime);
        if (ready.Ledger.Sequence < written.Ledger.Sequence)
        {
            throw new InvalidOperationException($"The ledger ends with {ready.Ledger.Sequence}; it ended with {written.Ledger.Sequence}.");
        }

        await using NodeWatch watch = await NodeWatch.OpenAsync(Cluster, address);
        NodeCounters counters = await watch.CountersAsync();
        return new Start(answered!.Value, readyAfter, processor, resident, counters.AllocatedBytes);
    }

    private static async Task<SwarmStatus> UntilAsync(LocalNode node, Func<SwarmStatus, bool> condition, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(Patience);
        using var pace = new PeriodicTimer(Pace);
        while (true)
        {
            if (node.Process!.HasExited)
            {
                throw new InvalidOperationException($"The node ended: {node.Process.LastLine}");
            }

            if (await node.TryGetStatusAsync(late.Token) is { } status && condition(status))
            {
                return status;
            }

            await pace.WaitForNextTickAsync(late.Token);
        }
    }

    private static double Megabytes(string folder) => new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length) / 1e6;

    private static double Median(IEnumerable<Start> starts, Func<Start, double> figure)
    {
        double[] ordered = [.. starts.Select(figure).Order()];
        return ordered[ordered.Length / 2];
    }

    private static string Text(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    /// <summary>One start of the process.</summary>
    /// <param name="Answers">Until it answered at all.</param>
    /// <param name="Ready">Until it was ready, with everything applied.</param>
    /// <param name="Processor">What it had used of the processor by then.</param>
    /// <param name="ResidentBytes">Its memory then.</param>
    /// <param name="AllocatedBytes">All that it had allocated by then: the managed heap holds no more.</param>
    private sealed record Start(TimeSpan Answers, TimeSpan Ready, TimeSpan Processor, long ResidentBytes, long AllocatedBytes);
}
