using System.Globalization;
using System.Text;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Ledger;

public sealed class ReceiptTests : IDisposable
{
    private readonly EncodedRecord[] _records = SampleLedger.Records(21);
    private readonly GovernanceLedger _ledger;

    public ReceiptTests()
    {
        _ledger = GovernanceLedger.Open(new FaultyDisk(), "ledger", new GovernanceLedgerOptions { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes });
        foreach (EncodedRecord record in _records)
        {
            _ledger.Append(record);
        }
    }

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public void Every_receipt_of_every_head_holds_and_is_read_back_as_it_was_written()
    {
        for (ulong size = 1; size <= (ulong)_records.Length; size++)
        {
            LedgerHead head = SampleLedger.HeadOf(_records[..(int)size]);
            for (ulong sequence = 1; sequence <= size; sequence++)
            {
                byte[] json = LedgerReceiptJson.ToUtf8(_ledger.Receipt(sequence, size));
                Assert.True(LedgerReceiptJson.TryParse(json, out LedgerReceipt? receipt, out InputFault? fault), fault?.Message);
                Assert.Equal(json, LedgerReceiptJson.ToUtf8(receipt));
                Assert.Empty(ReceiptVerifier.Verify(receipt));
                Assert.Empty(ReceiptVerifier.Verify(receipt, head));
            }
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 21)]
    [InlineData(8, 20)]
    [InlineData(21, 21)]
    public void Any_flipped_bit_of_a_receipt_is_noticed(ulong sequence, ulong size) =>
        AssertEveryBitCounts(LedgerReceiptJson.ToUtf8(_ledger.Receipt(sequence, size)), bytes => LedgerReceiptJson.TryParse(bytes, out _, out _));

    [Fact]
    public void Any_flipped_bit_of_a_proof_is_noticed()
    {
        AssertEveryBitCounts(InclusionProofJson.ToUtf8(_ledger.ProveInclusion(7)), bytes => InclusionProofJson.TryParse(bytes, out _, out _));
        AssertEveryBitCounts(ConsistencyProofJson.ToUtf8(_ledger.ProveConsistency(7)), bytes => ConsistencyProofJson.TryParse(bytes, out _, out _));
    }

    [Fact]
    public void Any_cut_or_lengthened_receipt_is_noticed()
    {
        byte[] json = LedgerReceiptJson.ToUtf8(_ledger.Receipt(8));
        for (int length = 0; length < json.Length; length++)
        {
            Assert.False(LedgerReceiptJson.TryParse(json.AsSpan(0, length), out _, out _));
        }

        Assert.True(LedgerReceiptJson.TryParse([.. json, (byte)'\n'], out _, out _));
        Assert.False(LedgerReceiptJson.TryParse([.. json, (byte)'\n', (byte)'\n'], out _, out _));
        Assert.False(LedgerReceiptJson.TryParse([.. json, (byte)' '], out _, out _));
        Assert.False(LedgerReceiptJson.TryParse([(byte)' ', .. json], out _, out _));
    }

    [Fact]
    public void A_receipt_that_was_changed_and_sealed_again_does_not_hold()
    {
        LedgerReceipt sound = _ledger.Receipt(8, 20);
        LedgerRecord record = sound.Record;
        LedgerHead head = sound.Head;
        string other = new('1', 64);
        LedgerReceipt[] changes =
        [
            sound with { Record = record with { TimeUnixMilliseconds = record.TimeUnixMilliseconds + 1 } },
            sound with { Record = record with { Hash = other } },
            sound with { Record = record with { PreviousHash = other } },
            sound with { Record = record with { Sequence = 9 } },
            sound with { Record = record with { Submission = record.Submission! with { At = 1 } } },
            sound with { Record = record with { Kind = RecordKind.Membership } },
            sound with { Record = Rehashed(record with { Term = new Term(9) }) },
            sound with { Head = head with { Root = other } },
            sound with { Head = head with { Sequence = 7 } },
            sound with { Head = head with { Sequence = 1_000 } },
            sound with { Head = head with { Index = record.Index } },
            sound with { Head = head with { Term = Term.Zero } },
            sound with { Path = [.. sound.Path.Reverse()] },
            sound with { Path = [.. sound.Path.Skip(1)] },
            sound with { Path = [.. sound.Path, other] },
            sound with { Path = ["x", .. sound.Path.Skip(1)] },
        ];
        Assert.All(changes, changed => Assert.NotEmpty(ReceiptVerifier.Verify(changed)));

        LedgerReceipt last = _ledger.Receipt(21);
        Assert.NotEmpty(ReceiptVerifier.Verify(last with { Head = last.Head with { Hash = other } }));
        Assert.NotEmpty(ReceiptVerifier.Verify(last with { Head = last.Head with { Index = last.Head.Index.Next } }));
    }

