using System.CommandLine;
using System.Globalization;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Spectre.Console;

namespace Converge.Swarm.Cli.Propose;

/// <summary><c>converge propose KIND ID</c>: states one fact. A command for each of the seven kinds, with the fields of that kind.</summary>
internal static class ProposeCommand
{
    private const double DefaultTimeoutSeconds = 30;

    public static Command Build(CommandTerminal terminal)
    {
        Command command = new(
            "propose",
            """
            States one fact about a proposal and waits until the swarm has agreed on it.

            Ends with 0 when it is recorded, with 1 when it is refused, with 3 when the swarm could not agree in time,
            with 4 when the outcome is not known. Under the same --session and --number it may be repeated safely.

            Examples:
              converge propose proposal_created p1 --author ann --title "Faster builds"
              converge propose validation_passed p1 --validator ci
              converge propose promotion_approved p1 --approver bob
              converge propose rollback_issued p1 --issuer bob --reason "Slower after all"
            """);
        foreach (FactKind kind in Enum.GetValues<FactKind>())
        {
            command.Add(BuildKind(kind, terminal));
        }

        return command;
    }

    private static Command BuildKind(FactKind kind, CommandTerminal terminal)
    {
        Argument<string> proposal = new("id") { Description = kind == FactKind.ProposalCreated ? "A new id." : "The proposal's id." };
        Option<string> actor = new($"--{kind.ActorField()}") { Description = "Who states it.", HelpName = "NAME", Required = true };
        Option<string?>? text = kind.TextField() is { } field
            ? new($"--{field}") { Description = DescriptionOf(field), HelpName = "TEXT", Required = kind.RequiresReason() }
            : null;
        Option<string?>? contentHash = kind == FactKind.ProposalCreated
            ? new("--content-hash") { Description = "Names the content that is judged.", HelpName = "HASH" }
            : null;
        Option<long?> at = new("--at") { Description = "When it happened, as you say: Unix seconds.", HelpName = "SECONDS" };
        Option<ulong?> revision = new("--expected-revision")
        {
            Description = "Refuses the fact unless exactly so many are recorded for the proposal.",
            HelpName = "N",
        };
        Option<string?> session = new("--session") { Description = "Names your session, for safe repetition; with --number.", HelpName = "NAME" };
        Option<ulong?> number = new("--number") { Description = "The command's number in your session, from 1.", HelpName = "N" };
        Option<string?> lamport = new("--lamport") { Description = "Your own logical time, as counter@node.", HelpName = "TIME" };
        Option<double> timeout = CommonOptions.TimeoutSeconds(DefaultTimeoutSeconds, "How long to try before giving up.");
        Option<string[]> urls = SwarmUrls.Option();
        Option<bool> json = CommonOptions.Json();
        Command command = new(kind.Name(), $"{AboutKind(kind)}\n\nExample:\n  {ExampleOf(kind)}") { proposal, actor };
        foreach (Option? option in new Option?[] { text, contentHash, at, revision, session, number, lamport, timeout, urls, json })
        {
            if (option is not null)
            {
                command.Add(option);
            }
        }

        command.SetAction(async (parsed, cancellation) =>
        {
            FactSubmission submission = new(
                FactShape.Create(
                    kind,
                    parsed.GetRequiredValue(proposal),
                    parsed.GetRequiredValue(actor),
                    text is null ? null : parsed.GetValue(text),
                    contentHash is null ? null : parsed.GetValue(contentHash)),
                parsed.GetValue(at),
                CommandIdOf(parsed.GetValue(session), parsed.GetValue(number)),
                parsed.GetValue(revision),
                LamportOf(parsed.GetValue(lamport)));
            if (SubmissionRules.Check(submission) is { } fault)
            {
                throw new CommandFault(ExitCode.Usage, fault.Message);
            }

            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            CommitAnswer answer = await PersistentCommit.CommitAsync(swarm, submission, CommonOptions.Timeout(parsed, timeout), cancellation);
            return Answer(terminal, submission, answer, parsed.GetValue(json));
        });
        return command;
    }

    private static string AboutKind(FactKind kind) => kind switch
    {
        FactKind.ProposalCreated => "A change is proposed.",
        FactKind.ValidationPassed => "A validator finds it good; its latest result counts.",
        FactKind.ValidationFailed => "A validator finds it wanting.",
        FactKind.PromotionApproved => "It may be promoted.",
        FactKind.PromotionRejected => "It may not be promoted.",
        FactKind.RollbackIssued => "An approved change is taken back.",
        FactKind.OverrideGranted => "Failures and a rejection recorded so far are set aside.",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not one of the seven facts."),
    };

    private static string ExampleOf(FactKind kind)
    {
        string text = kind.TextField() is { } field ? $" --{field} \"{(kind == FactKind.ProposalCreated ? "Faster builds" : "two tests are red")}\"" : "";
        return $"converge propose {kind.Name()} p1 --{kind.ActorField()} ann{text}";
    }

    private static string DescriptionOf(string field) => field switch
    {
        "title" => "What is proposed, in a line.",
        "detail" => "What was judged, or how.",
        _ => "Why.",
    };

    private static CommandId? CommandIdOf(string? session, ulong? number) => (session, number) switch
    {
        (null, null) => new CommandId($"converge-{Guid.NewGuid():N}", 1),
        ({ } name, { } value) => new CommandId(name, value),
        _ => throw new CommandFault(ExitCode.Usage, "--session and --number belong together."),
    };

    private static LamportTimestamp? LamportOf(string? text)
    {
        if (text is null)
        {
            return null;
        }

        string[] parts = text.Split('@');
        return parts.Length == 2
            && ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong counter)
            && ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong node)
            ? new LamportTimestamp(counter, new NodeId(node))
            : throw new CommandFault(ExitCode.Usage, "--lamport looks like 17@4: a counter and a node.");
    }

    private static int Answer(CommandTerminal terminal, FactSubmission submission, CommitAnswer answer, bool json)
    {
        if (json)
        {
            terminal.WriteJson(CommitAnswerJson.ToUtf8(answer));
        }

        switch (answer)
        {
            case FactAccepted accepted:
                if (!json)
                {
                    terminal.Screen.MarkupLineInterpolated(
                        CultureInfo.InvariantCulture,
                        $"[green]recorded[/] as record {accepted.Sequence}, term {accepted.Term}: fact {accepted.Revision} about {Printable.Line(submission.Fact.ProposalId)}");
                    terminal.Out.WriteLine($"hash {accepted.Hash}");
                }

                return ExitCode.Success;
            case FactRefused refused:
                return terminal.Fail(ExitCode.Failed, $"refused as {refused.Code.Name()}: {refused.Code.Explain()}");
            case FactNotCommitted { Reason: NotCommittedReason.TooLarge } tooLarge:
                return terminal.Fail(ExitCode.Usage, tooLarge.Message);
            case FactNotCommitted notCommitted:
                return terminal.Fail(ExitCode.Unavailable, $"not committed ({notCommitted.Reason.Name()}): {notCommitted.Message}");
            case FactOutcomeUnknown unknown:
                CommandId command = submission.CommandId!;
                return terminal.Fail(ExitCode.OutcomeUnknown, string.Create(
                    CultureInfo.InvariantCulture,
                    $"the outcome is not known: {unknown.Message} Repeat it with --session {command.Session} --number {command.Number}."));
            default:
                throw new InvalidOperationException($"Not one of the four answers: {answer}.");
        }
    }
}
