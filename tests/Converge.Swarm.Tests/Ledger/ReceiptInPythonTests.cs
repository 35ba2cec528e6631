using System.Globalization;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Ledger;

/// <summary>The documented encoding alone must do: the program in the page on receipts judges receipts as this program does.</summary>
public sealed class ReceiptInPythonTests : IDisposable
{
    private const int RecordsInAFlush = 50;

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
    public void The_program_in_the_page_takes_receipts_of_records_and_facts_of_every_kind()
    {
        List<string> files = [];
        foreach (EncodedRecord[] records in new[] { SampleLedger.OfEveryRecordKind(), SampleLedger.OfSampleFile() })
        {
            using GovernanceLedger ledger = Open(records);
            IEnumerable<LedgerRecord> oneOfEach = records.Select(LedgerRecordCodec.Decode).DistinctBy(record => (record.Kind, record.Submission?.Fact.Kind));
            files.AddRange(oneOfEach.Select(record => Write($"{records.Length}-{record.Sequence}", LedgerReceiptJson.ToUtf8(ledger.Receipt(record.Sequence)))));
        }

        (int code, string[] lines) = Run(files);
        Assert.Equal(3 + 1 + Enum.GetValues<FactKind>().Length, files.Count);
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
        foreach (EncodedRecord[] some in records.Chunk(RecordsInAFlush))
        {
            foreach (EncodedRecord record in some)
            {
                ledger.Append(record);
            }

            ledger.Flush();
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
        (int code, string output, _) = DocumentedPython.Run("receipt.md", _folder.Path, arguments);
        return (code, output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
