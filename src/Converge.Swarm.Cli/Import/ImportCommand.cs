using System.CommandLine;
using System.Globalization;
using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Spectre.Console;

namespace Converge.Swarm.Cli.Import;

/// <summary><c>converge import FILE</c>: commits a file of facts.</summary>
internal static class ImportCommand
{
    private const double DefaultTimeoutSeconds = 60;
    private const int ShownFailures = 10;

    public static Command Build(CommandTerminal terminal)
    {
        Argument<string> file = new("file") { Description = "JSON Lines, one fact a line, or a file of 'converge export'; may be gzipped; - for the standard input." };
        Option<string[]> urls = SwarmUrls.Option("--to", "--url");
        Option<double> timeout = CommonOptions.TimeoutSeconds(DefaultTimeoutSeconds, "How long to go on without any progress.");
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "import",
            """
            Commits a file of facts, in the order of the file for each proposal.

            May be repeated: a fact that is recorded already is not recorded twice, because its command id is made of the file's content
            and the line, unless the line brings its own. Refused facts are counted, not failures. Ends with 0 when every line was
            answered, with 1 when some line is malformed, with 3 or 4 when the swarm stopped answering.

            Examples:
              converge import facts.jsonl
              converge import facts.jsonl.gz --to http://127.0.0.1:7101 http://127.0.0.1:7102
            """)
        {
            file, urls, timeout, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            IReadOnlyList<Uri> to = SwarmUrls.Of(parsed.GetValue(urls));
            TimeSpan patience = CommonOptions.Timeout(parsed, timeout);
            using ImportSource source = await ImportSource.OpenAsync(parsed.GetRequiredValue(file), cancellation);
            long started = TimeProvider.System.GetTimestamp();
            ImportTally tally = null!;
            CommitAnswer? trouble = null;
            await ProgressReport.RunAsync(terminal, "importing", async progress =>
            {
                Lock gate = new();
                using Importer importer = new(source, to, new ImportOptions
                {
                    Timeout = patience,
                    Progress = (done, total) =>
                    {
                        lock (gate)
                        {
                            progress.Advance(done, total);
                        }
                    },
                });
                tally = await importer.RunAsync(cancellation);
                trouble = importer.GaveUp ? importer.LastTrouble : null;
            });
            double seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(writer => tally.Write(writer, seconds));
            }
            else
            {
                Show(terminal.Screen, tally, seconds);
            }

            return Outcome(terminal, tally, trouble);
        });
        return command;
    }

    private static int Outcome(CommandTerminal terminal, ImportTally tally, CommitAnswer? trouble) => trouble switch
    {
        FactOutcomeUnknown unknown => terminal.Fail(ExitCode.OutcomeUnknown, $"gave up: {unknown.Message} The same import may be run again."),
        FactNotCommitted notCommitted => terminal.Fail(ExitCode.Unavailable, $"gave up: {notCommitted.Message} The same import may be run again."),
        _ when tally.Failed > 0 => terminal.Fail(ExitCode.Failed, tally.Failed == 1 ? "one line failed." : string.Create(CultureInfo.InvariantCulture, $"{tally.Failed:N0} lines failed.")),
        _ => ExitCode.Success,
    };

    private static void Show(IAnsiConsole screen, ImportTally tally, double seconds)
    {
        double rate = (tally.Accepted + tally.Repeated) / Math.Max(seconds, 0.001);
        screen.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"{tally.Read:N0} facts read: [green]{tally.Accepted:N0} accepted[/], {tally.Repeated:N0} repeated, {tally.Refused.Values.Sum():N0} refused, {tally.Failed:N0} failed in {seconds:N1} s ({rate:N0}/s)");
        foreach ((string code, long count) in tally.Refused)
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  refused {code}: {count:N0}");
        }

        foreach (ImportFailure failure in tally.Failures.Take(ShownFailures))
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  [red]line {failure.Line}[/] {failure.Code}: {Printable.Line(failure.Message)}");
        }

        if (tally.Failed > ShownFailures)
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  and {tally.Failed - ShownFailures:N0} more");
        }
    }
}
