using System.Globalization;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Benchmarks;

/// <summary>What applying a fact costs the processor: on a state in memory, and on one that rests on a snapshot.</summary>
internal static class ApplyCost
{
    private const int Measured = 200_000;
    private const int FactsPerProposal = 4;

    public static async Task RunAsync(int facts, TextWriter output)
    {
        string folder = Directory.CreateTempSubdirectory("converge-apply-").FullName;
        try
        {
            PhysicalDisk disk = PhysicalDisk.Instance;
            var log = new History(sessions: 0, FactsPerProposal);
            using GovernanceLedger ledger = GovernanceLedger.Open(disk, Path.Combine(folder, GovernanceLedger.Purpose), new GovernanceLedgerOptions());
            var state = new GovernanceState();
            for (int i = 0; i < facts; i++)
            {
                if (ledger.IsFull)
                {
                    ledger.Flush();
                }

                state.Apply(state.AppliedIndex.Next, new Term(1), log.Entry(i));
                ledger.Append(state.Record);
            }

            string path = Path.Combine(folder, "snapshot");
            StateSnapshotFile.Write(disk, path, state.Freeze(), ledger.CheckpointAt(state.LastSequence), ConfigurationState.OfVoters(new NodeId(1)), default);
            state.Thaw();
            using StateSnapshotFile snapshot = StateSnapshotFile.Open(disk, path);
            byte[][] later = [.. Enumerable.Range(facts, Measured).Select(log.Entry)];
            await output.WriteLineAsync(Line("all in memory, new proposals and facts about them", state, later));
            await output.WriteLineAsync(Line("on a snapshot, new proposals and facts about them", new GovernanceState(snapshot), later));

            // Each fact is about another proposal of the snapshot, which is read from the file.
            int proposals = facts / FactsPerProposal;
            byte[][] old = [.. Enumerable.Range(0, Math.Min(Measured, proposals)).Select(i => CommandCodec.EncodeFact(
                new FactSubmission(new ValidationPassed(string.Create(CultureInfo.InvariantCulture, $"proposal-{(int)(i * 7919L % proposals)}"), "late")),
                new CommandStamp(1_800_000_000_000 + i, new LamportTimestamp((ulong)(facts + i) + 1, new NodeId(1)))))];
            await output.WriteLineAsync(Line("on a snapshot, facts about its proposals", new GovernanceState(snapshot), old));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Line(string what, GovernanceState state, byte[][] entries)
    {
        GC.Collect();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan before = Environment.CpuUsage.TotalTime;
        foreach (byte[] entry in entries)
        {
            state.Apply(state.AppliedIndex.Next, new Term(1), entry);
        }

        double microseconds = (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / entries.Length;
        long bytes = (GC.GetAllocatedBytesForCurrentThread() - allocated) / entries.Length;
        return FormattableString.Invariant($"apply, {what}: {microseconds:F2} us and {bytes} bytes a fact");
    }
}
