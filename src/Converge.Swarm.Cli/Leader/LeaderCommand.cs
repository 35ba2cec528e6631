using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Http;

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
            NodeId? wanted = parsed.GetValue(to) is { } number ? NodeOf(number) : null;
            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            return Report(terminal, await TransferAsync(swarm, wanted, cancellation), parsed.GetValue(json));
        });
        return command;
    }

    private static NodeId NodeOf(ulong number) => number is >= 1 and <= FactLimits.MaxNumber
        ? new NodeId(number)
        : throw new CommandFault(ExitCode.Usage, $"--to must be a node's number, from 1 to {FactLimits.MaxNumber}.");

    /// <summary>Any node carries the wish to the leader; one that knows of none, or stops, leaves it to the next.</summary>
    private static async Task<LeadershipTransfer> TransferAsync(SwarmConnection swarm, NodeId? to, CancellationToken cancellationToken)
    {
        LeadershipTransfer? last = null;
        foreach (HttpSwarmClient node in swarm.Nodes)
        {
            last = await node.TransferLeadershipAsync(to, cancellationToken);
            if (last is not LeadershipTransferRefused { Reason: TransferRefusal.NoLeader or TransferRefusal.Stopping })
            {
                return last;
            }
        }

        return last!;
    }

    private static int Report(CommandTerminal terminal, LeadershipTransfer outcome, bool json)
    {
        switch (outcome)
        {
            case LeadershipTransferred transferred when json:
                terminal.WriteJson(writer => Write(writer, transferred));
                return ExitCode.Success;
            case LeadershipTransferred transferred:
                terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Node {transferred.Leader} leads in term {transferred.Term}."));
                return ExitCode.Success;
            case LeadershipNotTransferred not:
                return terminal.Fail(ExitCode.Failed, not.Message, not.Leader.IsNone ? "No leader is known." : $"Node {not.Leader} leads in term {not.Term}.");
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

    private static void Write(Utf8JsonWriter json, LeadershipTransferred transferred)
    {
        json.WriteStartObject();
        json.WriteNumber("leader"u8, transferred.Leader.Value);
        json.WriteNumber("term"u8, transferred.Term.Value);
        json.WriteEndObject();
    }
}
