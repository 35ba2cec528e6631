using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft;

/// <summary>What an operator states when a cluster has lost its quorum for good.</summary>
public sealed record ForcedRecoveryRequest
{
    /// <summary>Whose storage is to be gone on from.</summary>
    public required NodeId Survivor { get; init; }

    /// <summary>Every voter that is lost for good, by name: who names too few has a quorum left and does not need force.</summary>
    public required ImmutableArray<NodeId> LostVoters { get; init; }

    /// <summary>The data of the entry that tells for ever that this was done: opaque to the protocol, not empty.</summary>
    public required ReadOnlyMemory<byte> Marker { get; init; }

    /// <summary>The index up to which the survivor's state machine has applied, as <see cref="RaftOptions.Applied"/>.</summary>
    public LogIndex Applied { get; init; }
}
