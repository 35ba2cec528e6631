using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Swarm;

/// <summary>
/// What became of the wish to change the members. Exactly three cases: <see cref="MembershipChanged"/>, <see cref="MembershipNotChanged"/>
/// and <see cref="MembershipChangeUnknown"/>.
/// </summary>
public abstract record MembershipOutcome
{
    private protected MembershipOutcome()
    {
    }
}

/// <summary>
/// The change is in force and recorded. A member that was added has no vote yet: it gets one by a change of its own, once it has caught up.
/// </summary>
/// <param name="Index">The entry of the agreed log that made it.</param>
/// <param name="Term">The term of that entry.</param>
/// <param name="Voters">Who has a vote now, in ascending order.</param>
/// <param name="Learners">Who is a member without a vote now, in ascending order.</param>
public sealed record MembershipChanged(LogIndex Index, Term Term, ImmutableArray<NodeId> Voters, ImmutableArray<NodeId> Learners) : MembershipOutcome
{
    /// <inheritdoc/>
    public bool Equals(MembershipChanged? other) =>
        other is not null
        && Index == other.Index
        && Term == other.Term
        && Voters.AsSpan().SequenceEqual(other.Voters.AsSpan())
        && Learners.AsSpan().SequenceEqual(other.Learners.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Index, Term, Voters.Length, Learners.Length);
}

/// <summary>Nothing was changed.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">For a person.</param>
public sealed record MembershipNotChanged(MembershipRefusal Reason, string Message) : MembershipOutcome;

/// <summary>The change was proposed or handed on, and what became of it is not known; the list of the members tells.</summary>
/// <param name="Message">For a person.</param>
public sealed record MembershipChangeUnknown(string Message) : MembershipOutcome;
