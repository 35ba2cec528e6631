namespace Converge.Core;

/// <summary>What a member of the swarm is there for. The values are part of encodings and never change.</summary>
public enum MemberRole
{
    /// <summary>Receives everything and decides nothing.</summary>
    Learner = 1,

    /// <summary>Has a vote: what is committed is on the disks of a majority of the voters.</summary>
    Voter = 2,
}

/// <summary>What happened to one member. The values are part of encodings and never change.</summary>
public enum MembershipStepKind
{
    /// <summary>It is a member from now on, at first without a vote.</summary>
    Added = 1,

    /// <summary>A learner has a vote from now on.</summary>
    Promoted = 2,

    /// <summary>It is a member no longer, and nobody will ever be a member under its identity again.</summary>
    Removed = 3,
}

/// <summary>One step of a change of the members.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Node">To whom.</param>
/// <param name="Role">For <see cref="MembershipStepKind.Added"/>: what it is to become once it has caught up. Otherwise null.</param>
/// <param name="Peer">For <see cref="MembershipStepKind.Added"/>: where its peers reach it. Otherwise null.</param>
/// <param name="Http">For <see cref="MembershipStepKind.Added"/>: where its HTTP API is, if it was said. Otherwise null.</param>
public sealed record MembershipStep(MembershipStepKind Kind, NodeId Node, MemberRole? Role = null, string? Peer = null, string? Http = null)
{
    /// <summary>A new member.</summary>
    public static MembershipStep Add(NodeId node, MemberRole role, string peer, string? http = null) => new(MembershipStepKind.Added, node, role, peer, http);

    /// <summary>A learner that gets a vote.</summary>
    public static MembershipStep Promote(NodeId node) => new(MembershipStepKind.Promoted, node);

    /// <summary>A member that is to be none any more.</summary>
    public static MembershipStep Remove(NodeId node) => new(MembershipStepKind.Removed, node);
}
