using System.Text.Json;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Ledger;

/// <summary>The documented encoding alone must do: the program in the page on the ledger derives the head that this program derives.</summary>
public sealed class LedgerInPythonTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [PythonFact]
    public void The_program_in_the_page_derives_the_head_of_a_ledger_with_facts_of_every_kind() => RequireSameHead(SampleLedger.OfSampleFile());

    [PythonFact]
    public void The_program_in_the_page_derives_the_head_of_a_ledger_with_records_of_every_kind() => RequireSameHead(SampleLedger.OfEveryRecordKind());

    [PythonFact]
    public void The_program_in_the_page_derives_the_head_of_an_empty_ledger() => RequireSameHead([]);

    [PythonFact]
    public void The_program_in_the_page_notices_what_was_changed_left_out_or_moved()
    {
        string[] lines = Lines(SampleLedger.Records(9));
        foreach ((string[] tampered, string said) in new[]
        {
            ([.. lines[..4], lines[4].Replace("\"author://é\"", "\"author://e\"", StringComparison.Ordinal), .. lines[5..]], "record 5 was changed"),
            ([.. lines[..4], .. lines[5..]], "missing, doubled or out of order: 6"),
            ([.. lines[..4], lines[5], lines[4], .. lines[6..]], "missing, doubled or out of order: 6"),
            (lines[1..], "missing, doubled or out of order: 2"),
        })
        {
            (int code, string output, string error) = Run(tampered);
            Assert.Equal((1, ""), (code, output));
            Assert.Contains(said, error, StringComparison.Ordinal);
        }
    }

    private void RequireSameHead(EncodedRecord[] records)
    {
        LedgerHead head = SampleLedger.HeadOf(records);
        (int code, string output, string error) = Run(Lines(records));
        Assert.True(code == 0, error);
        JsonElement derived = JsonDocument.Parse(output).RootElement;
        Assert.Equal(
            (head.Sequence, head.Hash, head.Root),
            (derived.GetProperty("sequence").GetUInt64(), derived.GetProperty("hash").GetString(), derived.GetProperty("root").GetString()));
    }

    private static string[] Lines(EncodedRecord[] records) =>
        [.. records.Select(record => System.Text.Encoding.UTF8.GetString(LedgerRecordJson.ToUtf8(LedgerRecordCodec.Decode(record))))];

    private (int Code, string Output, string Error) Run(string[] lines) =>
        DocumentedPython.Run("ledger.md", _folder.Path, [], System.Text.Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => $"{line}\n"))));
}
