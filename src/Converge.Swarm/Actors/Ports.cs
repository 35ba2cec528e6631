using Converge.Core;
using Converge.Swarm.Members;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>Everything a node actor can make happen. A host carries it out and decides nothing.</summary>
public interface INodePort
{
    /// <summary>Sends to a member; may be lost.</summary>
    void ToPeer(NodeId peer, PeerMessage message);

    /// <summary>Sends to the log actor; never lost while it lives.</summary>
    void ToLog(LogMessage message);

    /// <summary>Sends to the state-machine actor; never lost.</summary>
    void ToStateMachine(StateMachineMessage message);

    /// <summary>Sends to the snapshot actor; never lost, but for what came from peers when too much of it waits.</summary>
    void ToSnapshots(SnapshotMessage message);

    /// <summary>Asks for a <see cref="NodeMessage.Turn"/> after what is queued now. Asking twice gives one.</summary>
    void WantTurn();

    /// <summary>Whether there is a way to a member at the moment; a hint, on which nothing rests but how soon somebody is answered.</summary>
    bool IsConnected(NodeId peer);

    /// <summary>Tells whoever listens.</summary>
    void Publish(SwarmEvent happened);

    /// <summary>The node cannot go on; the host ends it.</summary>
    void Fail(Exception reason);
}

/// <summary>Everything a log actor can make happen.</summary>
public interface ILogPort
{
    /// <summary>Sends to the node actor; never lost.</summary>
    void ToNode(NodeMessage message);

    /// <summary>Sends to a member; may be lost.</summary>
    void ToPeer(NodeId peer, PeerMessage message);

    /// <summary>Asks for a <see cref="LogMessage.Turn"/> after what is queued now. Asking twice gives one.</summary>
    void WantTurn();

    /// <summary>
    /// Has batches stored in their order: from the first on as many as the host likes, and at least one; each is durable as a whole or not
    /// there. Answered by one <see cref="LogMessage.Stored"/> or <see cref="LogMessage.NoRoom"/>, before which nothing else is stored. When
    /// the store fails, by nothing: the actor is at its end.
    /// </summary>
    void Store(IReadOnlyList<LogBatch> batches);

    /// <summary>
    /// The log has a new beginning: what was stored before and has no effect any more may be removed, at leisure. Nothing waits for it.
    /// </summary>
    void RemoveObsolete();
}

/// <summary>Everything a state-machine actor can make happen.</summary>
public interface IStateMachinePort
{
    /// <summary>Sends to the node actor; never lost.</summary>
    void ToNode(NodeMessage message);

    /// <summary>Sends to the snapshot actor; never lost.</summary>
    void ToSnapshots(SnapshotMessage message);

    /// <summary>
    /// Asks for the ledger to be made durable, and for a <see cref="StateMachineMessage.LedgerFlushed"/> afterwards, or a
    /// <see cref="StateMachineMessage.LedgerNoRoom"/>; the host tries again by itself.
    /// </summary>
    void WantLedgerFlush();

    /// <summary>Tells whoever listens.</summary>
    void Publish(SwarmEvent happened);
}

/// <summary>Something an embedding program may want to know. A closed set; carries no authority.</summary>
public abstract record SwarmEvent
{
    private protected SwarmEvent()
    {
    }

    /// <summary>Another leader, or none, is known here.</summary>
    public sealed record LeaderChanged(NodeId Leader, Term Term) : SwarmEvent;

    /// <summary>Records were added to the ledger on this node, from one sequence number to another, both included.</summary>
    public sealed record RecordsAdded(ulong FirstSequence, ulong LastSequence) : SwarmEvent;

    /// <summary>The members are others from now on, or reached elsewhere: a host connects to those that are named, and to nobody that is gone.</summary>
    /// <param name="Members">The members.</param>
    /// <param name="At">A committed entry: the one that made them so, or a later one.</param>
    public sealed record MembersChanged(MemberTable Members, SnapshotMark At) : SwarmEvent;

    /// <summary>This node was removed from the swarm: it serves what it has and takes no part any more.</summary>
    public sealed record Removed(LogIndex Index) : SwarmEvent;

    /// <summary>A member's state differs from this node's: one of the two is wrong.</summary>
    public sealed record StateDiverged(NodeId Peer, LogIndex Index) : SwarmEvent;

    /// <summary>A snapshot of this node's state is durable.</summary>
    /// <param name="Index">The last entry that it covers.</param>
    /// <param name="Bytes">The size of its file.</param>
    public sealed record SnapshotTaken(LogIndex Index, long Bytes) : SwarmEvent;

    /// <summary>A snapshot could not be written for want of room; it will be tried again.</summary>
    public sealed record SnapshotPostponed : SwarmEvent;

    /// <summary>A follower that was sent a snapshot has it, or nothing more was heard of it.</summary>
    /// <param name="Peer">The follower.</param>
    /// <param name="Index">The last entry that the snapshot covers.</param>
    /// <param name="Delivered">Whether it has it.</param>
    public sealed record SnapshotSent(NodeId Peer, LogIndex Index, bool Delivered) : SwarmEvent;

    /// <summary>This node goes on from a snapshot that it was sent.</summary>
    /// <param name="Index">The last entry that it covers.</param>
    /// <param name="Bytes">The size of its file.</param>
    public sealed record SnapshotInstalled(LogIndex Index, long Bytes) : SwarmEvent;

    /// <summary>What a leader sent of a snapshot is not what it should be; it is asked for again.</summary>
    /// <param name="Peer">Who sent it.</param>
    /// <param name="Index">The last entry that the snapshot covers.</param>
    /// <param name="Reason">What is wrong.</param>
    public sealed record SnapshotRefused(NodeId Peer, LogIndex Index, string Reason) : SwarmEvent;

    /// <summary>The log has no room, or has room again.</summary>
    public sealed record SpaceChanged(bool Available) : SwarmEvent;

    /// <summary>The ledger has no room, or has room again.</summary>
    public sealed record LedgerSpaceChanged(bool Available) : SwarmEvent;

    /// <summary>Nothing sent to the log was confirmed for a suspiciously long time, or it is again.</summary>
    public sealed record DiskStalled(bool Stalled) : SwarmEvent;
}
