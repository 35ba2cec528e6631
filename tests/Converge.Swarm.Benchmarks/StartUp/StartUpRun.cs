using System.Diagnostics;
using System.Globalization;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Benchmarks;

/// <summary>
/// What opening a node's state and ledger costs after so many facts, from a snapshot and the log behind it, and from the whole log; and what
/// applying costs on either.
/// </summary>
internal static class StartUpRun
{
    /// <summary>A proposal's life: created, two results, approved.</summary>
    private const int FactsPerProposal = 4;

    /// <summary>What a busy node gathers between two flushes of its ledger.</summary>
    private const int FactsPerFlush = 2_000;

    private const string Columns = "{0,10} {1,9} {2,9} {3,12} {4,12} {5,12} {6,12} {7,12}";

    /// <summary>Measures each length of history. The table goes to <paramref name="output"/> line by line.</summary>
    /// <param name="facts">Lengths of history.</param>
    /// <param name="tail">How many facts lie behind the snapshot.</param>
    /// <param name="sessions">So many clients give their commands ids; their answers are kept, a bounded number of them. None when 0.</param>
    /// <param name="output">Where the figures go.</param>
    /// <param name="cancellationToken">Gives up between two runs.</param>
    public static async Task RunAsync(IReadOnlyList<int> facts, int tail, int sessions, TextWriter output, CancellationToken cancellationToken)
    {
        await output.WriteLineAsync(FormattableString.Invariant(
            $"{FactsPerProposal} facts a proposal, {tail} of them behind the snapshot, {sessions} sessions. Times are of the processor; memory is what state and ledger hold."));
        await output.WriteLineAsync(string.Format(
            CultureInfo.InvariantCulture, Columns, "facts", "snapshot", "written", "open: MB", "open: ms", "replay: MB", "replay: ms", "freeze: ms"));

        // The first one is for the compiler.
        await MeasureAsync(Math.Min(10_000, facts[0]), tail, sessions, TextWriter.Null);
        foreach (int count in facts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await MeasureAsync(count, tail, sessions, output);
        }

        await output.WriteLineAsync();
        await ApplyCost.RunAsync(facts[^1], output);
    }

    private static async Task MeasureAsync(int facts, int tail, int sessions, TextWriter output)
    {
        string folder = Directory.CreateTempSubdirectory("converge-start-up-").FullName;
        try
        {
            PhysicalDisk disk = PhysicalDisk.Instance;
            var log = new History(sessions, FactsPerProposal);
            (double freeze, double written, long bytes) = Write(disk, folder, log, facts, tail);
            (double openMegabytes, double openMilliseconds) = Hold(() => Open(disk, folder, log, facts, tail));
            (double replayMegabytes, double replayMilliseconds) = Hold(() => Replay(disk, folder, log, facts));
            await output.WriteLineAsync(string.Format(
                CultureInfo.InvariantCulture,
                Columns,
                facts,
                Text(bytes / 1e6) + " MB",
                Text(written) + " ms",
                Text(openMegabytes),
                Text(openMilliseconds),
                Text(replayMegabytes),
                Text(replayMilliseconds),
                Text(freeze)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (double Freeze, double Written, long Bytes) Write(IDisk disk, string folder, History log, int facts, int tail)
    {
        using GovernanceLedger ledger = GovernanceLedger.Open(disk, Ledger(folder), new GovernanceLedgerOptions());
        var state = new GovernanceState();
        Apply(state, ledger, log, 0, facts - tail);
        long started = Stopwatch.GetTimestamp();
        FrozenState frozen = state.Freeze();
        double freeze = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        var snapshots = new StateSnapshotFolder(disk, folder);
        string path = snapshots.PathOf(new SnapshotMark(frozen.Index, frozen.Term));
        TimeSpan before = Environment.CpuUsage.TotalTime;
        StateSnapshotFile.Write(
            disk, path, frozen, ledger.CheckpointAt(frozen.LastSequence), ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3)), default);
        double written = (Environment.CpuUsage.TotalTime - before).TotalMilliseconds;
        Apply(state, ledger, log, facts - tail, facts);
        ledger.Flush();
        return (freeze, written, new FileInfo(path).Length);
    }

    private static object Open(IDisk disk, string folder, History log, int facts, int tail)
    {
        StateSnapshotFile snapshot = new StateSnapshotFolder(disk, folder).OpenNewest(out _)
            ?? throw new InvalidOperationException("The snapshot is gone.");
        var state = new GovernanceState(snapshot);
        GovernanceLedger ledger = GovernanceLedger.Open(disk, Ledger(folder), new GovernanceLedgerOptions { MustExist = true }, snapshot.ReadLedgerCheckpoint());
        Apply(state, ledger, log, facts - tail, facts);
        return new Opened(state, ledger, snapshot);
    }

    private static object Replay(IDisk disk, string folder, History log, int facts)
    {
        GovernanceLedger ledger = GovernanceLedger.Open(disk, Ledger(folder), new GovernanceLedgerOptions { MustExist = true });
        var state = new GovernanceState();
        Apply(state, ledger, log, 0, facts);
        return new Opened(state, ledger, null);
    }

    private static void Apply(GovernanceState state, GovernanceLedger ledger, History log, int from, int to)
    {
        for (int i = from; i < to; i++)
        {
            state.Apply(state.AppliedIndex.Next, new Term(1), log.Entry(i));
            ledger.Append(state.Record);
            if (i % FactsPerFlush == 0)
            {
                ledger.Flush();
            }
        }
    }

    private static (double Megabytes, double Milliseconds) Hold(Func<object> open)
    {
        long memory = GC.GetTotalMemory(forceFullCollection: true);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        object opened = open();
        double milliseconds = (Environment.CpuUsage.TotalTime - before).TotalMilliseconds;
        double megabytes = (GC.GetTotalMemory(forceFullCollection: true) - memory) / 1e6;
        ((IDisposable)opened).Dispose();
        return (megabytes, milliseconds);
    }

    private static string Ledger(string folder) => Path.Combine(folder, GovernanceLedger.Purpose);

    private static string Text(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    private sealed record Opened(GovernanceState State, GovernanceLedger Ledger, StateSnapshotFile? Snapshot) : IDisposable
    {
        public void Dispose()
        {
            GC.KeepAlive(State);
            Ledger.Dispose();
            Snapshot?.Dispose();
        }
    }
}
