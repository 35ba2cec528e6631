namespace Converge.Core;

/// <summary>How current an answer must be. Every read says what it is.</summary>
public enum ReadConsistency
{
    /// <summary>Not older than anything acknowledged before the read began; costs a round trip to a quorum. The default.</summary>
    Linearizable,

    /// <summary>
    /// As current as <see cref="Linearizable"/> as long as the clocks of the nodes run evenly enough: the leader answers without asking
    /// anybody while a quorum has promised to elect nobody else, and asks the quorum otherwise. Off unless the swarm's settings say so.
    /// </summary>
    Leased,

    /// <summary>What this node has applied, however old; the answer carries its index.</summary>
    Stale,
}

/// <summary>An append-only sequence of opaque records, durable on one node. Behind it: <c>Converge.Swarm.Storage.SegmentedLog</c>.</summary>
public interface IAppendOnlyLog
{
    /// <summary>The number that the next record will get; numbers are dense from 1.</summary>
    ulong NextNumber { get; }

    /// <summary>Appends records. When the task completes they are durable on this node, in this order, with dense numbers.</summary>
    /// <returns>The number of the first.</returns>
    /// <exception cref="IOException">They may or may not be there; the log takes no more until it is reopened.</exception>
    ValueTask<ulong> AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> records, CancellationToken cancellationToken = default);

    /// <summary>Reads durable records from <paramref name="from"/> on, in order and without gaps, up to the end as of the call.</summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(ulong from, CancellationToken cancellationToken = default);
}

/// <summary>Where statements become facts. Behind it: the quorum, reached through <c>Converge.Swarm.ISwarmClient</c>.</summary>
public interface IFactCommitStore
{
    /// <summary>
    /// Submits one fact. <see cref="FactAccepted"/> and <see cref="FactRefused"/> are final and the same whichever node is asked;
    /// the answer never claims more than is known.
    /// </summary>
    Task<CommitAnswer> CommitAsync(FactSubmission submission, CancellationToken cancellationToken = default);

    /// <summary>Submits several facts; they are ordered as given. One answer each, in the same order; one refusal does not stop the others.</summary>
    Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<FactSubmission> submissions, CancellationToken cancellationToken = default);

    /// <summary>Reads committed records from a sequence number on, at most <paramref name="limit"/>. Whatever is returned never changes.</summary>
    Task<IReadOnlyList<LedgerRecord>> ReadAsync(ulong fromSequence, int limit, CancellationToken cancellationToken = default);
}

/// <summary>What is recorded about proposals, and the proof of it. Behind it: the replicated governance state of <c>Converge.Swarm</c>.</summary>
public interface IPromotionLedger
{
    /// <summary>The proposal as recorded, or null when it was never created, both as of the consistency asked for.</summary>
    /// <exception cref="SwarmUnavailableException">The consistency asked for cannot be had now.</exception>
    Task<ProposalView?> GetProposalAsync(string proposalId, ReadConsistency consistency = ReadConsistency.Linearizable, CancellationToken cancellationToken = default);

    /// <summary>The ledger's head on the node that answers. Two heads with the same sequence number are equal on all nodes.</summary>
    Task<LedgerHead> GetHeadAsync(ReadConsistency consistency = ReadConsistency.Stale, CancellationToken cancellationToken = default);
}

/// <summary>A lease that was granted by the quorum.</summary>
/// <param name="Name">What is leased.</param>
/// <param name="Holder">By whom.</param>
/// <param name="FencingToken">Grows with every grant: a resource that has seen a greater one must refuse a smaller one.</param>
/// <param name="Duration">For how long, counted on the holder's monotonic clock from before it asked.</param>
public sealed record LeaseGrant(string Name, string Holder, ulong FencingToken, TimeSpan Duration);

/// <summary>
/// Exclusive, time-bounded ownership by name. Nothing stands behind it yet: it is what orchestration will offer, out of lease entries in the
/// agreed log.
/// </summary>
/// <remarks>A lease is granted only when the grant is committed; it is never reported before that.</remarks>
public interface ILeaseAuthority
{
    /// <summary>Asks for a lease. Null when another holds it.</summary>
    /// <exception cref="SwarmUnavailableException">No quorum could be reached; nothing is known to be granted.</exception>
    Task<LeaseGrant?> TryAcquireAsync(string name, string holder, TimeSpan duration, CancellationToken cancellationToken = default);

    /// <summary>Prolongs a lease that is still held under the grant's token. Null when it is no longer.</summary>
    /// <exception cref="SwarmUnavailableException">No quorum could be reached; the lease may run out.</exception>
    Task<LeaseGrant?> RenewAsync(LeaseGrant grant, CancellationToken cancellationToken = default);

    /// <summary>Gives a lease back. False when it was no longer held under the grant's token.</summary>
    /// <exception cref="SwarmUnavailableException">No quorum could be reached; the lease runs out by itself.</exception>
    Task<bool> ReleaseAsync(LeaseGrant grant, CancellationToken cancellationToken = default);
}

/// <summary>The swarm cannot give the guarantee asked for now. Nothing was changed; trying again is safe.</summary>
/// <param name="reason">Why.</param>
/// <param name="message">For a person.</param>
public sealed class SwarmUnavailableException(NotCommittedReason reason, string message) : Exception(message)
{
    /// <summary>Why.</summary>
    public NotCommittedReason Reason { get; } = reason;
}
