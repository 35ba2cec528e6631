using Converge.Core;
using Converge.Swarm.Cli.Demo;
using Converge.Swarm.Cli.Import;

namespace Converge.Swarm.Cli.Tests.Demo;

public sealed class AcknowledgementsTests
{
    private readonly Acknowledgements _kept = new();
    private readonly List<LedgerRecord> _records = [Record(1, RecordKind.Authority)];

    public AcknowledgementsTests()
    {
        for (ulong i = 2; i <= 5; i++)
        {
            _records.Add(Record(i, RecordKind.Fact));
            _kept.Keep(LineOf(i), Accepted(i), TimeSpan.FromMilliseconds(i));
        }
    }

    [Fact]
    public void A_ledger_that_holds_exactly_what_was_acknowledged_is_good()
    {
        Assert.Empty(_kept.Compare("node", _records));
    }

    [Fact]
    public void A_missing_record_is_found()
    {
        _records.RemoveAt(3);

        Assert.Contains("1 acknowledged facts are missing", Assert.Single(_kept.Compare("node", _records)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_doubled_record_is_found()
    {
        _records.Add(_records[2] with { Sequence = 6 });

        Assert.Contains("doubles record 3", Assert.Single(_kept.Compare("node", _records)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_that_nobody_was_told_of_is_found()
    {
        _records.Add(Record(6, RecordKind.Fact));

        Assert.Contains("record 6 was never acknowledged", Assert.Single(_kept.Compare("node", _records)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_in_another_place_or_with_another_hash_is_found()
    {
        _records[2] = _records[2] with { Hash = new string('f', 64) };
        _records[3] = _records[3] with { Sequence = 9 };

        Assert.Equal(2, _kept.Compare("node", _records).Count);
    }

    [Fact]
    public void Two_different_acknowledgements_of_one_command_are_a_contradiction()
    {
        _kept.Keep(LineOf(2), Accepted(2) with { Sequence = 7 }, TimeSpan.Zero);

        Assert.Contains("acknowledged twice", Assert.Single(_kept.Compare("node", _records)), StringComparison.Ordinal);
    }

    [Fact]
    public void Latencies_are_taken_from_all_answers()
    {
        Assert.Equal(4, _kept.LatencyMilliseconds(0.5));
        Assert.Equal(5, _kept.LatencyMilliseconds(0.99));
        Assert.Equal(0, new Acknowledgements().LatencyMilliseconds(0.5));
    }

    private static ImportLine LineOf(ulong sequence) =>
        new((long)sequence, new FactSubmission(new PromotionApproved("p", "bob"), CommandId: CommandOf(sequence)), OwnsCommandId: true);

    private static CommandId CommandOf(ulong sequence) => new("s", sequence);

    private static string HashOf(ulong sequence) => sequence.ToString("x64", System.Globalization.CultureInfo.InvariantCulture);

    private static FactAccepted Accepted(ulong sequence) =>
        new(sequence, new LogIndex(sequence), new Term(1), 0, new LamportTimestamp(sequence, new NodeId(1)), HashOf(sequence), sequence);

    private static LedgerRecord Record(ulong sequence, RecordKind kind) => new(
        sequence,
        new LogIndex(sequence),
        new Term(1),
        0,
        new LamportTimestamp(sequence, new NodeId(1)),
        kind,
        kind == RecordKind.Fact ? CommandOf(sequence) : null,
        kind == RecordKind.Fact ? LineOf(sequence).Submission : null,
        kind == RecordKind.Authority ? new NodeId(1) : null,
        new string('0', 64),
        HashOf(sequence));
}
