using System.Globalization;
using System.Security.Cryptography;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Import;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Cli.Verify;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Cli.Demo;

/// <summary>
/// A swarm of real processes commits real facts while its leader is killed; then everything that was promised is compared with what
/// every node has.
/// </summary>
internal sealed class Demonstration(LocalSwarm swarm, ImportSource source, ProgressReport progress)
{
    private static readonly TimeSpan CatchUpPatience = TimeSpan.FromSeconds(120);

    private readonly Acknowledgements _acknowledgements = new();
    private readonly List<string> _problems = [];

    /// <summary>Runs it to the end; the nodes are stopped afterwards.</summary>
    public async Task<DemoReport> RunAsync(CancellationToken cancellationToken)
    {
        Failover failover = new(swarm, Math.Max(1, source.Lines / 2), progress);
        long started = TimeProvider.System.GetTimestamp();
        ImportTally tally = await CommitAsync(failover, cancellationToken);
        double seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;

        await WaitUntilEqualAsync(cancellationToken);
        double? catchUp = failover.Killed is null ? null : TimeProvider.System.GetElapsedTime(failover.RestartedAt).TotalSeconds;
        LedgerHead head = await CompareRunningNodesAsync(cancellationToken);
        if (!await swarm.StopAsync())
        {
            _problems.Add("A node did not stop when it was told to.");
        }

        CompareFolders(head);
        return new DemoReport
        {
            Nodes = swarm.Nodes.Count,
            Read = tally.Read,
            Accepted = tally.Accepted,
            Refused = tally.Refused,
            Failed = tally.Failed,
            Seconds = seconds,
            P50Milliseconds = _acknowledgements.LatencyMilliseconds(0.50),
            P99Milliseconds = _acknowledgements.LatencyMilliseconds(0.99),
            Killed = failover.Killed?.Id.Value,
            SecondsWithoutLeader = failover.WithoutLeader?.TotalSeconds,
            CatchUpSeconds = catchUp,
            Records = head.Sequence,
            Root = head.Root,
            Folder = swarm.Layout.Folder,
            Problems = _problems,
        };
    }

    private async Task<ImportTally> CommitAsync(Failover failover, CancellationToken cancellationToken)
    {
        Lock gate = new();
        using Importer importer = new(source, swarm.Urls, new ImportOptions
        {
            Answered = (line, answer, took) =>
            {
                _acknowledgements.Keep(line, answer, took);
                failover.Answered(answer);
            },
            Progress = (done, total) =>
            {
                lock (gate)
                {
                    progress.Advance(done, total);
                }
            },
        });
        Task<ImportTally> import = importer.RunAsync(cancellationToken);
        Task staging = failover.RunAsync(import, cancellationToken);
        await Task.WhenAll(import, staging);
        ImportTally tally = await import;
        if (importer.GaveUp)
        {
            _problems.Add($"The swarm stopped answering: {importer.LastTrouble}.");
        }

        foreach (ImportFailure failure in tally.Failures)
        {
            _problems.Add(string.Create(CultureInfo.InvariantCulture, $"Line {failure.Line} of {source.Name}: {failure.Code}: {failure.Message}"));
        }

        if (tally.Accepted != _acknowledgements.Accepted)
        {
            _problems.Add(string.Create(CultureInfo.InvariantCulture, $"{tally.Accepted} facts were counted as accepted, and {_acknowledgements.Accepted} were acknowledged."));
        }

        return tally;
    }

    /// <summary>Waits until every node has applied the same, and compares what they made of it.</summary>
    private async Task WaitUntilEqualAsync(CancellationToken cancellationToken)
    {
        progress.Note("waiting until all nodes have everything");
        IReadOnlyList<SwarmStatus> last = [];
        await swarm.WaitForAsync(
            "all nodes to have applied everything",
            CatchUpPatience,
            statuses =>
            {
                last = [.. statuses.OfType<SwarmStatus>()];
                return last.Count == swarm.Nodes.Count
                    && last.All(status => status.Ready && status.AppliedIndex == status.LastIndex)
                    && last.Select(status => status.AppliedIndex).Distinct().Count() == 1;
            },
            cancellationToken);
        if (last.Select(status => status.Digest).Distinct(StringComparer.Ordinal).Count() != 1)
        {
            _problems.Add($"The nodes have applied the same {last[0].AppliedIndex} entries with different results: {string.Join(", ", last.Select(status => $"node {status.Node} {status.Digest}"))}.");
        }

        if (last.Select(status => status.Ledger).Distinct().Count() != 1)
        {
            _problems.Add($"The nodes' ledgers end differently: {string.Join(", ", last.Select(status => $"node {status.Node} {status.Ledger}"))}.");
        }
    }

    /// <summary>Reads every record of every node: derives hashes, chain and root anew, compares with each acknowledgement and with each other.</summary>
    private async Task<LedgerHead> CompareRunningNodesAsync(CancellationToken cancellationToken)
    {
        progress.Note("comparing every record of every node with every acknowledgement");
        LedgerHead? first = null;
        string? firstBytes = null;
        foreach (LocalNode node in swarm.Nodes)
        {
            string name = $"Node {node.Id}";
            List<LedgerRecord> records = [];
            using IncrementalHash bytes = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            LedgerVerification verification = await LedgerProof.OfNodeAsync(
                node.Client,
                saved: null,
                record =>
                {
                    records.Add(record);
                    bytes.AppendData(LedgerRecordJson.ToUtf8(record));
                },
                cancellationToken);
            _problems.AddRange(verification.Problems.Select(problem => $"{name}: {problem}"));
            _problems.AddRange(_acknowledgements.Compare(name, records));
            string allBytes = Convert.ToHexStringLower(bytes.GetHashAndReset());
            first ??= verification.Head;
            firstBytes ??= allBytes;
            if (verification.Head != first || !string.Equals(allBytes, firstBytes, StringComparison.Ordinal))
            {
                _problems.Add($"{name} does not hold the same records as node {swarm.Nodes[0].Id}.");
            }
        }

        return first!;
    }

    /// <summary>Verifies what lies on the disks of the stopped nodes.</summary>
    private void CompareFolders(LedgerHead head)
    {
        foreach (LocalNode node in swarm.Nodes)
        {
            LedgerVerification verification = LedgerProof.OfFolder(node.DataFolder, head);
            _problems.AddRange(verification.Problems.Select(problem => $"{node.DataFolder}: {problem}"));

            // Stopping may have moved the leadership, which is a record; what was there before must be there unchanged.
            if (verification.Records < head.Sequence)
            {
                _problems.Add(string.Create(CultureInfo.InvariantCulture, $"{node.DataFolder} holds {verification.Records} of {head.Sequence} records."));
            }
        }
    }
}
