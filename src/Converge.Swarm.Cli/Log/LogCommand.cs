using System.CommandLine;
using System.Globalization;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Spectre.Console;

namespace Converge.Swarm.Cli.Log;

/// <summary><c>converge log</c>: the ledger, record by record, or its head.</summary>
internal static class LogCommand
{
    private const int DefaultLast = 20;
    private const int PageRecords = 1_000;

    public static Command Build(CommandTerminal terminal)
    {
        Option<ulong?> from = new("--from") { Description = "The first record to show; without it, the last ones are shown.", HelpName = "N" };
        Option<ulong?> limit = new("--limit") { Description = $"How many records to show: {DefaultLast}, or all of them after --from.", HelpName = "M" };
        Option<bool> follow = new("--follow", "-f") { Description = "Goes on with records as they come, until Ctrl-C." };
        Option<bool> head = new("--head") { Description = "Shows the ledger's head instead: what an auditor keeps, see 'converge verify --head'." };
        Option<string[]> urls = SwarmUrls.Option();
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "log",
            """
            Shows the records of the ledger; with --json one record a line.

            Examples:
              converge log                          the last 20 records
              converge log --from 1 --json          all of them, for programs
              converge log --head --json >head.json the head, to compare with later
            """)
        {
            from, limit, follow, head, urls, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            if (parsed.GetValue(head))
            {
                await ShowHeadAsync(terminal, swarm, parsed.GetValue(json), cancellation);
                return ExitCode.Success;
            }

            ulong last = (await swarm.AskAsync(node => node.GetHeadAsync(ReadConsistency.Stale, cancellation))).Sequence;
            ulong count = parsed.GetValue(limit) ?? (parsed.GetValue(from) is null ? DefaultLast : ulong.MaxValue);
            ulong first = Math.Max(1, parsed.GetValue(from) ?? (last >= count ? last - count + 1 : 1));
            bool asJson = parsed.GetValue(json);
            if (parsed.GetValue(follow))
            {
                await new LogFollower(swarm, terminal).FollowAsync(first, record => Show(terminal, record, asJson), cancellation);
            }
            else
            {
                await ShowRecordsAsync(terminal, swarm, first, count, asJson, cancellation);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static async Task ShowHeadAsync(CommandTerminal terminal, SwarmConnection swarm, bool json, CancellationToken cancellationToken)
    {
        LedgerHead head = await swarm.AskAsync(node => node.GetHeadAsync(ReadConsistency.Linearizable, cancellationToken));
        if (json)
        {
            terminal.WriteJson(LedgerHeadJson.ToUtf8(head));
            return;
        }

        terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"records {head.Sequence}, last made by entry {head.Index} of term {head.Term}"));
        terminal.Out.WriteLine($"hash    {head.Hash}");
        terminal.Out.WriteLine($"root    {head.Root}");
    }

    private static async Task ShowRecordsAsync(
        CommandTerminal terminal, SwarmConnection swarm, ulong first, ulong count, bool json, CancellationToken cancellationToken)
    {
        ulong next = first;
        for (ulong left = count; left > 0;)
        {
            int page = (int)Math.Min(left, PageRecords);
            IReadOnlyList<LedgerRecord> records = await swarm.AskAsync(node => node.ReadAsync(next, page, cancellationToken));
            if (records.Count == 0)
            {
                return;
            }

            foreach (LedgerRecord record in records)
            {
                Show(terminal, record, json);
            }

            next += (ulong)records.Count;
            left -= (ulong)records.Count;
        }
    }

    private static void Show(CommandTerminal terminal, LedgerRecord record, bool json)
    {
        if (json)
        {
            terminal.WriteJson(LedgerRecordJson.ToUtf8(record));
            return;
        }

        string prefix = string.Create(CultureInfo.InvariantCulture, $"{record.Sequence,8}  {TimeOf(record.TimeUnixMilliseconds)}  term {record.Term}  ");
        if (record.Submission is not { } submission)
        {
            string what = record.Leader is { } leader ? $"authority: node {leader} leads"
                : record.Membership is { } change ? $"membership: {Describe(change)}"
                : record.Kind.Name();
            terminal.Screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[grey]{prefix}{what}[/]");
            return;
        }

        GovernanceFact fact = submission.Fact;
        string text = fact.Text() is { Length: > 0 } said ? $"  \"{Printable.Line(said, 80)}\"" : "";
        terminal.Screen.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"[grey]{prefix}[/]{fact.Kind.Name(),-18}  {Printable.Line(fact.ProposalId)}  [blue]{Printable.Line(fact.Actor)}[/]{text}");
    }

    /// <summary>A record's time; one that no calendar has, as a node with a broken clock would give it, in seconds.</summary>
    internal static string TimeOf(long unixMilliseconds) => unixMilliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
        ? DateTimeOffset.FromUnixTimeMilliseconds(unixMilliseconds).ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{unixMilliseconds / 1000m:F3} s");

    private static string Describe(MembershipChange change)
    {
        string steps = string.Join(", ", change.Steps.Select(step => step.Role is { } role
            ? $"node {step.Node} added as {(role == MemberRole.Voter ? "a voter to be" : "a learner")} at {step.Peer}"
            : $"node {step.Node} {step.Kind.Name()}"));
        return $"{steps}; voters {string.Join(' ', change.Voters)}{(change.Learners.IsEmpty ? "" : $", learners {string.Join(' ', change.Learners)}")}";
    }
}
