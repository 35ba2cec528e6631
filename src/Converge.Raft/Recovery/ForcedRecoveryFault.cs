namespace Converge.Raft;

/// <summary>Why a cluster cannot be recovered by force, or not in this way.</summary>
public enum ForcedRecoveryFault
{
    /// <summary>It can.</summary>
    None = 0,

    /// <summary>The survivor is no member of the last configuration in its log.</summary>
    SurvivorNotMember,

    /// <summary>The survivor is named among the lost.</summary>
    SurvivorNamedLost,

    /// <summary>One that is named among the lost is no voter of the last configuration in the log, or is named twice.</summary>
    NotAVoter,

    /// <summary>The voters that are not named as lost are a quorum: start them, and change the members in the ordinary way.</summary>
    QuorumRemains,

    /// <summary>The log cannot be read to its end now. It may be later.</summary>
    LogUnavailable,

    /// <summary>The log holds nothing: there is nothing to recover.</summary>
    LogEmpty,

    /// <summary>The marker is empty: what is done by force must be visible in the log for ever.</summary>
    MarkerMissing,
}
