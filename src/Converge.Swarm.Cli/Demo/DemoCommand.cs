using System.CommandLine;
using System.Globalization;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Import;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Terminal;
using Spectre.Console;

namespace Converge.Swarm.Cli.Demo;

/// <summary><c>converge demo</c>: the swarm shows what it promises, and proves that it kept it.</summary>
internal static class DemoCommand
{
    private const string DefaultInput = "samples/governance-sample.jsonl";
    private const int LogSegmentBytes = 32 * 1024 * 1024;
    private const int LedgerSegmentBytes = 4 * 1024 * 1024;
    private const int ShownProblems = 10;

    public static Command Build(CommandTerminal terminal)
    {
        Option<string> input = new("--input", "-i")
        {
            Description = "Facts to commit: JSON Lines, may be gzipped.",
            HelpName = "FILE",
            DefaultValueFactory = _ => DefaultInput,
        };
        Option<int> nodes = new("--nodes")
        {
            Description = "How many nodes: an odd number, at least 3.",
            HelpName = "N",
            DefaultValueFactory = _ => SwarmUrls.DefaultNodes,
        };
        Option<string?> data = new("--data") { Description = "Where the data shall lie: an empty folder, or a new one.", HelpName = "DIR" };
        Option<bool> keep = new("--keep") { Description = "Keeps the data; otherwise the next demonstration clears it." };
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "demo",
            """
            Shows what the swarm promises: it commits facts, kills the leader half-way, and proves that nothing was lost.

            Node processes are started, a file of facts is committed at all of them, the leader is killed, the others go on through the
            failover, and the dead node is brought back. Then everything is compared: nothing acknowledged may be missing or doubled,
            and every node must hold the same ledger, byte for byte.

            Ends with 0 when all of it held, with 1 when something did not.

            Example:
              converge demo --input samples/governance-sample.jsonl
            """)
        {
            input, nodes, data, keep, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            int count = parsed.GetValue(nodes);
            if (count < 3 || count > SwarmOptionsRules.MaxMembers || count % 2 == 0)
            {
                throw new CommandFault(ExitCode.Usage, $"--nodes must be an odd number from 3 to {SwarmOptionsRules.MaxMembers}: a swarm survives the loss of a leader only if a majority is left.");
            }

            using ImportSource source = await ImportSource.OpenAsync(parsed.GetRequiredValue(input), cancellation);
            using DemoFolder folder = DemoFolder.Take(parsed.GetValue(data), parsed.GetValue(keep));
            DemoReport report = await RunAsync(terminal, source, folder.Path, count, cancellation);
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(report.Write);
            }
            else
            {
                Show(terminal.Screen, report);
            }

            return report.Held ? ExitCode.Success : terminal.Fail(ExitCode.Failed, $"the demonstration did not hold; the nodes' logs are in {report.Folder}.");
        });
        return command;
    }

    private static async Task<DemoReport> RunAsync(CommandTerminal terminal, ImportSource source, string folder, int nodes, CancellationToken cancellation)
    {
        DemoReport report = null!;
        await ProgressReport.RunAsync(terminal, "committing", async progress =>
        {
            progress.Note(string.Create(CultureInfo.InvariantCulture, $"starting {nodes} nodes"));
            await using LocalSwarm swarm = await LocalSwarm.StartOnFreePortsAsync(() => Layout(folder, nodes), cancellation);
            report = await new Demonstration(swarm, source, progress).RunAsync(cancellation);
        });
        return report;
    }

    private static LocalSwarmLayout Layout(string folder, int nodes) => LocalSwarmLayout.OnFreePorts(folder, nodes) with
    {
        Adjust = options => options with { LogSegmentBytes = LogSegmentBytes, LedgerSegmentBytes = LedgerSegmentBytes },
    };

    private static void Show(IAnsiConsole screen, DemoReport report)
    {
        Grid grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(2)).AddColumn();
        Row(grid, "committed", $"{report.Accepted:N0} facts by a quorum of {(report.Nodes / 2) + 1} of {report.Nodes} nodes, {report.FactsPerSecond:N0} a second with the failover in it");
        Row(grid, "refused", report.Refused.Count == 0
            ? "none"
            : Invariant($"{report.Refused.Values.Sum():N0} by the rules: {string.Join(", ", report.Refused.Select(pair => Invariant($"{pair.Key} {pair.Value:N0}")))}"));
        Row(grid, "latency", $"{report.P50Milliseconds:N1} ms at the median, {report.P99Milliseconds:N1} ms at the 99th percentile");
        if (report.Killed is { } killed)
        {
            string without = report.SecondsWithoutLeader is { } seconds ? Invariant($", without a leader for {seconds:N2} s") : "";
            Row(grid, "failover", $"node {killed} killed while it led{without}; it caught up in {report.CatchUpSeconds:N2} s");
        }

        // Two leaders led at least; of what did not hold, the problems speak.
        string terms = report.Held ? Invariant($", {report.Records - (ulong)report.Accepted:N0} of them beginnings of a leader's term") : "";
        Row(grid, "ledger", $"{report.Records:N0} records on every node{terms}");
        Row(grid, "root", report.Root);
        screen.WriteLine();
        screen.Write(new Panel(grid).Header(report.Held ? "[green] It all held [/]" : "[red] It did not hold [/]").BorderColor(report.Held ? Color.Green : Color.Red));
        foreach (string problem in report.Problems.Take(ShownProblems))
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[red]{Printable.Line(problem)}[/]");
        }

        if (report.Problems.Count > ShownProblems)
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[red]and {report.Problems.Count - ShownProblems:N0} more[/]");
        }

        if (report.Held)
        {
            screen.WriteLine("Nothing acknowledged is missing or doubled; the nodes' records are equal byte for byte; hashes, chain, root and digests agree.");
        }

        screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"The data lies in {report.Folder}. Look at it:");
        screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  {ProgramFile.ShownName} verify {Path.Combine(report.Folder, "node1")}");
        screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  {ProgramFile.ShownName} up --data {report.Folder}");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static void Row(Grid grid, string name, FormattableString value) => grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(Invariant(value)));

    private static void Row(Grid grid, string name, string value) => grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(value));
}
