using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Governance;

/// <summary>
/// The bytes of a snapshot, as documented in docs/formats/snapshot.md and computed from it by another program. They never change; a new version
/// gets new bytes beside these.
/// </summary>
public sealed class SnapshotFormatTests : IDisposable
{
    private const string FirstFormatPreamble =
        "4356534E415053540100000062010000F40A4220";

    private const string Preamble =
        "4356534E4150535402000000620100004E512A4E";

    private const string Header =
        "010008000000000000000200000000000000982405AAFCFB960BDE1C9A3AF472FD168FB4B7C44F66BC602C78"
        + "818ED51E5F3C8068E5CF8B0100002F00000000000000020000000000000006000000000000004F191C6C59AE8F50DA4E12F3901FAF122F961FEC905FDE685C6F"
        + "E4CB3C1DB9D83438289651953BD002897B8DB77CB76EF80522EC59AF9FC840727AB49BE036E4070000000000000001000000000000007F68E5CF8B0100002E00"
        + "00000000000001000000000000001B09D14678059CEA932235F048234E44AFE567AC7F267C703E977A035C964EEF2DFD6FA774EA826E6AA57882573AB891D912"
        + "A7260D45B589B118D5D3964E3B3A0100000000000000020000000300000001030000000100000000000000020000000000000004000000000000000300000001"
        + "000000000000000200000000000000030000000000000001000000090000000000000001000000030000000000000003000000010203";

    private const string Sessions =
        "010074010000000000000000000000000000000100730A000000000000000000000000000000";

    private const string Answers =
        "0100000009000000000000000001000000000000000200000000000000030000000000000001000000000000007B68E5CF8B0100002A00000000000000010000"
        + "00000000006C8B96C178FEF631BB3D2E56A2D1B9FCE30BA502D03012CB4C3B5C466509010B000000000100000000000000000500000000000000060000000000"
        + "0000070000000000000001000000000000007F68E5CF8B0100002E0000000000000001000000000000004F191C6C59AE8F50DA4E12F3901FAF122F961FEC905F"
        + "DE685C6FE4CB3C1DB9D8010000000A00000000000000050500000000000000";

    private const string FirstFormatProposals =
        "8F00000003C87DC63E6EEE1D4500011F0300702D310B00617574686F723A2F2FC3A9070041207469746C65060063306666656500F15365000000000000000000"
        + "000000290000000000000007000000000000000205000000000000000200000000000000060000000000000004000000000000000300616E6E01000000020063"
        + "69000300000000000000010000000300626F62";

    private const string Proposals =
        "2303C87DC63E6EEE1D0300702D3102050204040300616E6E010200636906010300626F62";

    private const string FirstFormatPages =
        "03C87DC63E6EEE1D9300000001000000B5FE1395";

    private const string Pages =
        "03C87DC63E6EEE1D24000000010000006CBCF6CD";

    private const string Prints =
        "03C8";

    private const string FirstFormatTrailer =
        "4356534E50454E44F40A4220840300000000000026000000000000000FBE0164DF000000000000002286F1DC0000000000000000000000009300000000000000"
        + "B5FE13951400000000000000FA63EB98020000000000000040A1D28CC6FD8B3F";

    private const string Trailer =
        "4356534E50454E444E512A4E150300000000000026000000000000000FBE0164DF000000000000002286F1DC0000000000000000000000002400000000000000"
        + "6CBCF6CD1400000000000000E07F68A2020000000000000040A1D28CE86455E5";

    private const string FirstFormat =
        FirstFormatPreamble + Header + Sessions + Answers + FirstFormatProposals + FirstFormatPages + Prints + FirstFormatTrailer;

    private static readonly ConfigurationState Joint = ConfigurationState.Create(
        [new NodeId(1), new NodeId(2), new NodeId(4)], [new NodeId(1), new NodeId(2), new NodeId(3)], [new NodeId(9)], [new NodeId(3)], autoLeave: true);

    private readonly SnapshotLedger _ledger = new();

    public void Dispose() => _ledger.Dispose();

    [Fact]
    public void A_snapshot_has_the_documented_bytes()
    {
        GovernanceState state = Sample();
        Assert.Equal(Preamble + Header + Sessions + Answers + Proposals + Pages + Prints + Trailer, Convert.ToHexString(Write(state)));
    }

