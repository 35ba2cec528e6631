using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;

namespace Converge.Swarm.Cli.Leader;

/// <summary><c>converge leader</c>: who leads, as an operator wishes it.</summary>
internal static class LeaderCommand
{
    public static Command Build(CommandTerminal terminal) => new("leader", "Decides who leads.") { BuildTransfer(terminal) };

    private static Command BuildTransfer(CommandTerminal terminal)
    {
        Option<ulong?> to = new("--to") { Description = "The node that is to lead; without it, any other that is fit.", HelpName = "N" };
        Option<string[]> urls = SwarmUrls.Option();
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "transfer",
            """
            Hands the leadership over to another node, before the one that has it is stopped for example. Nothing that is committed is
            touched; commits wait for the moment it takes.

            Examples:
              converge leader transfer          to whichever node is fit
              converge leader transfer --to 2   to node 2
            """)
        {
            to, urls, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            NodeId? wanted = parsed.GetValue(to) is { } number ? CommonOptions.Node(number) : null;
            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            LeadershipTransfer outcome = await swarm.CarryAsync(
                node => node.TransferLeadershipAsync(wanted, cancellation),
                answer => answer is LeadershipTransferRefused { Reason: TransferRefusal.NoLeader or TransferRefusal.Stopping });
            return Report(terminal, outcome, parsed.GetValue(json));
        });
        return command;
    }

    private static int Report(CommandTerminal terminal, LeadershipTransfer outcome, bool json)
    {
        switch (outcome)
        {
            case LeadershipTransferred transferred:
                return terminal.Succeed(json, writer => Write(writer, transferred), LeadsIn(transferred.Leader, transferred.Term));
            case LeadershipNotTransferred not:
                return terminal.Fail(ExitCode.Failed, not.Message, not.Leader.IsNone ? "No leader is known." : LeadsIn(not.Leader, not.Term));
            case LeadershipTransferRefused { Reason: TransferRefusal.UnknownMember or TransferRefusal.NotAVoter or TransferRefusal.Unreachable } refused:
                return terminal.Fail(ExitCode.Failed, refused.Message);
            case LeadershipTransferRefused refused:
                return terminal.Fail(ExitCode.Unavailable, refused.Message);
            case LeadershipTransferUnknown unknown:
                return terminal.Fail(ExitCode.OutcomeUnknown, unknown.Message, "'converge status' tells who leads.");
            default:
                throw new InvalidOperationException($"Not one of the four outcomes: {outcome}.");
        }
    }

    private static string LeadsIn(NodeId leader, Term term) => string.Create(CultureInfo.InvariantCulture, $"Node {leader} leads in term {term}.");

    private static void Write(Utf8JsonWriter json, LeadershipTransferred transferred)
    {
        json.WriteStartObject();
        json.WriteNumber("leader"u8, transferred.Leader.Value);
        json.WriteNumber("term"u8, transferred.Term.Value);
        json.WriteEndObject();
    }
}
