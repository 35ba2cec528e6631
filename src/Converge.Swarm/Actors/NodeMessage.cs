using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Actors;

/// <summary>What a node actor can be told. A closed set.</summary>
public abstract record NodeMessage
{
    private protected NodeMessage()
    {
    }

    /// <summary>One tick of the host's timer went by. A host that fell behind sends one, not many.</summary>
    public sealed record Tick : NodeMessage
    {
        /// <summary>The only value.</summary>
        public static readonly Tick Instance = new();
    }

    /// <summary>What was asked for with <see cref="INodePort.WantTurn"/>: everything queued before it has been received.</summary>
    public sealed record Turn : NodeMessage
    {
        /// <summary>The only value.</summary>
        public static readonly Turn Instance = new();
    }

    /// <summary>A member sent something.</summary>
    public sealed record FromPeer(NodeId Peer, PeerMessage Message) : NodeMessage;

    /// <summary>The way to a member was lost, and perhaps messages with it.</summary>
    public sealed record PeerLost(NodeId Peer) : NodeMessage;

    /// <summary>A log actor is ready; an earlier one of another incarnation is gone, and what the log lacks is to be sent again.</summary>
    /// <param name="Incarnation">The log actor's.</param>
    /// <param name="Stored">What the log holds: some of what was not confirmed may be there.</param>
    public sealed record LogStarted(ulong Incarnation, LogOutline Stored) : NodeMessage;

    /// <summary>Everything up to an append is durable.</summary>
    /// <param name="Incarnation">The log actor's.</param>
    /// <param name="Through">The number of the last durable append.</param>
    /// <param name="Responses">The protocol's messages to this node itself that waited for it, in order.</param>
    public sealed record LogAppended(ulong Incarnation, ulong Through, IReadOnlyList<Message> Responses) : NodeMessage;

    /// <summary>The log found no room on its disk, or room again.</summary>
    public sealed record LogSpace(bool Available) : NodeMessage;

    /// <summary>The ledger found no room on its disk, or room again.</summary>
    public sealed record LedgerSpace(bool Available) : NodeMessage;

    /// <summary>Committed entries were applied.</summary>
    /// <param name="Entries">What became of each, in order. The node actor's from now on: it may give the array back with further entries.</param>
    /// <param name="Responses">The protocol's messages that waited for it.</param>
    public sealed record Applied(ArraySegment<AppliedEntry> Entries, IReadOnlyList<Message> Responses) : NodeMessage;

    /// <summary>A snapshot is due: the state is to be frozen.</summary>
    public sealed record FreezeState : NodeMessage
    {
        /// <summary>The only value.</summary>
        public static readonly FreezeState Instance = new();
    }

    /// <summary>The state machine has frozen its state. Comes in its place among the messages about applied entries.</summary>
    public sealed record Frozen(FrozenState State) : NodeMessage;

    /// <summary>A snapshot of this node's state is durable, and so is the ledger up to it: the log may be compacted.</summary>
    public sealed record SnapshotTaken(StateSnapshotFile Snapshot) : NodeMessage;

    /// <summary>A follower is being offered the snapshot of this entry, which may be a later one than the protocol asked for.</summary>
    public sealed record SnapshotOffered(NodeId To, LogIndex Index) : NodeMessage;

    /// <summary>The sending of a snapshot has ended.</summary>
    /// <param name="Term">The term in which it was begun.</param>
    /// <param name="To">The follower.</param>
    /// <param name="Index">The last entry that it covers.</param>
    /// <param name="Delivered">False when nothing more was heard of the follower.</param>
    public sealed record SnapshotSent(Term Term, NodeId To, LogIndex Index, bool Delivered) : NodeMessage;

    /// <summary>A snapshot was received: it is durable and checked, and the ledger is durable up to it.</summary>
    public sealed record SnapshotArrived(StateSnapshotFile Snapshot) : NodeMessage;

