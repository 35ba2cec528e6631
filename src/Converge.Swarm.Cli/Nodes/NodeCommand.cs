using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Governance;
using Converge.Swarm.Http;
using Converge.Swarm.Ledger;
using Converge.Swarm.Projection;
using Converge.Swarm.Storage;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Cli.Nodes;

/// <summary><c>converge node</c>: one node with its HTTP API, in this process, until a signal ends it.</summary>
internal static class NodeCommand
{
    /// <summary>Makes a node stop when its standard input ends: so a parent that dies, however it dies, takes its nodes with it.</summary>
    public const string StopWithInputOption = "--stop-with-input";

    public static Command Build(CommandTerminal terminal)
    {
        Option<FileInfo> config = new("--config", "-c") { Description = "The configuration; config/swarm.json explains every key.", HelpName = "FILE", Required = true };
        Option<ulong?> node = new("--node") { Description = "Which member this node is, in place of the file's 'node'.", HelpName = "N" };
        Option<string?> data = new("--data") { Description = "The data folder, in place of the file's 'data_folder'.", HelpName = "DIR" };
        Option<LogLevel> level = new("--log-level")
        {
            Description = "How much is logged: Trace, Debug, Information, Warning, Error, Critical or None.",
            HelpName = "LEVEL",
            DefaultValueFactory = _ => LogLevel.Information,
        };
        Option<bool> stopWithInput = new(StopWithInputOption) { Description = "Stops when the standard input ends, for programs that start nodes." };
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "node",
            """
            Runs one node until Ctrl-C or a termination signal; logs one line an event to the error stream.

            Ends with 0 when it was told to stop, with 2 when the configuration is at fault (all faults are listed), with 5 when another
            process has the data folder or an address, with 6 when its files are damaged.

            Examples:
              converge node --config config/swarm.json
              converge node --config config/three-nodes.json --node 2
            """)
        {
            config, node, data, level, stopWithInput, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            SwarmOptions options = NodeConfiguration.Load(parsed.GetRequiredValue(config), parsed.GetValue(node), parsed.GetValue(data));
            using ILoggerFactory loggers = NodeLogging.ToErrorStream(parsed.GetValue(level));
            using CancellationTokenSource stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (parsed.GetValue(stopWithInput))
            {
                _ = StopWithInputAsync(stopping);
            }

            return await RunAsync(options, loggers, terminal, parsed.GetValue(json), stopping.Token);
        });
        return command;
    }

    private static async Task StopWithInputAsync(CancellationTokenSource stopping)
    {
        await using Stream input = Console.OpenStandardInput();
        await input.CopyToAsync(Stream.Null);
        await stopping.CancelAsync();
    }

    private static async Task<int> RunAsync(SwarmOptions options, ILoggerFactory loggers, CommandTerminal terminal, bool json, CancellationToken stopping)
    {
        try
        {
            await using SwarmNode node = await SwarmNode.StartAsync(options, loggers, stopping);
            await using LedgerProjection? projection = LedgerProjection.Follow(node, options, loggers);
            IPEndPoint? listen = options.Members.Single(member => member.Id == options.Node).Http;
            await using HttpHost? http = listen is null ? null : await HttpHost.StartAsync(node.Client, listen, loggers, proposals: projection, cancellationToken: stopping);
            if (json)
            {
                terminal.WriteJson(writer =>
                {
                    writer.WriteStartObject();
                    writer.WriteNumber("node", options.Node.Value);
                    writer.WriteString("url", http?.Url.ToString());
                    writer.WriteString("data_folder", options.DataFolder);
                    writer.WriteNumber("process", Environment.ProcessId);
                    writer.WriteEndObject();
                });
            }

            await Task.WhenAny(node.Completion, Task.Delay(Timeout.Infinite, stopping));
            if (node.Completion.IsFaulted)
            {
                await node.Completion;
            }

            // First no new requests, then hand over and stop; what is at work is answered.
            if (http is not null)
            {
                await http.StopAsync(CancellationToken.None);
            }

            if (projection is not null)
            {
                await projection.DisposeAsync();
            }

            await node.StopAsync();
            return ExitCode.Success;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return ExitCode.Success;
        }
        catch (Exception fault) when (FaultOf(fault, options) is { } known)
        {
            return terminal.Fail(known.ExitCode, known.Message);
        }
    }

    private static CommandFault? FaultOf(Exception fault, SwarmOptions options) => fault switch
    {
        FolderInUseException => new(ExitCode.InUse, fault.Message),
        HttpAddressUnavailableException => new(ExitCode.InUse, fault.Message),
        SocketException => new(ExitCode.InUse, $"the peer address {options.Members.Single(member => member.Id == options.Node).Peer} cannot be listened on: {fault.Message}."),
        WrongFolderException => new(ExitCode.Usage, fault.Message),
        LogDamagedException or LedgerDamagedException or SnapshotDamagedException or UnsupportedSnapshotException or LedgerIncompleteException
            or LedgerRecordsRefusedException or WrongLogException or LedgerDivergedException or Actors.StateDivergedException or Actors.LogLostException =>
            new(ExitCode.Damaged, fault.Message),
        IOException or UnauthorizedAccessException => new(ExitCode.Failed, fault.Message),
        _ => null,
    };
}
