using System.Collections.Immutable;

namespace Converge.Core;

/// <summary>A change of the swarm's members as it is recorded: its steps, and who is what after it. Equal when all of it is equal.</summary>
/// <param name="Steps">What was done, in order; at least one step, and no node in two of them.</param>
/// <param name="Voters">Who has a vote once the change is through, in ascending order; at least one.</param>
/// <param name="Learners">Who is a member without a vote then, in ascending order.</param>
/// <remarks>
/// A change of several voters passes through a moment in which the voters before it decide too (Raft paper, section 6). That moment is
/// the protocol's business and leaves no record of its own.
/// </remarks>
public sealed record MembershipChange(ImmutableArray<MembershipStep> Steps, ImmutableArray<NodeId> Voters, ImmutableArray<NodeId> Learners)
{
    /// <inheritdoc/>
    public bool Equals(MembershipChange? other) =>
        other is not null
        && Steps.AsSpan().SequenceEqual(other.Steps.AsSpan())
        && Voters.AsSpan().SequenceEqual(other.Voters.AsSpan())
        && Learners.AsSpan().SequenceEqual(other.Learners.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (MembershipStep step in Steps)
        {
            hash.Add(step);
        }

        hash.Add(Voters.Length);
        foreach (NodeId node in Voters)
        {
            hash.Add(node);
        }

        foreach (NodeId node in Learners)
        {
            hash.Add(node);
        }

        return hash.ToHashCode();
    }
}