    /// <summary>The state machine goes on from a snapshot that arrived.</summary>
    public sealed record SnapshotInstalled(StateSnapshotFile Snapshot) : NodeMessage;

    /// <summary>A client submits commands; one answer each, in order.</summary>
    public sealed record Submit(IReadOnlyList<UnstampedCommand> Commands, Reply<IReadOnlyList<CommitAnswer>> Reply) : NodeMessage;

    /// <summary>A client reads. A linearizable read reaches the state machine only after a quorum has confirmed this moment.</summary>
    public sealed record Read(StateMachineMessage.Query Query, ReadConsistency Consistency) : NodeMessage;

    /// <summary>Somebody asks how things stand.</summary>
    public sealed record GetStatus(Reply<SwarmStatus> Reply) : NodeMessage;

    /// <summary>The leader is to hand over, to a member or, given <see cref="NodeId.None"/>, to whoever is fit. Any node can be asked.</summary>
    public sealed record TransferLeadership(NodeId To, Reply<LeadershipTransfer> Reply) : NodeMessage;

    /// <summary>The members are to change. Any node can be asked; answered when the change is in force, or is certainly not made.</summary>
    public sealed record ChangeMembers(ImmutableArray<MembershipStep> Steps, Reply<MembershipOutcome> Reply) : NodeMessage;

    /// <summary>Somebody asks who takes part.</summary>
    public sealed record GetMembers(Reply<SwarmMembers> Reply) : NodeMessage;

    /// <summary>The node is to stop: take nothing new, hand leadership over, answer when that is done or given up.</summary>
    public sealed record Drain(Reply<bool> Reply) : NodeMessage;
}

/// <summary>What became of one applied entry.</summary>
/// <param name="Index">Its place.</param>
/// <param name="Term">Its term.</param>
/// <param name="Outcome">What applying it came to.</param>
/// <param name="Digest">The apply digest after it.</param>
public readonly record struct AppliedEntry(LogIndex Index, Term Term, ApplyOutcome Outcome, Hash256 Digest);

/// <summary>What a log actor can be told. A closed set.</summary>
public abstract record LogMessage
{
    private protected LogMessage()
    {
    }

    /// <summary>Make this durable, in the order of the numbers, and only then let the responses go.</summary>
    /// <param name="Number">Dense and growing over the node's life.</param>
    /// <param name="HardState">Term, vote and commit index, when they changed.</param>
    /// <param name="Entries">Entries; the first may replace what is there from its index on.</param>
    /// <param name="Responses">The protocol's messages that must wait until this is durable.</param>
    public sealed record Append(ulong Number, HardState? HardState, IReadOnlyList<Entry> Entries, IReadOnlyList<Message> Responses) : LogMessage
    {
        /// <summary>
        /// A durable snapshot covers this entry: the log begins after it, and the entries of this append stand behind it. What the log
        /// has behind it stays when it has that very entry. Comes with the hard state, whose commit index is not before it.
        /// </summary>
        public SnapshotMark? Mark { get; init; }
    }

    /// <summary>See whether there is room again.</summary>
    public sealed record Retry : LogMessage
    {
        /// <summary>The only value.</summary>
        public static readonly Retry Instance = new();
    }

    /// <summary>The store has made the next batches durable that <see cref="ILogPort.Store"/> gave it.</summary>
    /// <param name="Batches">How many, at least one.</param>
    public sealed record Stored(int Batches) : LogMessage;

    /// <summary>The store has no room for what <see cref="ILogPort.Store"/> gave it; nothing was stored.</summary>
    public sealed record NoRoom : LogMessage
    {
        /// <summary>The only value.</summary>
        public static readonly NoRoom Instance = new();
    }

    /// <summary>What was asked for with <see cref="ILogPort.WantTurn"/>.</summary>
    public sealed record Turn : LogMessage
    {
        /// <summary>The only value.</summary>
        public static readonly Turn Instance = new();
    }
}

