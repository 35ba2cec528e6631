using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Cli.Connection;
using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Ledger;
using Spectre.Console;

namespace Converge.Swarm.Cli.Verify;

/// <summary><c>converge verify DIR|FILE|URL</c>: derives everything about a ledger anew and compares.</summary>
internal static class VerifyCommand
{
    public static Command Build(CommandTerminal terminal)
    {
        Argument<string> target = new("target") { Description = "A node's address, the data folder of a node that does not run, or a file of 'converge export'.", HelpName = "DIR|FILE|URL" };
        Option<FileInfo?> head = new("--head")
        {
            Description = "A head saved earlier ('converge log --head --json'): the ledger must still hold all of it, unchanged.",
            HelpName = "FILE",
        };
        Option<bool> json = CommonOptions.Json();
        Command command = new(
            "verify",
            """
            Proves that a ledger is whole. Every record's hash, the chain of hashes, the Merkle root and the order of times are derived
            anew, and compared with a head saved earlier.

            Ends with 0 when everything holds, with 1 when something does not.

            Examples:
              converge verify http://127.0.0.1:7101
              converge verify data/up/node1 --head head.json
              converge verify ledger.jsonl
            """)
        {
            target, head, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string named = parsed.GetRequiredValue(target);
            LedgerHead? saved = parsed.GetValue(head) is { } file ? SavedHead.Read(file) : null;
            LedgerVerification verification = SwarmUrls.TryParse(named) is { } url
                ? await LedgerProof.OfNodeAsync(url, saved, cancellation)
                : File.Exists(named) ? await LedgerFile.VerifyAsync(new FileInfo(named), saved, cancellation)
                : LedgerProof.OfFolder(named, saved);
            if (parsed.GetValue(json))
            {
                terminal.WriteJson(writer => Write(writer, verification));
            }
            else
            {
                Show(terminal.Screen, named, verification);
            }

            return verification.Ok ? ExitCode.Success : ExitCode.Failed;
        });
        return command;
    }

    private static void Write(Utf8JsonWriter json, LedgerVerification verification)
    {
        json.WriteStartObject();
        json.WriteNumber("records", verification.Records);
        if (verification.IsExcerpt)
        {
            json.WriteNumber("first", verification.FirstSequence);
            json.WriteNumber("last", verification.Head.Sequence);
            json.WriteString("hash", verification.Head.Hash);
        }
        else
        {
            json.WritePropertyName("head");
            LedgerHeadJson.Write(json, verification.Head);
            json.WriteString("root", verification.Root);
        }

        json.WriteBoolean("ok", verification.Ok);
        WriteTexts(json, "problems", verification.Problems);
        WriteTexts(json, "remarks", verification.Remarks);
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static void Show(IAnsiConsole screen, string target, LedgerVerification verification)
    {
        screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{verification.Records:N0} records in {target}");
        screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"hash  {verification.Head.Hash}");
        if (verification.IsExcerpt)
        {
            screen.MarkupLineInterpolated(
                CultureInfo.InvariantCulture, $"[grey]An excerpt from record {verification.FirstSequence} on: what came before it, and so the Merkle root, cannot be told.[/]");
        }
        else
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"root  {verification.Root}");
        }

        foreach (string remark in verification.Remarks)
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[grey]{Printable.Line(remark)}[/]");
        }

        foreach (string problem in verification.Problems)
        {
            screen.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[red]{Printable.Line(problem)}[/]");
        }

        screen.MarkupLine(verification.Ok ? "[green]Everything holds.[/]" : "[red]This ledger does not hold.[/]");
    }
}
