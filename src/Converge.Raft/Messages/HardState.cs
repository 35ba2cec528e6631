using Converge.Core;

namespace Converge.Raft;

/// <summary>What a node must have on disk before anybody may rely on it.</summary>
/// <param name="Term">The greatest term seen.</param>
/// <param name="Vote">For whom the node voted in that term.</param>
/// <param name="Commit">The greatest index known to be committed. May lag on disk without harm.</param>
public readonly record struct HardState(Term Term, NodeId Vote, LogIndex Commit)
{
    /// <summary>True for a node that has never taken part.</summary>
    public bool IsEmpty => this == default;
}

/// <summary>What is worth telling others but need not be kept.</summary>
/// <param name="Lead">The leader of the current term as far as known; <see cref="NodeId.None"/> otherwise.</param>
/// <param name="Role">The node's own role.</param>
public readonly record struct SoftState(NodeId Lead, RaftRole Role);

/// <summary>The part that a node plays in its term.</summary>
public enum RaftRole : byte
{
    /// <summary>Follows a leader, or waits for one.</summary>
    Follower = 0,

    /// <summary>Asks whether it would be elected, without disturbing anybody.</summary>
    PreCandidate = 1,

    /// <summary>Asks for votes in a term of its own.</summary>
    Candidate = 2,

    /// <summary>Orders the log of its term.</summary>
    Leader = 3,
}

/// <summary>Where a read that was asked for is linearizable: once the state machine has applied <paramref name="Index"/>.</summary>
/// <param name="Index">The index to wait for.</param>
/// <param name="Context">The name that <see cref="RaftNode.ReadIndex(ulong)"/> was given.</param>
public readonly record struct ReadState(LogIndex Index, ulong Context);
