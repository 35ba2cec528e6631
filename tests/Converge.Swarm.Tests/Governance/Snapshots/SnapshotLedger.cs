using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Members;
using Converge.Swarm.Tests.Storage;

namespace Converge.Swarm.Tests.Governance;

/// <summary>A disk with a ledger beside it, for snapshots of one history.</summary>
internal sealed class SnapshotLedger : IDisposable
{
    public static readonly ConfigurationState Configuration = ConfigurationState.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3));

    public SnapshotLedger() => Folder = new StateSnapshotFolder(Disk, "data");

    public FaultyDisk Disk { get; } = new();

    public StateSnapshotFolder Folder { get; }

    public GovernanceLedger Ledger { get; } = GovernanceLedger.Open(
        new FaultyDisk(), "ledger", new GovernanceLedgerOptions { SegmentBytes = GovernanceLedgerOptions.MinSegmentBytes });

    public static void AssertSame(ProposalView? expected, ProposalView? actual)
    {
        Assert.Equal(expected?.Validators, actual?.Validators);
        Assert.Equal(expected is null ? null : expected with { Validators = [] }, actual is null ? null : actual with { Validators = [] });
    }

    /// <summary>Appends the record that an entry made, if it made one.</summary>
    /// <param name="outcome">What the state made of the entry.</param>
    /// <param name="state">That state, which has applied no other since.</param>
    public void Record(ApplyOutcome outcome, GovernanceState state)
    {
        EncodedRecord? record = state.CopyRecord();
        Assert.Equal(outcome.Record, record is null ? null : new RecordMark(record.Sequence, record.Hash));
        if (record is not null)
        {
            Ledger.Append(record);
            if (Ledger.IsFilling)
            {
                Ledger.Flush();
            }
        }
    }

    public static byte[] MemberRecords { get; } = MemberTableCodec.Encode(MemberTable.Of(Configuration, new LogIndex(1)));

    public string Write(FrozenState state, string? path = null)
    {
        path ??= Folder.PathOf(new(state.Index, state.Term));
        StateSnapshotFile.Write(Disk, path, state, Ledger.CheckpointAt(state.LastSequence), Configuration, MemberRecords);
        return path;
    }

    public StateSnapshotFile WriteAndOpen(FrozenState state) => StateSnapshotFile.Open(Disk, Write(state));

    public void Dispose() => Ledger.Dispose();
}
