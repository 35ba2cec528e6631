using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Converge.Core;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Http;
using Spectre.Console;

namespace Converge.Swarm.Cli.Members;

/// <summary><c>converge member</c>: who takes part.</summary>
internal static class MemberCommand
{
    private const double DefaultWaitSeconds = 60;

    public static Command Build(CommandTerminal terminal) => new("member", "Shows and changes who takes part.")
    {
        BuildList(terminal), BuildAdd(terminal), BuildPromote(terminal), BuildRemove(terminal),
    };

    private static Command BuildList(CommandTerminal terminal)
    {
        Option<string[]> urls = SwarmUrls.Option();
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "list",
            """
            Shows who takes part, as the first node that answers knows it: who votes, who leads, and, asked of the leader, how far each is.

            Example:
              converge member list
            """)
        {
            urls, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            SwarmMembers members = await swarm.AskAsync(node => node.GetMembersAsync(cancellation));
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(SwarmMembersJson.ToUtf8(members));
            }
            else
            {
                MembersText.Show(terminal, members);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command BuildAdd(CommandTerminal terminal)
    {
        Argument<string[]> nodes = new("member")
        {
            Description = "Its id and where its peers reach it, perhaps its HTTP API too: 4=127.0.0.1:7204,http://127.0.0.1:7104",
            HelpName = "N=PEER[,URL]",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<bool> learner = new("--learner") { Description = "It stays without a vote until it is promoted." };
        Option<bool> wait = new("--wait") { Description = "Waits until it has caught up and has its vote." };
        Option<double> timeout = CommonOptions.TimeoutSeconds(DefaultWaitSeconds, "How long --wait waits at most.");
        Option<string[]> urls = SwarmUrls.Option();
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "add",
            """
            Adds nodes to the swarm. A new member receives everything and has no vote at first; the leader gives it one by itself as soon
            as it has caught up. Members that are added together get their votes together, so that three become five in one step.

            Examples:
              converge member add 4=127.0.0.1:7204 5=127.0.0.1:7205 --wait
              converge member add 6=127.0.0.1:7206 --learner
            """)
        {
            nodes, learner, wait, timeout, urls, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            MemberRole role = parsed.GetValue(learner) ? MemberRole.Learner : MemberRole.Voter;
            bool waits = parsed.GetValue(wait);
            TimeSpan patience = CommonOptions.Timeout(parsed, timeout);
            if (waits && role == MemberRole.Learner)
            {
                throw new CommandFault(ExitCode.Usage, "--wait waits for a vote, which a member that is added with --learner does not get by itself.");
            }

            ImmutableArray<MembershipStep> steps = [.. parsed.GetValue(nodes)!.Select(text => Added(text, role))];
            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            MembershipOutcome outcome = await ChangeAsync(swarm, steps, cancellation);
            if (waits && outcome is MembershipChanged)
            {
                using var patient = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                patient.CancelAfter(patience);
                try
                {
                    outcome = await WaitForVotesAsync(swarm, steps, patient.Token);
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    return terminal.Fail(
                        ExitCode.Failed, "The new members have not caught up in time; they stay members, and get their votes when they have.", "'converge member list' tells how far they are.");
                }
            }

            return Report(terminal, outcome, parsed.GetValue(json));
        });
        return command;
    }

    private static Command BuildPromote(CommandTerminal terminal) => BuildSteps(
        terminal,
        "promote",
        """
        Gives learners their vote. One that was not reached yet, or lags behind, is refused.

        Example:
          converge member promote 6
        """,
        MembershipStep.Promote);

    private static Command BuildRemove(CommandTerminal terminal) => BuildSteps(
        terminal,
        "remove",
        """
        Removes nodes from the swarm for good: their ids are never used again. A leader hands over first.

        Example:
          converge member remove 4 5
        """,
        MembershipStep.Remove);