    [Fact]
    public void A_snapshot_over_one_in_the_first_format_is_in_the_one_that_is_written_today()
    {
        // The sample's members' records are no such records, and a state without any knows the members by the configuration.
        byte[] bytes = Convert.FromHexString(FirstFormat);
        int headerBytes = (FirstFormatPreamble.Length + Header.Length) / 2;
        byte[] header = bytes[..(headerBytes - 3)];
        BitConverter.TryWriteBytes(header.AsSpan(12), header.Length - 20);
        header.AsSpan(header.Length - 4).Clear();
        BitConverter.TryWriteBytes(header.AsSpan(16), Crc32C.Finish(Crc32C.Add(Crc32C.Add(Crc32C.Start, header.AsSpan(0, 16)), header.AsSpan(20))));
        byte[] changed = [.. header, .. bytes[headerBytes..]];
        Span<byte> trailer = changed.AsSpan(changed.Length - (FirstFormatTrailer.Length / 2));
        header.AsSpan(16, 4).CopyTo(trailer[8..]);
        BitConverter.TryWriteBytes(trailer[12..], (long)changed.Length);
        BitConverter.TryWriteBytes(trailer[^4..], Crc32C.Compute(trailer[..^4]));

        var disk = new FaultyDisk();
        disk.Put("s", changed);
        byte[] expected = Write(Sample());
        using StateSnapshotFile first = StateSnapshotFile.Open(disk, "s");
        first.Verify();
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(Write(new GovernanceState(first))));
    }

    [Fact]
    public void A_snapshot_in_the_first_format_can_be_read()
    {
        var disk = new FaultyDisk();
        disk.Put("s", Convert.FromHexString(FirstFormat));
        using StateSnapshotFile snapshot = StateSnapshotFile.Open(disk, "s");
        snapshot.Verify();
        Assert.Equal("voters=(1 2 4)&&(1 2 3) learners=(9) learners_next=(3) autoleave", snapshot.Header.Configuration.ToString());

        GovernanceState expected = Sample();
        var state = new GovernanceState(snapshot);
        SnapshotLedger.AssertSame(expected.Get("p-1"), state.Get("p-1"));
        Assert.Equal(
            (expected.AppliedIndex, expected.AppliedTerm, expected.Digest, expected.LastHash, expected.LastStamp),
            (state.AppliedIndex, state.AppliedTerm, state.Digest, state.LastHash, state.LastStamp));
        var other = new FactSubmission(new RollbackIssued("p-1", "carl", "no"), CommandId: new CommandId("s", 10));
        byte[] entry = CommandCodec.EncodeFact(other, Stamp(200, 60, 2));
        ApplyOutcome again = state.Apply(new LogIndex(9), new Term(2), entry);
        Assert.True(again.Repeated);
        Assert.Equal(expected.Apply(new LogIndex(9), new Term(2), entry).ToAnswer(), again.ToAnswer());
        Assert.Equal(expected.Digest, state.Digest);
    }

    private static CommandStamp Stamp(long time, ulong counter, ulong node) => new(1_700_000_000_000 + time, new LamportTimestamp(counter, new NodeId(node)));

    private byte[] Write(GovernanceState state)
    {
        StateSnapshotFile.Write(_ledger.Disk, "data/s", state.Freeze(), _ledger.Ledger.CheckpointAt(state.LastSequence), Joint, new byte[] { 1, 2, 3 });
        return _ledger.Disk.Bytes("data/s");
    }

    private GovernanceState Sample()
    {
        var state = new GovernanceState();
        ulong index = 0;
        void Apply(byte[] entry, ulong term = 1)
        {
            state.Apply(new LogIndex(++index), new Term(term), entry);
            if (state.CopyRecord() is { } record)
            {
                _ledger.Ledger.Append(record);
            }
        }

        void Fact(GovernanceFact fact, CommandStamp stamp, CommandId? command = null, ulong term = 1) =>
            Apply(CommandCodec.EncodeFact(new FactSubmission(fact, CommandId: command), stamp), term);

        Apply([]);
        Apply(CommandCodec.EncodeAuthority(new NodeId(3), Stamp(0, 1, 3)));
        Apply(CommandCodec.EncodeFact(
            new FactSubmission(
                new ProposalCreated("p-1", "author://é", "A title", "c0ffee"), 1_700_000_000, new CommandId("s", 9), 0, new LamportTimestamp(41, new NodeId(7))),
            Stamp(123, 42, 1)));
        Fact(new ValidationFailed("p-1", "ci", "red"), Stamp(124, 43, 1));
        Fact(new OverrideGranted("p-1", "eve", "known"), Stamp(125, 44, 1));
        Fact(new PromotionApproved("p-1", "bob"), Stamp(126, 45, 1));
        Fact(new PromotionApproved("p-1", "ann"), Stamp(127, 46, 1), new CommandId("t", 1));
        Fact(new PromotionApproved("p-1", "bob"), Stamp(128, 47, 2), new CommandId("s", 10), term: 2);
        return state;
    }
}