/// <summary>What a state-machine actor can be told. A closed set.</summary>
public abstract record StateMachineMessage
{
    private protected StateMachineMessage()
    {
    }

    /// <summary>Apply committed entries, in order.</summary>
    /// <param name="Entries">The entries.</param>
    /// <param name="Responses">The protocol's messages that wait for it.</param>
    /// <param name="Spare">An array for what becomes of them that nobody else uses any more, of whatever length; null for none.</param>
    public sealed record Apply(IReadOnlyList<Entry> Entries, IReadOnlyList<Message> Responses, AppliedEntry[]? Spare = null) : StateMachineMessage;

    /// <summary>A question about the state as it is when this message is received.</summary>
    public abstract record Query : StateMachineMessage
    {
        private protected Query()
        {
        }

        /// <summary>Answers that the question cannot be answered now.</summary>
        public abstract void Refuse(NotCommittedReason reason, string message);
    }

    /// <summary>Asks for a proposal.</summary>
    public sealed record GetProposal(string ProposalId, Reply<QueryAnswer<ProposalView?>> Reply) : Query
    {
        /// <inheritdoc/>
        public override void Refuse(NotCommittedReason reason, string message) =>
            Reply.Send(QueryAnswer<ProposalView?>.Refused(reason, message));
    }

    /// <summary>Asks for the ledger's head.</summary>
    public sealed record GetHead(Reply<QueryAnswer<LedgerHead>> Reply) : Query
    {
        /// <inheritdoc/>
        public override void Refuse(NotCommittedReason reason, string message) =>
            Reply.Send(QueryAnswer<LedgerHead>.Refused(reason, message));
    }

    /// <summary>What the ledger held in memory is durable, and there is room for more.</summary>
    public sealed record LedgerFlushed : StateMachineMessage
    {
        /// <summary>The only value.</summary>
        public static readonly LedgerFlushed Instance = new();
    }

    /// <summary>There was no room on the disk for what the ledger holds in memory, where it stays.</summary>
    public sealed record LedgerNoRoom : StateMachineMessage
    {
        /// <summary>The only value.</summary>
        public static readonly LedgerNoRoom Instance = new();
    }

    /// <summary>Freeze the state as it is now, and say so to the node actor.</summary>
    public sealed record Freeze : StateMachineMessage
    {
        /// <summary>The only value.</summary>
        public static readonly Freeze Instance = new();
    }

    /// <summary>What was frozen will not become a snapshot. Means nothing when the state was replaced meanwhile.</summary>
    public sealed record Thaw : StateMachineMessage
    {
        /// <summary>The only value.</summary>
        public static readonly Thaw Instance = new();
    }

    /// <summary>The frozen state is durable: rest on its snapshot. Means nothing when the state was replaced meanwhile.</summary>
    public sealed record Rebase(StateSnapshotFile Snapshot) : StateMachineMessage;

    /// <summary>Go on from this snapshot; the ledger is durable up to it. Entries that it covers may still come and are passed over.</summary>
    public sealed record Install(StateSnapshotFile Snapshot) : StateMachineMessage;

    /// <summary>Completes a status with what the state machine knows, and sends it.</summary>
    public sealed record CompleteStatus(SwarmStatus Status, Reply<SwarmStatus> Reply) : StateMachineMessage;
}

/// <summary>An answer to a question, or why there is none.</summary>
/// <param name="Value">The answer; meaningless when <paramref name="Reason"/> is set.</param>
/// <param name="Reason">Why it could not be answered.</param>
/// <param name="Message">For a person.</param>
public sealed record QueryAnswer<T>(T? Value, NotCommittedReason? Reason, string? Message)
{
    /// <summary>The answer.</summary>
    public static QueryAnswer<T> Of(T value) => new(value, null, null);

    /// <summary>None, and why.</summary>
    public static QueryAnswer<T> Refused(NotCommittedReason reason, string message) => new(default, reason, message);
}
