using System.CommandLine;
using System.Globalization;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Ledger;

namespace Converge.Swarm.Cli.Export;

/// <summary><c>converge export</c>: the ledger as JSON Lines.</summary>
internal static class ExportCommand
{
    private const int PageRecords = 1_000;

    public static Command Build(CommandTerminal terminal)
    {
        Option<ulong?> from = new("--from") { Description = "The first record; 1 without it.", HelpName = "N" };
        Option<ulong?> to = new("--to") { Description = "The last record; without it, the last one that the node asked has when the export begins.", HelpName = "N" };
        Option<FileInfo?> file = new("--out") { Description = "Writes to a file instead, which is there as a whole or not at all.", HelpName = "FILE" };
        Option<string[]> urls = SwarmUrls.Option();
        Command command = new(
            "export",
            """
            Writes the ledger as JSON Lines, one record a line. 'converge verify FILE' proves that such a file is whole, and
            'converge import FILE' commits its facts to another swarm. Every record is verified on the way.

            Examples:
              converge export --out ledger.jsonl
              converge export --from 1001 --to 2000 >part.jsonl
            """)
        {
            from, to, file, urls,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            ulong first = parsed.GetValue(from) ?? 1;
            if (first == 0 || parsed.GetValue(to) < first)
            {
                throw new CommandFault(ExitCode.Usage, "--from counts from 1, and --to is not before it.");
            }

            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            ulong last = (await swarm.AskAsync(node => node.GetHeadAsync(ReadConsistency.Stale, cancellation))).Sequence;
            ulong end = parsed.GetValue(to) ?? last;
            ulong beyond = Math.Max(first - 1, end);
            if (beyond > last)
            {
                // Nothing behind the last record is an export, too: whoever fetches a ledger piece by piece has all of it.
                throw new CommandFault(ExitCode.Failed, string.Create(CultureInfo.InvariantCulture, $"The ledger ends with record {last}; there is no record {Math.Max(first, end)}."));
            }

            if (parsed.GetValue(file) is not { } target)
            {
                await ExportAsync(terminal, swarm, first, end, record =>
                {
                    terminal.WriteJson(record);
                    return ValueTask.CompletedTask;
                }, cancellation);
                return ExitCode.Success;
            }

            await using WholeFile written = WholeFile.Create(target);
            await ExportAsync(terminal, swarm, first, end, async record =>
            {
                await written.Content.WriteAsync(record, cancellation);
                written.Content.WriteByte((byte)'\n');
            }, cancellation);
            written.Commit();
            return ExitCode.Success;
        });
        return command;
    }

    private static Task ExportAsync(
        CommandTerminal terminal, SwarmConnection swarm, ulong first, ulong last, Func<byte[], ValueTask> write, CancellationToken cancellationToken) =>
        ProgressReport.RunAsync(terminal, "exporting", async progress =>
        {
            LedgerVerifier verifier = LedgerVerifier.From(first);
            for (ulong next = first; next <= last;)
            {
                int page = (int)Math.Min(PageRecords, last - next + 1);
                IReadOnlyList<LedgerRecord> records = await swarm.ReadAsync(next, page, cancellationToken);
                foreach (LedgerRecord record in records)
                {
                    verifier.Add(record);
                    await write(LedgerRecordJson.ToUtf8(record));
                }

                next += (ulong)records.Count;
                progress.Advance((long)(next - first), (long)(last - first + 1));
            }

            LedgerVerification verification = verifier.Finish();
            if (!verification.Ok)
            {
                throw new CommandFault(ExitCode.Failed, "what the swarm gives out is not a sound ledger.", verification.Problems);
            }
        });
}
