using System.Collections.Immutable;
using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm;

/// <summary>One way to speak to a swarm, whichever node and host is behind it. Safe for concurrent use.</summary>
public interface ISwarmClient : IFactCommitStore, IPromotionLedger, ILedgerProofs
{
    /// <summary>
    /// Every committed record from a sequence number on, in order, without gaps and each once: first what is there, then what comes, until
    /// the enumeration is given up. To go on after a break, subscribe from the sequence number after the last one seen.
    /// </summary>
    /// <param name="fromSequence">The first record wanted; zero is taken as one. May lie past the end: then it is waited for.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <remarks>Only a bounded number of records is held for a slow reader; the rest waits in the ledger.</remarks>
    /// <exception cref="SwarmUnavailableException">The records cannot be had (any more) from where this client looks. Nothing is lost.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    IAsyncEnumerable<LedgerRecord> SubscribeAsync(ulong fromSequence, CancellationToken cancellationToken = default);

    /// <summary>How the node that answers sees itself and the swarm; local and immediate, never a quorum's word.</summary>
    /// <exception cref="SwarmUnavailableException">No node answers.</exception>
    Task<SwarmStatus> GetStatusAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Asks the leader to hand over, and waits until that is done or given up: at most two election timeouts of the node that is asked.
    /// </summary>
    /// <param name="to">
    /// Who is to lead; null for whoever is fit: a leader that is asked takes the follower whose log is furthest, a follower takes itself.
    /// </param>
    /// <param name="cancellationToken">Gives up waiting; what was begun goes on.</param>
    Task<LeadershipTransfer> TransferLeadershipAsync(NodeId? to = null, CancellationToken cancellationToken = default);

    /// <summary>Who takes part, as the node that answers knows it; local and immediate, never a quorum's word.</summary>
    /// <exception cref="SwarmUnavailableException">No node answers.</exception>
    Task<SwarmMembers> GetMembersAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Asks the leader to change the members, and waits until the change is in force or certainly not made. One change at a time. A member
    /// that is added gets its vote later, by a change of its own, once it has caught up.
    /// </summary>
    /// <param name="steps">The change; several voters at once go through a joint configuration (Raft paper, section 6).</param>
    /// <param name="cancellationToken">Gives up waiting; what was begun goes on.</param>
    Task<MembershipOutcome> ChangeMembersAsync(ImmutableArray<MembershipStep> steps, CancellationToken cancellationToken = default);
}
