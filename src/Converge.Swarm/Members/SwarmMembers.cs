using Converge.Core;

namespace Converge.Swarm;

/// <summary>One member as a node knows it.</summary>
/// <param name="Id">The member.</param>
/// <param name="Role">What it is now.</param>
/// <param name="Wanted">What it is to be: a learner that is wanted as a voter is promoted once it has caught up.</param>
/// <param name="Peer">Where its peers reach it.</param>
/// <param name="Http">Where its HTTP API is, if it was said.</param>
/// <param name="Leaving">True within a change that removes it: it votes until the change is through.</param>
/// <param name="Connected">Whether the node that answers has a connection to it; true for itself.</param>
/// <param name="MatchIndex">On the leader: the last entry it is known to have durably. Otherwise null.</param>
public sealed record MemberView(
    NodeId Id, MemberRole Role, MemberRole Wanted, string Peer, string? Http, bool Leaving, bool Connected, LogIndex? MatchIndex);

/// <summary>The members as the node that answers knows them: local and immediate, never a quorum's word.</summary>
public sealed record SwarmMembers
{
    /// <summary>The node that answers.</summary>
    public required NodeId Node { get; init; }

    /// <summary>The leader it knows of, or <see cref="NodeId.None"/>.</summary>
    public required NodeId Leader { get; init; }

    /// <summary>The last entry of the agreed log that changed anything about the members, as far as this node has applied it.</summary>
    public required LogIndex ChangedAt { get; init; }

    /// <summary>The members by ascending id.</summary>
    public required IReadOnlyList<MemberView> Members { get; init; }

    /// <summary>Every identity that was ever removed, in ascending order. None of them is used again.</summary>
    public required IReadOnlyList<NodeId> Removed { get; init; }

    /// <summary>True while a change of several voters is on its way: the voters before it and after it decide together.</summary>
    public required bool Changing { get; init; }

    /// <summary>What an operator should know, in sentences; empty when all is well.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
