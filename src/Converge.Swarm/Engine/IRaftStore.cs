using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Engine;

/// <summary>Where an in-memory engine keeps what its nodes must not forget.</summary>
public interface IRaftStore
{
    /// <summary>What was saved last; null when nothing ever was.</summary>
    /// <exception cref="RaftStoreDamagedException">It is not what was saved.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    RaftStoreContent? Load();

    /// <summary>Replaces what is there, all or nothing. When it returns, the content survives a crash.</summary>
    /// <exception cref="IOException">It cannot be written; what <see cref="Load"/> gives is the content before or this one.</exception>
    void Save(RaftStoreContent content);
}

/// <summary>What the nodes of a cluster must not forget, all of them at one moment.</summary>
/// <param name="Clock">The counter of the cluster's Lamport clock.</param>
/// <param name="Nodes">The nodes.</param>
public sealed record RaftStoreContent(ulong Clock, IReadOnlyList<StoredNode> Nodes);

/// <summary>What one node must not forget.</summary>
/// <param name="Node">The node.</param>
/// <param name="State">Term, vote and commit index.</param>
/// <param name="Log">All entries from index 1, in order and without gaps.</param>
public sealed record StoredNode(NodeId Node, HardState State, IReadOnlyList<Entry> Log);