    private static Command BuildSteps(CommandTerminal terminal, string name, string description, Func<NodeId, MembershipStep> step)
    {
        Argument<ulong[]> nodes = new("node") { Description = "The node's number.", HelpName = "N", Arity = ArgumentArity.OneOrMore };
        Option<string[]> urls = SwarmUrls.Option();
        Option<bool> json = CommonOptions.Json();
        Command command = new(name, description) { nodes, urls, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            ImmutableArray<MembershipStep> steps = [.. parsed.GetValue(nodes)!.Select(number => step(CommonOptions.Node(number)))];
            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            return Report(terminal, await ChangeAsync(swarm, steps, cancellation), parsed.GetValue(json));
        });
        return command;
    }

    private static MembershipStep Added(string text, MemberRole role)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || !ulong.TryParse(text.AsSpan(0, equals), NumberStyles.None, CultureInfo.InvariantCulture, out ulong number))
        {
            throw new CommandFault(ExitCode.Usage, $"'{text}' does not name a new member; one looks like 4=127.0.0.1:7204.");
        }

        string[] addresses = text[(equals + 1)..].Split(',', 2);
        MembershipStep step = MembershipStep.Add(CommonOptions.Node(number), role, addresses[0], addresses.Length > 1 ? addresses[1] : null);
        return MembershipRules.Check([step]) is { } fault ? throw new CommandFault(ExitCode.Usage, $"'{text}': {fault.Message}") : step;
    }

    private static Task<MembershipOutcome> ChangeAsync(SwarmConnection swarm, ImmutableArray<MembershipStep> steps, CancellationToken cancellationToken) =>
        MembershipRules.Check(steps) is { } fault
            ? throw new CommandFault(ExitCode.Usage, fault.Message)
            : swarm.CarryAsync(
                node => node.ChangeMembersAsync(steps, cancellationToken),
                outcome => outcome is MembershipNotChanged { Reason: MembershipRefusal.NoLeader or MembershipRefusal.Stopping });

    private static async Task<MembershipChanged> WaitForVotesAsync(SwarmConnection swarm, ImmutableArray<MembershipStep> steps, CancellationToken cancellationToken)
    {
        var pause = new Backoff();
        while (true)
        {
            try
            {
                SwarmMembers members = await swarm.AskAsync(node => node.GetMembersAsync(cancellationToken));
                if (!members.Changing && steps.All(step => members.Members.Any(member => member.Id == step.Node && member.Role == MemberRole.Voter)))
                {
                    SwarmStatus status = await swarm.AskAsync(node => node.GetStatusAsync(cancellationToken));
                    return new MembershipChanged(members.ChangedAt, status.Term, Of(members, MemberRole.Voter), Of(members, MemberRole.Learner));
                }
            }
            catch (SwarmUnavailableException)
            {
                // The change is in force; that nobody tells at the moment how far it has come takes nothing of it back.
            }

            await pause.WaitAsync(cancellationToken);
        }
    }

    private static ImmutableArray<NodeId> Of(SwarmMembers members, MemberRole role) =>
        [.. members.Members.Where(member => member.Role == role).Select(member => member.Id)];

    private static int Report(CommandTerminal terminal, MembershipOutcome outcome, bool json)
    {
        switch (outcome)
        {
            case MembershipChanged changed:
                if (!json && changed.Voters.Length % 2 == 0)
                {
                    terminal.Error.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"converge: {changed.Voters.Length} voters are an even number; they survive no more failures than {changed.Voters.Length - 1}."));
                }

                return terminal.Succeed(json, writer => Write(writer, changed), InWords(changed));
            case MembershipNotChanged refused:
                return terminal.Fail(ExitOf(refused.Reason), refused.Message);
            case MembershipChangeUnknown unknown:
                return terminal.Fail(ExitCode.OutcomeUnknown, unknown.Message, "'converge member list' tells who takes part.");
            default:
                throw new InvalidOperationException($"Not one of the three outcomes: {outcome}.");
        }
    }

    private static string InWords(MembershipChanged changed)
    {
        string learners = changed.Learners.IsEmpty ? "" : $"; without a vote: {string.Join(' ', changed.Learners)}";
        return string.Create(
            CultureInfo.InvariantCulture, $"Changed with entry {changed.Index} of term {changed.Term}. Voters: {string.Join(' ', changed.Voters)}{learners}.");
    }

    /// <summary>What could never be so was typed wrong; what does not fit these members was refused by them.</summary>
    private static int ExitOf(MembershipRefusal reason) => reason switch
    {
        MembershipRefusal.NoLeader or MembershipRefusal.Busy or MembershipRefusal.Stopping or MembershipRefusal.NoSpace => ExitCode.Unavailable,
        MembershipRefusal.InvalidChange or MembershipRefusal.InvalidAddress => ExitCode.Usage,
        _ => ExitCode.Failed,
    };

    private static void Write(Utf8JsonWriter json, MembershipChanged changed)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, changed.Index.Value);
        json.WriteNumber("term"u8, changed.Term.Value);
        foreach ((string name, ImmutableArray<NodeId> nodes) in new[] { ("voters", changed.Voters), ("learners", changed.Learners) })
        {
            json.WriteStartArray(name);
            foreach (NodeId node in nodes)
            {
                json.WriteNumberValue(node.Value);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}
