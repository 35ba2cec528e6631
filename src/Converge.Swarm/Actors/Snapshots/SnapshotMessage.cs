using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>What a snapshot actor can be told. A closed set.</summary>
public abstract record SnapshotMessage
{
    private protected SnapshotMessage()
    {
    }

    /// <summary>One tick of the node went by.</summary>
    /// <param name="Applied">The last entry applied.</param>
    /// <param name="AppliedBytes">The size of all entries applied in this life of the node.</param>
    public sealed record Tick(LogIndex Applied, long AppliedBytes) : SnapshotMessage;

    /// <summary>Another term, or another leader of it, is known here.</summary>
    public sealed record Led(Term Term, NodeId Leader) : SnapshotMessage;

    /// <summary>This node leads, and a follower needs a snapshot of this entry or a later one.</summary>
    public sealed record Send(NodeId To, LogIndex AtLeast) : SnapshotMessage;

    /// <summary>The log no longer reaches back to the snapshot that this follower is being sent: it is to get the newest instead.</summary>
    public sealed record Renew(NodeId To) : SnapshotMessage;

    /// <summary>A member says something about a snapshot that is on its way.</summary>
    public sealed record FromPeer(NodeId Peer, SnapshotTransferMessage Message) : SnapshotMessage;

    /// <summary>The state is frozen: it is to be written, with the configuration in force there and what is recorded about the members.</summary>
    public sealed record Frozen(FrozenState State, ConfigurationState Configuration, ReadOnlyMemory<byte> Members) : SnapshotMessage;

    /// <summary>The state was frozen, but what goes with it is not known: a snapshot is just being installed. To be tried again.</summary>
    public sealed record NotFrozen : SnapshotMessage
    {
        /// <summary>The only value.</summary>
        public static readonly NotFrozen Instance = new();
    }

    /// <summary>The state machine stands on this snapshot from now on.</summary>
    /// <param name="Mark">The snapshot's.</param>
    /// <param name="Released">The one on which it stood, to be closed; null when there was none.</param>
    public sealed record Rebased(SnapshotMark Mark, StateSnapshotFile? Released) : SnapshotMessage;

    /// <summary>A snapshot that arrived was installed.</summary>
    public sealed record Installed(StateSnapshotFile Snapshot) : SnapshotMessage;

    /// <summary>A snapshot that arrived is of no use: the log has what it covers.</summary>
    public sealed record NotNeeded(StateSnapshotFile Snapshot) : SnapshotMessage;

    /// <summary>A snapshot of this node's own state is durable.</summary>
    public sealed record Written(StateSnapshotFile Snapshot) : SnapshotMessage;

    /// <summary>The disk had no room for a snapshot; nothing of it is left.</summary>
    public sealed record NoRoom : SnapshotMessage
    {
        /// <summary>The only value.</summary>
        public static readonly NoRoom Instance = new();
    }

    /// <summary>Records to be sent were read.</summary>
    /// <param name="Transfer">For which transfer.</param>
    /// <param name="Attempt">Of that transfer.</param>
    /// <param name="FirstSequence">The first one's number.</param>
    /// <param name="Records">At least one, dense and in order.</param>
    public sealed record RecordsRead(ulong Transfer, int Attempt, ulong FirstSequence, IReadOnlyList<ReadOnlyMemory<byte>> Records) : SnapshotMessage;

    /// <summary>A piece of a file to be sent was read.</summary>
    /// <param name="Transfer">For which transfer.</param>
    /// <param name="Attempt">Of that transfer.</param>
    /// <param name="Offset">Where it stands.</param>
    /// <param name="Bytes">At least one.</param>
    public sealed record BytesRead(ulong Transfer, int Attempt, long Offset, ReadOnlyMemory<byte> Bytes) : SnapshotMessage;

    /// <summary>A received piece of a file was written.</summary>
    /// <param name="Arrival">Of which arrival.</param>
    /// <param name="Offset">Where it stands.</param>
    /// <param name="NextOffset">The first byte behind it.</param>
    public sealed record BytesKept(ulong Arrival, long Offset, long NextOffset) : SnapshotMessage;

    /// <summary>There was no room for a received piece; it was not written.</summary>
    /// <param name="Arrival">Of which arrival.</param>
    public sealed record NotKept(ulong Arrival) : SnapshotMessage;

    /// <summary>A received file was checked.</summary>
    /// <param name="Arrival">Of which arrival.</param>
    /// <param name="NextSequence">The first record that the ledger lacks.</param>
    /// <param name="Fault">Why the file is not what it should be, or null. It is gone then.</param>
    public sealed record Checked(ulong Arrival, ulong NextSequence, Exception? Fault) : SnapshotMessage;

    /// <summary>Received records were looked at.</summary>
    /// <param name="Arrival">Of which arrival.</param>
    /// <param name="NextSequence">The first one that is lacking now; smaller than the one behind what was given when it was not all taken.</param>
    /// <param name="LastAdded">The ledger's last record now.</param>
    /// <param name="HasRoom">False when the disk has no room for more.</param>
    /// <param name="Fault">Why some were refused, or null. They are to be sent again.</param>
    public sealed record RecordsTaken(ulong Arrival, ulong NextSequence, ulong LastAdded, bool HasRoom, Exception? Fault) : SnapshotMessage;

    /// <summary>All records of a received snapshot are durable in the ledger, and the snapshot bears its own name.</summary>
    /// <param name="Arrival">Of which arrival.</param>
    /// <param name="Snapshot">What it holds; null when the disk had no room for the records.</param>
    public sealed record Completed(ulong Arrival, StateSnapshotFile? Snapshot) : SnapshotMessage;

    /// <summary>Files that are no longer needed are gone.</summary>
    public sealed record Removed : SnapshotMessage
    {
        /// <summary>The only value.</summary>
        public static readonly Removed Instance = new();
    }
}