    [Fact]
    public void A_saved_head_finds_what_a_receipt_alone_cannot_tell()
    {
        LedgerReceipt sound = _ledger.Receipt(8, 20);
        Assert.Empty(ReceiptVerifier.Verify(sound, sound.Head));

        // Of a tree's size its root says only so much: with another size near it the same path leads to the same root.
        LedgerReceipt resized = sound with { Head = sound.Head with { Sequence = 19 } };
        Assert.Empty(ReceiptVerifier.Verify(resized));
        Assert.Contains("saved one 20", Assert.Single(ReceiptVerifier.Verify(resized, sound.Head)), StringComparison.Ordinal);
        Assert.Contains("not the saved one", Assert.Single(ReceiptVerifier.Verify(sound, sound.Head with { Hash = new string('1', 64) })), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"version":2,"record":RECORD,"head":HEAD,"path":[]""", "version", InputFaultCode.InvalidValue)]
    [InlineData("""{"record":RECORD,"head":HEAD,"path":[]""", "version", InputFaultCode.MissingField)]
    [InlineData("""{"version":1,"head":HEAD,"path":[]""", "record", InputFaultCode.MissingField)]
    [InlineData("""{"version":1,"record":RECORD,"path":[]""", "head", InputFaultCode.MissingField)]
    [InlineData("""{"version":1,"record":RECORD,"head":HEAD""", "path", InputFaultCode.MissingField)]
    [InlineData("""{"version":1,"record":RECORD,"record":RECORD,"head":HEAD,"path":[]""", "record", InputFaultCode.DuplicateField)]
    [InlineData("""{"version":1,"record":RECORD,"head":HEAD,"path":[],"more":1""", "more", InputFaultCode.UnknownField)]
    [InlineData("""{"version":1,"record":{},"head":HEAD,"path":[]""", "record.sequence", InputFaultCode.MissingField)]
    [InlineData("""{"version":1,"record":null,"head":HEAD,"path":[]""", "record", InputFaultCode.InvalidType)]
    [InlineData("""{"version":1,"record":RECORD,"head":{"sequence":1},"path":[]""", "head.hash", InputFaultCode.MissingField)]
    [InlineData("""{"version":1,"record":RECORD,"head":HEAD,"path":["00"]""", "path", InputFaultCode.InvalidValue)]
    [InlineData("""{"version":1,"record":RECORD,"head":HEAD,"path":[1]""", "path", InputFaultCode.InvalidType)]
    [InlineData("""{"version":1,"record":RECORD,"head":HEAD,"path":null""", "path", InputFaultCode.InvalidType)]
    public void What_is_well_sealed_and_no_receipt_is_said_with_its_field(string text, string field, InputFaultCode code)
    {
        LedgerReceipt receipt = _ledger.Receipt(1);
        string filled = text
            .Replace("RECORD", Encoding.UTF8.GetString(LedgerRecordJson.ToUtf8(receipt.Record)), StringComparison.Ordinal)
            .Replace("HEAD", Encoding.UTF8.GetString(LedgerHeadJson.ToUtf8(receipt.Head)), StringComparison.Ordinal);
        byte[] json = Encoding.UTF8.GetBytes($"{filled},\"digest\":\"{Hash256.Of(Encoding.UTF8.GetBytes(filled))}\"}}");

        Assert.False(LedgerReceiptJson.TryParse(json, out _, out InputFault? fault));
        Assert.Equal((field, code), (fault.Field, fault.Code));
    }

    [Fact]
    public void A_path_longer_than_any_tree_and_a_document_longer_than_any_receipt_are_refused()
    {
        LedgerReceipt receipt = _ledger.Receipt(1);
        Assert.False(LedgerReceiptJson.TryParse(
            LedgerReceiptJson.ToUtf8(receipt with { Path = [.. Enumerable.Repeat(new string('0', 64), 66)] }), out _, out InputFault? fault));
        Assert.Equal(InputFaultCode.TooLong, fault.Code);
        Assert.False(LedgerReceiptJson.TryParse(new byte[LedgerReceiptJson.MaxBytes + 1], out _, out fault));
        Assert.Equal(InputFaultCode.TooLarge, fault.Code);
    }

    [Fact]
    public void The_longest_receipt_there_can_be_is_read()
    {
        string text = string.Concat(Enumerable.Repeat("\u0001", FactLimits.MaxTextLength));
        string name = string.Concat(Enumerable.Repeat("\\", FactLimits.MaxActorLength));
        var submission = new FactSubmission(
            new ValidationFailed(name, name, text), FactLimits.MaxAtUnixSeconds, new CommandId(name[..FactLimits.MaxSessionLength], FactLimits.MaxNumber), 9,
            new LamportTimestamp(LamportClock.MaxCounter, new NodeId(9)));
        LedgerRecord record = LedgerRecordCodec.Decode(LedgerRecordCodec.Encode(LedgerRecordCodec.Decode(_records[1]) with
        {
            Submission = submission,
            CommandId = submission.CommandId,
        }));
        byte[] json = LedgerReceiptJson.ToUtf8(_ledger.Receipt(2) with { Record = record, Path = [.. Enumerable.Repeat(new string('0', 64), 64)] });
        Assert.True(LedgerReceiptJson.TryParse(json, out _, out InputFault? fault), fault?.Message);
        Assert.InRange(json.Length, 1, LedgerReceiptJson.MaxBytes / 2);
    }

    [Fact]
    public void Proofs_are_taken_and_refused_as_another_implementation_says()
    {
        string[] vectors = [.. File.ReadLines(RepositoryFiles.Find("tests", "Converge.Swarm.Tests", "Ledger", "Vectors", "merkle-proofs.txt")).Where(line => line[0] != '#')];
        Assert.Equal(193, vectors.Length);
        Assert.All(vectors, vector =>
        {
            string[] columns = vector.Split(' ');
            ulong first = ulong.Parse(columns[2], CultureInfo.InvariantCulture);
            ulong second = ulong.Parse(columns[3], CultureInfo.InvariantCulture);
            bool holds = columns[0] is "inclusion"
                ? ReceiptVerifier.Holds(new InclusionProof(unchecked(first + 1), second, columns[4], columns[6..], columns[5]))
                : ReceiptVerifier.Holds(new ConsistencyProof(first, second, columns[4], columns[5], columns[6..]));
            Assert.Equal(columns[1] is "holds", holds);
        });
    }

    private static LedgerRecord Rehashed(LedgerRecord record) => record with { Hash = LedgerRecordCodec.Encode(record).Hash.ToString() };

    private static void AssertEveryBitCounts(byte[] json, Func<byte[], bool> parses)
    {
        Assert.True(parses(json));
        for (int at = 0; at < json.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] flipped = [.. json];
                flipped[at] ^= (byte)(1 << bit);
                Assert.False(parses(flipped), $"Bit {bit} of byte {at} of {Encoding.UTF8.GetString(json)}");
            }
        }
    }
}
