using System.CommandLine;
using System.Globalization;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Terminal;
using Spectre.Console;

namespace Converge.Swarm.Cli.Up;

/// <summary><c>converge up</c>: a swarm on this machine, until Ctrl-C.</summary>
internal static class UpCommand
{
    private const int DefaultPeerPort = 7201;
    private const string DefaultFolder = "data/up";

    public static Command Build(CommandTerminal terminal)
    {
        Option<int?> nodes = new("--nodes")
        {
            Description = $"How many nodes: an odd number up to {SwarmOptionsRules.MaxMembers}; {SwarmUrls.DefaultNodes} unless the data is of another number.",
            HelpName = "N",
        };
        Option<int> http = new("--http")
        {
            Description = "The first node's API port; the others count upwards.",
            HelpName = "PORT",
            DefaultValueFactory = _ => SwarmUrls.DefaultHttpPort,
        };
        Option<int> peer = new("--peer")
        {
            Description = "The first node's port for the other nodes; the others count upwards.",
            HelpName = "PORT",
            DefaultValueFactory = _ => DefaultPeerPort,
        };
        Option<string> data = new("--data")
        {
            Description = "Where everything lies; what is there already is gone on with.",
            HelpName = "DIR",
            DefaultValueFactory = _ => DefaultFolder,
        };
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "up",
            """
            Starts a swarm of several nodes on this machine, each in a process of its own, and runs it until Ctrl-C.

            A node that ends is reported and not started again. The same --data goes on where it stopped.

            Examples:
              converge up
              converge up --nodes 5 --http 8001 --peer 8101 --data /tmp/swarm
            """)
        {
            nodes, http, peer, data, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string folder = Path.GetFullPath(parsed.GetRequiredValue(data));
            int count = CountOf(folder, parsed.GetValue(nodes));
            LocalSwarmLayout layout = LocalSwarmLayout.Numbered(folder, count, parsed.GetValue(http), parsed.GetValue(peer));
            Check(layout);
            return await RunAsync(layout, terminal, parsed.GetValue(json), cancellation);
        });
        return command;
    }

    /// <summary>The number of nodes: that of the data, if there is some, because a swarm does not change its size by being restarted.</summary>
    private static int CountOf(string folder, int? asked)
    {
        string file = Path.Combine(folder, LocalSwarmLayout.ConfigurationFileName);
        if (!File.Exists(file))
        {
            return asked ?? SwarmUrls.DefaultNodes;
        }

        SwarmConfiguration before = SwarmConfiguration.Load(file);
        if (before.Options is not { } options)
        {
            throw new CommandFault(ExitCode.Usage, $"{file} cannot be used: {before.Faults[0]}");
        }

        return asked is null || asked == options.Members.Count
            ? options.Members.Count
            : throw new CommandFault(ExitCode.Usage, $"{folder} holds the data of {options.Members.Count} nodes, not of {asked}; name another --data.");
    }

    private static void Check(LocalSwarmLayout layout)
    {
        IReadOnlyList<ConfigurationFault> faults = SwarmOptionsRules.Check(new SwarmOptions
        {
            Cluster = "converge",
            Node = layout.Members.Count > 0 ? layout.Members[0].Id : default,
            DataFolder = layout.Folder,
            Members = layout.Members,
        });
        if (faults.Count > 0)
        {
            throw new CommandFault(ExitCode.Usage, faults[0].ToString());
        }
    }

    private static async Task<int> RunAsync(LocalSwarmLayout layout, CommandTerminal terminal, bool json, CancellationToken cancellation)
    {
        LocalSwarm swarm;
        try
        {
            swarm = await LocalSwarm.StartAsync(layout, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ExitCode.Success;
        }

        await using (swarm)
        {
            await ShowAsync(swarm, terminal, json, cancellation);
            bool someLeft = await WatchAsync(swarm, terminal, cancellation);
            if (!someLeft)
            {
                return terminal.Fail(ExitCode.Failed, "all nodes have ended.");
            }

            return await swarm.StopAsync() ? ExitCode.Success : terminal.Fail(ExitCode.Failed, "a node did not stop in time and was killed.");
        }
    }

    /// <summary>Reports nodes that end, until the command is to stop.</summary>
    /// <returns>True when some node still runs.</returns>
    private static async Task<bool> WatchAsync(LocalSwarm swarm, CommandTerminal terminal, CancellationToken cancellation)
    {
        Task stop = Task.Delay(Timeout.Infinite, cancellation);
        List<LocalNode> running = [.. swarm.Nodes];
        while (running.Count > 0)
        {
            Task first = await Task.WhenAny([stop, .. running.Select(node => node.Process!.Exited)]);
            if (first == stop || cancellation.IsCancellationRequested)
            {
                return true;
            }

            LocalNode ended = running.First(node => node.Process!.Exited == first);
            int exitCode = await ended.Process!.Exited;
            running.Remove(ended);
            terminal.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"converge: node {ended.Id} ended with {exitCode}; its log is {ended.LogFile}. {Quorum(running.Count, swarm.Nodes.Count)}"));
        }

        return false;
    }

    private static string Quorum(int running, int nodes) => running > nodes / 2
        ? $"The other {running} go on."
        : $"Of {nodes} {(running == 0 ? "none is" : running == 1 ? "one is" : $"only {running} are")} left: nothing can be committed.";

    private static async Task ShowAsync(LocalSwarm swarm, CommandTerminal terminal, bool json, CancellationToken cancellation)
    {
        LocalNode? leader = await swarm.FindLeaderAsync(cancellation);
        if (json)
        {
            terminal.WriteJson(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("folder", swarm.Layout.Folder);
                writer.WriteStartArray("nodes");
                foreach (LocalNode node in swarm.Nodes)
                {
                    writer.WriteStartObject();
                    writer.WriteNumber("id", node.Id.Value);
                    writer.WriteString("url", node.Url.ToString());
                    writer.WriteNumber("process", node.Process!.Id);
                    writer.WriteString("data_folder", node.DataFolder);
                    writer.WriteBoolean("leader", node == leader);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            });
            return;
        }

        Table table = new Table().Border(TableBorder.Simple).AddColumns("node", "address", "process", "data");
        foreach (LocalNode node in swarm.Nodes)
        {
            table.AddRow(
                new Markup(node == leader ? $"[green]{node.Id} leads[/]" : node.Id.ToString()),
                new Text(node.Url.GetLeftPart(UriPartial.Authority)),
                new Text(node.Process!.Id.ToString(CultureInfo.InvariantCulture)),
                new Text(node.DataFolder));
        }

        string to = swarm.Nodes[0].Url.Port == SwarmUrls.DefaultHttpPort ? "" : $" --url {swarm.Nodes[0].Url.GetLeftPart(UriPartial.Authority)}";
        terminal.Screen.Write(table);
        terminal.Screen.MarkupLine("Try, in another terminal:");
        terminal.Screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  {ProgramFile.ShownName} propose proposal_created p1 --author ann{to}");
        terminal.Screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  {ProgramFile.ShownName} log{to}");
        terminal.Screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  {ProgramFile.ShownName} status{to}");
        terminal.Screen.MarkupLine("[grey]Ctrl-C stops the swarm; the same command goes on with its data.[/]");
    }
}
