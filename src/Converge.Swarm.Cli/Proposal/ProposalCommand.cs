using System.CommandLine;
using System.Globalization;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Spectre.Console;

namespace Converge.Swarm.Cli.Proposal;

/// <summary><c>converge proposal ID</c>: what is recorded about one proposal.</summary>
internal static class ProposalCommand
{
    public static Command Build(CommandTerminal terminal)
    {
        Argument<string> id = new("id") { Description = "The proposal's id." };
        Option<bool> stale = new("--stale") { Description = "Asks one node for what it has, without asking the quorum whether that is the latest." };
        Option<bool> leased = new("--leased") { Description = "Lets the leader answer on a lease, without asking the quorum, where the swarm's settings allow it." };
        Option<string[]> urls = SwarmUrls.Option();
        Option<bool> json = CommonOptions.Json();
        Command command = new("proposal", "Shows what is recorded about one proposal.\n\nExample:\n  converge proposal p1") { id, stale, leased, urls, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            string wanted = parsed.GetRequiredValue(id);
            if (SubmissionRules.CheckProposalId(wanted) is { } fault)
            {
                throw new CommandFault(ExitCode.Usage, fault.Message);
            }

            ReadConsistency consistency = (parsed.GetValue(stale), parsed.GetValue(leased)) switch
            {
                (true, true) => throw new CommandFault(ExitCode.Usage, "--stale and --leased exclude each other."),
                (true, false) => ReadConsistency.Stale,
                (false, true) => ReadConsistency.Leased,
                (false, false) => ReadConsistency.Linearizable,
            };
            ProposalView view = await swarm.AskAsync(node => node.GetProposalAsync(wanted, consistency, cancellation))
                ?? throw new CommandFault(ExitCode.Failed, $"There is no proposal '{wanted}'.");
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(ProposalViewJson.ToUtf8(view));
            }
            else
            {
                Show(terminal.Screen, view);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static void Show(IAnsiConsole screen, ProposalView view)
    {
        Grid grid = new Grid().AddColumn(new GridColumn().NoWrap().PadRight(2)).AddColumn();
        Row(grid, "proposal", view.ProposalId);
        Row(grid, "status", view.DecidedBy is null ? view.Status.Name() : $"{view.Status.Name()} by {view.DecidedBy}");
        Row(grid, "author", view.Author);
        Row(grid, "title", view.Title);
        Row(grid, "content", view.ContentHash);
        foreach (ValidatorResult result in view.Validators)
        {
            string said = result.Passed ? "passed" : "failed";
            Row(grid, "validator", string.Create(
                CultureInfo.InvariantCulture, $"{result.Validator}: {said}{(result.Overridden ? ", overridden" : "")} (record {result.Sequence})"));
        }

        Row(grid, "revision", string.Create(
            CultureInfo.InvariantCulture, $"{view.Revision} (records {view.CreatedSequence} to {view.LastSequence}), as of index {view.AsOfIndex}"));
        screen.Write(grid);
    }

    private static void Row(Grid grid, string name, string? value)
    {
        if (value is not null)
        {
            grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(Printable.Line(value)));
        }
    }
}
