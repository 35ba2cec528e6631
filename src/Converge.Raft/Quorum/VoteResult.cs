using Converge.Core;

namespace Converge.Raft;

/// <summary>How an election stands.</summary>
public enum VoteResult
{
    /// <summary>Neither side can be sure yet.</summary>
    Pending = 0,

    /// <summary>A quorum is out of reach.</summary>
    Lost = 1,

    /// <summary>A quorum granted.</summary>
    Won = 2,
}

/// <summary>What one voter said.</summary>
public enum Ballot : byte
{
    /// <summary>Nothing yet.</summary>
    None = 0,

    /// <summary>Yes.</summary>
    Granted = 1,

    /// <summary>No.</summary>
    Rejected = 2,
}

/// <summary>Up to which index each voter has acknowledged.</summary>
public interface IAcknowledgedIndexes
{
    /// <summary>The acknowledged index of a voter; false when nothing is known of it, which counts as <see cref="LogIndex.Zero"/>.</summary>
    bool TryGet(NodeId voter, out LogIndex index);
}

/// <summary>What each voter said.</summary>
public interface IBallots
{
    /// <summary>The ballot of a voter.</summary>
    Ballot Of(NodeId voter);
}
