using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>One state of one node: its protocol, its disk, and what the disk has still to write. Never changed once it is known.</summary>
internal sealed class NodeState
{
    public required NodeId Node { get; init; }

    public required RaftNode Raft { get; init; }

    public required InMemoryRaftStorage Disk { get; init; }

    /// <summary>Handed out for writing, oldest first.</summary>
    public required ImmutableArray<Message> Work { get; init; }

    /// <summary>The log as the node sees it, durable or not.</summary>
    public required int Log { get; init; }

    /// <summary>The log that survives a crash.</summary>
    public required int DurableLog { get; init; }

    /// <summary>The fingerprint under each relabelling.</summary>
    public required ulong[] Prints { get; init; }

    /// <summary>The term that survives a crash.</summary>
    public required Term DurableTerm { get; init; }

    public RaftRole Role => Raft.Role;

    public Term Term => Raft.Term;

    /// <summary>How many entries behind the root of the <see cref="LogTree"/> are known to be committed.</summary>
    public int Committed => (int)Raft.CommitIndex.Value - 1;
}
