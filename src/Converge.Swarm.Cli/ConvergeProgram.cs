using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Converge.Core;
using Converge.Swarm.Cli.Completion;
using Converge.Swarm.Cli.Demo;
using Converge.Swarm.Cli.Export;
using Converge.Swarm.Cli.Help;
using Converge.Swarm.Cli.Import;
using Converge.Swarm.Cli.Leader;
using Converge.Swarm.Cli.Log;
using Converge.Swarm.Cli.Members;
using Converge.Swarm.Cli.Nodes;
using Converge.Swarm.Cli.Projection;
using Converge.Swarm.Cli.Proposal;
using Converge.Swarm.Cli.Propose;
using Converge.Swarm.Cli.Receipt;
using Converge.Swarm.Cli.Status;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Cli.Up;
using Converge.Swarm.Cli.Verify;

namespace Converge.Swarm.Cli;

/// <summary>The program: finds the command, runs it, and turns whatever goes wrong into one sentence and an exit code.</summary>
internal static class ConvergeProgram
{
    private const string Description =
        """
        Converge Swarm: an odd number of nodes agree on one ordered, durable, tamper-evident list of governance facts.

        First steps:
          converge up                                            three nodes on this machine
          converge propose proposal_created p1 --author ann      state a fact
          converge propose promotion_approved p1 --approver bob  and another one
          converge proposal p1                                   what is recorded about p1
          converge log                                           the ledger
          converge verify http://127.0.0.1:7101                  the proof that nothing was changed
        """;

    /// <summary>Runs one command line.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] arguments, CommandTerminal terminal, CancellationToken stopping)
    {
        ParseResult parsed = Root(terminal).Parse(arguments);
        if (parsed.Action is ParseErrorAction || (parsed.Action is null && parsed.Errors.Count == 0))
        {
            return Misunderstood(parsed, terminal);
        }

        InvocationConfiguration invocation = new()
        {
            Output = terminal.Out,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,

            // Signals are answered in one place, for all commands alike.
            ProcessTerminationTimeout = null,
        };
        try
        {
            return await parsed.InvokeAsync(invocation, stopping);
        }
        catch (CommandFault fault)
        {
            return terminal.Fail(fault.ExitCode, fault.Message, fault.Details);
        }
        catch (SwarmUnavailableException fault)
        {
            // What the settings rule out does not become possible by trying again.
            return terminal.Fail(fault.Reason == NotCommittedReason.NoLease ? ExitCode.Failed : ExitCode.Unavailable, fault.Message);
        }
        catch (SwarmProtocolException fault)
        {
            return terminal.Fail(ExitCode.Failed, fault.Message);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return terminal.Fail(ExitCode.Interrupted, "interrupted.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return terminal.Fail(ExitCode.Failed, fault.Message);
        }
        catch (Exception fault)
        {
            // Nobody foresaw this one; whoever mends it needs all of it.
            string[] lines = fault.ToString().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            return terminal.Fail(ExitCode.ProgramFault, $"this is a fault of the program itself: {fault.Message}", lines);
        }
    }

    /// <summary>The program with all its commands.</summary>
    public static RootCommand Root(CommandTerminal terminal)
    {
        RootCommand root = Commands(terminal);
        HelpWithExitCodes.AddTo(root);
        return root;
    }

    private static RootCommand Commands(CommandTerminal terminal) => new(Description)
    {
        UpCommand.Build(terminal),
        NodeCommand.Build(terminal),
        ProposeCommand.Build(terminal),
        ProposalCommand.Build(terminal),
        LogCommand.Build(terminal),
        StatusCommand.Build(terminal),
        LeaderCommand.Build(terminal),
        MemberCommand.Build(terminal),
        ImportCommand.Build(terminal),
        ExportCommand.Build(terminal),
        ReceiptCommand.Build(terminal),
        VerifyCommand.Build(terminal),
        ProjectionCommand.Build(terminal),
        DemoCommand.Build(terminal),
        CompletionCommand.Build(terminal),
        HelpCommand.Build(terminal, (arguments, stopping) => RunAsync(arguments, terminal, stopping)),
    };

    private static int Misunderstood(ParseResult parsed, CommandTerminal terminal)
    {
        string command = string.Join(' ', Names(parsed.CommandResult));
        string message = parsed.UnmatchedTokens.Count > 0 ? $"'{parsed.UnmatchedTokens[0]}' is not understood."
            : parsed.CommandResult.Command.Subcommands.Count > 0 ? "a command is missing."
            : WrongValue.Explain(parsed) ?? parsed.Errors[0].Message;
        return terminal.Fail(ExitCode.Usage, $"{message} Try '{command} --help'.");
    }

    private static IEnumerable<string> Names(CommandResult result)
    {
        IEnumerable<string> above = result.Parent is CommandResult parent ? Names(parent) : [];
        return above.Append(result.Command is RootCommand ? "converge" : result.Command.Name);
    }
}
