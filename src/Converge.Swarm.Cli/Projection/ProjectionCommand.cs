using System.CommandLine;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Nodes;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Ledger;
using Converge.Swarm.Projection;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Cli.Projection;

/// <summary><c>converge projection</c>: the query index of a node.</summary>
internal static class ProjectionCommand
{
    public static Command Build(CommandTerminal terminal) => new("projection", "The query index that a node keeps beside its ledger; docs/projection.md explains its tables.")
    {
        Rebuild(terminal),
    };

    private static Command Rebuild(CommandTerminal terminal)
    {
        Argument<DirectoryInfo> folder = new("folder") { Description = "The data folder of a node that does not run.", HelpName = "DIR" };
        Option<FileInfo?> config = new("--config", "-c")
        {
            Description = "The node's configuration, which says where the projection is kept; without it, it is SQLite in the data folder.",
            HelpName = "FILE",
        };
        Option<ulong?> node = new("--node") { Description = "Which member this node is, in place of the file's 'node'.", HelpName = "N" };
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "rebuild",
            """
            Deletes a node's projection and fills it anew from its ledger.

            Nothing but the projection is touched, and it is safe to stop: a node goes on where this ended.
            Ends with 2 when the folder is not a node's, with 5 when the node runs.

            Examples:
              converge projection rebuild data/up/node1
              converge projection rebuild data/three-nodes/node2 --config config/three-nodes.json --node 2
            """)
        {
            folder, config, node, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string path = Path.GetFullPath(parsed.GetRequiredValue(folder).FullName);
            SwarmOptions options = OptionsOf(path, parsed.GetValue(config), parsed.GetValue(node));
            Stopwatch clock = Stopwatch.StartNew();
            ulong records = await RebuildAsync(terminal, path, options, cancellation);
            return Report(terminal, path, records, clock.Elapsed, parsed.GetValue(json));
        });
        return command;
    }

    private static SwarmOptions OptionsOf(string folder, FileInfo? config, ulong? node)
    {
        if (!Directory.Exists(Path.Combine(folder, GovernanceLedger.Purpose)))
        {
            throw new CommandFault(ExitCode.Usage, $"{folder} is not the data folder of a node: it has no folder '{GovernanceLedger.Purpose}'.");
        }

        if (config is not null)
        {
            SwarmOptions options = NodeConfiguration.Load(config, node, folder);
            return options.Projection.Store != ProjectionStore.None
                ? options
                : throw new CommandFault(ExitCode.Usage, $"the configuration {config} says that the node keeps no projection.");
        }

        if (node is not null)
        {
            throw new CommandFault(ExitCode.Usage, "--node goes with --config.");
        }

        // Only the folder matters to SQLite.
        return new SwarmOptions { Cluster = "converge", Node = new NodeId(1), DataFolder = folder, Members = [] };
    }

    private static async Task<ulong> RebuildAsync(CommandTerminal terminal, string folder, SwarmOptions options, CancellationToken cancellation)
    {
        try
        {
            using FolderLock held = FolderLock.Acquire(folder);
            using GovernanceLedger ledger = GovernanceLedger.Open(
                PhysicalDisk.Instance,
                Path.Combine(folder, GovernanceLedger.Purpose),
                new GovernanceLedgerOptions { SegmentBytes = options.LedgerSegmentBytes, MustExist = true });
            ulong records = 0;
            await ProgressReport.RunAsync(terminal, "projecting", async progress =>
                records = await LedgerProjection.RebuildAsync(ledger, options, new RecordsDone(progress, ledger.LastSequence), cancellation));
            return records;
        }
        catch (FolderInUseException fault)
        {
            throw new CommandFault(ExitCode.InUse, $"{fault.Message} Stop the node first.");
        }
        catch (Exception fault) when (fault is LogDamagedException or LedgerDamagedException or WrongLogException)
        {
            throw new CommandFault(ExitCode.Damaged, fault.Message);
        }
        catch (Exception fault) when (fault is DbException or ProjectionVersionException or ProjectionMismatchException)
        {
            throw new CommandFault(ExitCode.Failed, $"the projection cannot be written: {fault.Message}");
        }
    }

    private static int Report(CommandTerminal terminal, string folder, ulong records, TimeSpan time, bool json)
    {
        double rate = records / Math.Max(time.TotalSeconds, 0.001);
        return terminal.Succeed(
            json,
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("folder", folder);
                writer.WriteNumber("records", records);
                writer.WriteNumber("seconds", Math.Round(time.TotalSeconds, 3));
                writer.WriteNumber("records_per_second", Math.Round(rate));
                writer.WriteEndObject();
            },
            string.Create(CultureInfo.InvariantCulture, $"{records:N0} records projected in {time.TotalSeconds:F1} s, {rate:N0} a second."));
    }

    /// <summary>Carries the last record projected to the report at once, on the thread that projects.</summary>
    private sealed class RecordsDone(ProgressReport report, ulong total) : IProgress<ulong>
    {
        public void Report(ulong value) => report.Advance((long)value, (long)total);
    }
}
