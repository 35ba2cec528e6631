using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Members;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Http;
using Converge.Swarm.Http.Status;
using Spectre.Console;

namespace Converge.Swarm.Cli.Status;

/// <summary><c>converge status</c>: how every node sees itself.</summary>
internal static class StatusCommand
{
    private const int ShownHashDigits = 12;

    public static Command Build(CommandTerminal terminal)
    {
        Option<string[]> urls = SwarmUrls.Option();
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "status",
            """
            Shows every node of a swarm: its role, how far it is, what is wrong with it; and who takes part.

            Ends with 0 when some node is ready to commit, with 3 otherwise.

            Example:
              converge status --url http://127.0.0.1:7101
            """)
        {
            urls, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            IReadOnlyList<NodeSighting> sightings = await NodeSighting.AllAsync(SwarmUrls.Of(parsed.GetValue(urls)), parsed.GetResult(urls) is not null, cancellation);
            SwarmMembers? members = await NodeSighting.MembersAsync(sightings, cancellation);
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(writer => Write(writer, sightings, members));
            }
            else
            {
                Show(terminal.Screen, sightings);
                if (members is not null)
                {
                    terminal.Out.WriteLine(MembersText.Line(members));
                }
            }

            if (sightings.All(sighting => sighting.Status is null))
            {
                return terminal.Fail(ExitCode.Unavailable, $"no node answers; {sightings[0].Fault}");
            }

            return sightings.Any(sighting => sighting.Status is { Ready: true })
                ? ExitCode.Success
                : terminal.Fail(ExitCode.Unavailable, sightings.All(sighting => sighting.Status is null or { Leader.IsNone: true })
                    ? "no node is ready: no leader is known."
                    : "no node is ready: none that answers has caught up with the leader yet.");
        });
        return command;
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<NodeSighting> sightings, SwarmMembers? members)
    {
        json.WriteStartObject();
        json.WriteStartArray("nodes");
        foreach (NodeSighting sighting in sightings)
        {
            json.WriteStartObject();
            json.WriteString("url", sighting.Url.ToString());
            json.WritePropertyName("status");
            if (sighting.Status is null)
            {
                json.WriteNullValue();
                json.WriteString("error", sighting.Fault);
            }
            else
            {
                SwarmStatusJson.Write(json, sighting.Status);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WritePropertyName("members");
        if (members is null)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteRawValue(SwarmMembersJson.ToUtf8(members));
        }

        json.WriteEndObject();
    }

    private static void Show(IAnsiConsole screen, IReadOnlyList<NodeSighting> sightings)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in new[] { "node", "address", "role", "term", "leader", "commit", "applied", "snapshot", "records", "ledger", "ready" })
        {
            table.AddColumn(new TableColumn(column).NoWrap());
        }

        foreach (NodeSighting sighting in sightings)
        {
            AddRow(table, sighting);
        }

        screen.Write(table);
        foreach (NodeSighting sighting in sightings)
        {
            foreach (string problem in sighting.Status?.Problems ?? [])
            {
                screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[yellow]node {sighting.Status!.Node}[/]: {Printable.Line(problem)}");
            }
        }
    }

    private static void AddRow(Table table, NodeSighting sighting)
    {
        string address = sighting.Url.Authority;
        if (sighting.Status is not { } status)
        {
            table.AddRow(new Text("?"), new Text(address), new Text("unreachable", new Style(Color.Red)));
            return;
        }

        table.AddRow(
            new Text(status.Node.ToString()),
            new Text(address),
            new Text(SwarmStatusJson.NameOf(status.Role), status.Role == NodeRole.Leader ? new Style(Color.Green) : Style.Plain),
            new Text(status.Term.ToString()),
            new Text(status.Leader.IsNone ? "none" : status.Leader.ToString()),
            new Text(status.CommitIndex.ToString()),
            new Text(status.AppliedIndex.ToString()),
            new Text(status.SnapshotIndex == LogIndex.Zero ? "-" : status.SnapshotIndex.ToString()),
            new Text(status.Ledger.Sequence.ToString(CultureInfo.InvariantCulture)),
            new Text(status.Ledger.Hash[..ShownHashDigits], new Style(Color.Grey)),
            new Text(status.Ready ? "yes" : "no", new Style(status.Ready ? Color.Green : Color.Yellow)));
    }
}
