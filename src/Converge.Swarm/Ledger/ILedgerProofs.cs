using Converge.Core;

namespace Converge.Swarm.Ledger;

/// <summary>
/// Proofs about the ledger, for those who will not take a node's word for it. Every node gives the same ones; a node that lags behind
/// first catches up to what it is asked about.
/// </summary>
public interface ILedgerProofs
{
    /// <summary>The receipt of a record: record, head, and the path between them.</summary>
    /// <param name="sequence">The record.</param>
    /// <param name="size">How many records the head stands for; null for all that the node has.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LedgerRangeException">There is no such record in such a ledger.</exception>
    /// <exception cref="SwarmUnavailableException">The node has not that many records, and no quorum says whether there are more.</exception>
    Task<LedgerReceipt> GetReceiptAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default);

    /// <summary>The proof that a record is among the first so many.</summary>
    /// <param name="sequence">The record.</param>
    /// <param name="size">How many records the tree has; null for all that the node has.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LedgerRangeException">There is no such record in such a tree.</exception>
    /// <exception cref="SwarmUnavailableException">The node has not that many records, and no quorum says whether there are more.</exception>
    Task<InclusionProof> GetInclusionProofAsync(ulong sequence, ulong? size = null, CancellationToken cancellationToken = default);

    /// <summary>The proof that the ledger's first so many records are the beginning of a later one.</summary>
    /// <param name="from">How many records there were.</param>
    /// <param name="to">How many there were later; null for all that the node has.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LedgerRangeException">The ledger was never that long, or the first is greater than the second.</exception>
    /// <exception cref="SwarmUnavailableException">The node has not that many records, and no quorum says whether there are more.</exception>
    Task<ConsistencyProof> GetConsistencyProofAsync(ulong from, ulong? to = null, CancellationToken cancellationToken = default);
}
