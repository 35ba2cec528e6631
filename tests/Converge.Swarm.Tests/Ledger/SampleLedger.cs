using System.Text;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Governance;

namespace Converge.Swarm.Tests.Ledger;

/// <summary>Small chains of records, as applying a log makes them.</summary>
internal static class SampleLedger
{
    /// <summary>Records of all shapes: one authority, then facts with and without a command id.</summary>
    public static EncodedRecord[] Records(int count)
    {
        var log = new AgreedLog();
        log.CommitAuthority(new NodeId(1));
        for (int i = 0; log.Records.Count < count; i++)
        {
            log.Commit(new FactSubmission(
                new ProposalCreated($"p-{i}", "author://é", i % 2 == 0 ? "A title" : null, "c0ffee"),
                i % 3 == 0 ? 1_700_000_000 + i : null,
                i % 2 == 0 ? new CommandId("s", (ulong)i + 1) : null,
                i % 4 == 0 ? 0 : null,
                i % 5 == 0 ? new LamportTimestamp((ulong)i, new NodeId(7)) : null));
        }

        return [.. log.Records.Take(count)];
    }

    /// <summary>One authority, then what becomes of the repository's sample: facts of all seven kinds.</summary>
    public static EncodedRecord[] OfSampleFile()
    {
        var log = new AgreedLog();
        log.CommitAuthority(new NodeId(1));
        foreach (string line in File.ReadLines(RepositoryFiles.Find("samples", "governance-sample.jsonl")))
        {
            Assert.True(FactJson.TryParse(Encoding.UTF8.GetBytes(line), out FactSubmission? submission, out _), line);
            log.Commit(submission);
        }

        return [.. log.Records];
    }

    /// <summary>One record of each kind there is.</summary>
    public static EncodedRecord[] OfEveryRecordKind() => [.. LedgerRecordCodecTests.OneOfEachKind.Select(record => LedgerRecordCodec.Encode(record))];

    public static LedgerHead HeadOf(IEnumerable<EncodedRecord> records)
    {
        LedgerVerification verification = LedgerVerifier.VerifyRecords(records.Select(LedgerRecordCodec.Decode));
        Assert.Empty(verification.Problems);
        return verification.Head;
    }
}
