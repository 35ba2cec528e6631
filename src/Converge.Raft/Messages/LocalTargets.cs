using Converge.Core;

namespace Converge.Raft;

/// <summary>
/// The two addressees inside a node of the messages of asynchronous storage (<see cref="RaftOptions.AsyncStorageWrites"/>).
/// No node may have one of these identities, and no message from the network may claim to come from one.
/// </summary>
public static class LocalTargets
{
    /// <summary>Makes entries, term, vote and snapshots durable, in the order of the messages.</summary>
    public static readonly NodeId AppendThread = new(ulong.MaxValue);

    /// <summary>Applies committed entries to the state machine, in the order of the messages.</summary>
    public static readonly NodeId ApplyThread = new(ulong.MaxValue - 1);

    /// <summary>True for the two.</summary>
    public static bool Contains(NodeId id) => id.Value >= ulong.MaxValue - 1;
}
