using Converge.Core;
using Converge.Swarm.Ledger;

namespace Converge.Swarm;

/// <summary>One way to speak to a swarm, whichever node and host is behind it. Safe for concurrent use.</summary>
public interface ISwarmClient : IFactCommitStore, IPromotionLedger, ILedgerProofs
{
    /// <summary>How the node that answers sees itself and the swarm; local and immediate, never a quorum's word.</summary>
    Task<SwarmStatus> GetStatusAsync(CancellationToken cancellationToken = default);
}
