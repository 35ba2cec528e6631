using System.Diagnostics;
using System.Globalization;
using System.Text;
using Converge.Core.Json;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Ledger;

/// <summary>The documented encoding alone must do: the program in the page on receipts judges receipts as this program does.</summary>
public sealed class ReceiptInPythonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [PythonFact]
    public void The_program_in_the_page_takes_every_sound_receipt()
    {
        EncodedRecord[] records = SampleLedger.Records(21);
        using GovernanceLedger ledger = Open(records);
        List<string> files = [];
        for (ulong size = 1; size <= 21; size += 4)
        {
            for (ulong sequence = 1; sequence <= size; sequence++)
            {
                files.Add(Write($"{size}-{sequence}", [.. LedgerReceiptJson.ToUtf8(ledger.Receipt(sequence, size)), (byte)'\n']));
            }
        }

        (int code, string[] lines) = Run(files);
        Assert.Equal(files.Count, lines.Length);
        Assert.All(lines, line => Assert.Contains(" holds under ", line, StringComparison.Ordinal));
        Assert.Equal(0, code);
    }

    [PythonFact]
    public void The_program_in_the_page_notices_any_flipped_byte()
    {
        using GovernanceLedger ledger = Open(SampleLedger.Records(11));
        byte[] receipt = LedgerReceiptJson.ToUtf8(ledger.Receipt(5));
        List<string> files = [];
        for (int at = 0; at < receipt.Length; at++)
        {
            byte[] flipped = [.. receipt];
            flipped[at] ^= (byte)(1 << (at % 8));
            files.Add(Write(at.ToString(CultureInfo.InvariantCulture), flipped));
        }

        (int code, string[] lines) = Run(files);
        Assert.Equal(files.Count, lines.Length);
        Assert.All(lines, line => Assert.Contains(" does not hold", line, StringComparison.Ordinal));
        Assert.Equal(1, code);
    }

    [PythonFact]
    public void The_program_in_the_page_compares_with_a_saved_head()
    {
        EncodedRecord[] records = SampleLedger.Records(11);
        using GovernanceLedger ledger = Open(records);
        string receipt = Write("receipt", LedgerReceiptJson.ToUtf8(ledger.Receipt(5)));
        string same = Write("same", LedgerHeadJson.ToUtf8(SampleLedger.HeadOf(records)));
        string other = Write("other", LedgerHeadJson.ToUtf8(SampleLedger.HeadOf(records[..10])));

        Assert.Equal(0, Run(["--head", same, receipt]).Code);
        Assert.Equal(1, Run(["--head", other, receipt]).Code);
    }

    private static GovernanceLedger Open(EncodedRecord[] records)
    {
        GovernanceLedger ledger = GovernanceLedger.Open(
            new FaultyDisk(), "ledger", new GovernanceLedgerOptions { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes });
        foreach (EncodedRecord record in records)
        {
            ledger.Append(record);
        }

        return ledger;
    }

    private string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder.Path, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private (int Code, string[] Lines) Run(List<string> arguments)
    {
        string page = File.ReadAllText(RepositoryFiles.Find("docs", "formats", "receipt.md"));
        string program = Write("program.py", Encoding.UTF8.GetBytes(RepositoryFiles.CodeBlock(page, "python")));
        ProcessStartInfo start = new(PythonFactAttribute.Python!, [program, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8 };
        using Process python = Process.Start(start)!;
        string output = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        return (python.ExitCode, output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}

/// <summary>A test that runs Python, and says so when there is none.</summary>
public sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute() => Skip = Python is null ? "There is no python3 in the PATH." : null;

    public static string? Python { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .SelectMany(folder => new[] { Path.Combine(folder, "python3"), Path.Combine(folder, "python3.exe") })
        .FirstOrDefault(File.Exists);
}
