using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Cli.Verify;
using Converge.Swarm.Ledger;
using Spectre.Console;

namespace Converge.Swarm.Cli.Receipt;

/// <summary><c>converge receipt</c>: fetches the proof that a record is in the ledger, and checks one without any node.</summary>
internal static class ReceiptCommand
{
    public static Command Build(CommandTerminal terminal) => new(
        "receipt",
        """
        Receipts: the proof that a record is in the ledger, for those who do not run a node.

        Examples:
          converge receipt get 42 --out r42.json
          converge receipt verify r42.json --head head.json
        """)
    {
        BuildGet(terminal),
        BuildVerify(terminal),
    };

    private static Command BuildGet(CommandTerminal terminal)
    {
        Argument<ulong> sequence = new("sequence") { Description = "The record, as 'converge log' numbers it." };
        Option<FileInfo?> file = new("--out") { Description = "Writes the receipt to a file instead.", HelpName = "FILE" };
        Option<FileInfo?> head = new("--head")
        {
            Description = "A head saved earlier ('converge log --head --json'): the receipt is made for it.",
            HelpName = "FILE",
        };
        Option<string[]> urls = SwarmUrls.Option();
        Command command = new(
            "get",
            """
            Fetches the receipt of a record. It is checked before it is given out.

            Examples:
              converge receipt get 42
              converge receipt get 42 --head head.json --out r42.json
            """)
        {
            sequence, file, head, urls,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            using SwarmConnection swarm = new(SwarmUrls.Of(parsed.GetValue(urls)));
            LedgerHead? saved = parsed.GetValue(head) is { } from ? SavedHead.Read(from) : null;
            LedgerReceipt receipt = await FetchAsync(swarm, parsed.GetRequiredValue(sequence), saved, cancellation);
            IReadOnlyList<string> problems = ReceiptVerifier.Verify(receipt, saved);
            if (problems.Count > 0)
            {
                return terminal.Fail(ExitCode.Failed, "the node's receipt does not hold.", problems);
            }

            byte[] json = LedgerReceiptJson.ToUtf8(receipt);
            if (parsed.GetValue(file) is { } target)
            {
                await using WholeFile written = WholeFile.Create(target);
                await written.Content.WriteAsync(json, cancellation);
                written.Content.WriteByte((byte)'\n');
                written.Commit();
            }
            else
            {
                terminal.WriteJson(json);
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static Command BuildVerify(CommandTerminal terminal)
    {
        Argument<FileInfo> file = new("file") { Description = "A receipt ('converge receipt get').", HelpName = "FILE" };
        Option<FileInfo?> head = new("--head")
        {
            Description = "A head saved earlier: the receipt must be for it. Without it, the receipt only shows to be in harmony with itself.",
            HelpName = "FILE",
        };
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "verify",
            """
            Checks a receipt without any node: every byte of it, the record's hash, and the path to the head's root.

            Ends with 0 when it holds, with 1 when it does not.

            Example:
              converge receipt verify r42.json --head head.json
            """)
        {
            file, head, json,
        };
        command.SetAction(parsed =>
        {
            FileInfo named = parsed.GetRequiredValue(file);
            LedgerHead? saved = parsed.GetValue(head) is { } from ? SavedHead.Read(from) : null;
            byte[] bytes = SmallFile.Read(named, LedgerReceiptJson.MaxBytes + 1, "receipt");
            IReadOnlyList<string> problems = LedgerReceiptJson.TryParse(bytes, out LedgerReceipt? receipt, out InputFault? fault)
                ? ReceiptVerifier.Verify(receipt, saved)
                : [$"It is not a receipt: {fault.Message}"];
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(writer => Write(writer, receipt, saved is not null, problems));
            }
            else
            {
                Show(terminal.Screen, named.ToString(), receipt, saved is not null, problems);
            }

            return problems.Count == 0 ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }

    private static async Task<LedgerReceipt> FetchAsync(SwarmConnection swarm, ulong sequence, LedgerHead? saved, CancellationToken cancellationToken)
    {
        try
        {
            return await swarm.AskAsync(node => node.GetReceiptAsync(sequence, saved?.Sequence, cancellationToken));
        }
        catch (LedgerRangeException range)
        {
            throw new CommandFault(range.IsBeyondLedger ? ExitCode.Failed : ExitCode.Usage, range.Message);
        }
    }

    private static void Write(Utf8JsonWriter json, LedgerReceipt? receipt, bool comparedWithHead, IReadOnlyList<string> problems)
    {
        json.WriteStartObject();
        json.WriteBoolean("ok", problems.Count == 0);
        json.WriteBoolean("compared_with_head", comparedWithHead);
        if (receipt is not null)
        {
            json.WriteNumber("sequence", receipt.Record.Sequence);
            json.WritePropertyName("head");
            LedgerHeadJson.Write(json, receipt.Head);
        }

        json.WriteStartArray("problems");
        foreach (string problem in problems)
        {
            json.WriteStringValue(problem);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Show(IAnsiConsole screen, string file, LedgerReceipt? receipt, bool comparedWithHead, IReadOnlyList<string> problems)
    {
        if (receipt is not null)
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"record {receipt.Record.Sequence} of {receipt.Head.Sequence:N0} in {file}");
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"root   {receipt.Head.Root}");
        }

        foreach (string problem in problems)
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[red]{Printable.Line(problem)}[/]");
        }

        screen.MarkupLine(problems.Count > 0 ? "[red]This receipt does not hold.[/]"
            : comparedWithHead ? "[green]It holds, under the saved head.[/]"
            : "[green]It holds.[/] Compare the root with a head that you have from elsewhere (--head).");
    }
}
