using Converge.Core;
using Converge.Raft;

namespace Converge.Swarm.Engine;

/// <summary>Who takes part in an in-memory cluster: an odd number of nodes, for ever the same.</summary>
public sealed class RaftGovernanceCluster
{
    /// <summary>The greatest number of nodes.</summary>
    public const int MaxMembers = 9;

    private RaftGovernanceCluster(IReadOnlyList<NodeId> members) => Members = members;

    /// <summary>The nodes, in ascending order.</summary>
    public IReadOnlyList<NodeId> Members { get; }

    /// <summary>How many nodes must have an entry for it to be committed.</summary>
    public int Majority => (Members.Count / 2) + 1;

    /// <summary>A cluster of these nodes.</summary>
    /// <param name="members">An odd number of different nodes, at most <see cref="MaxMembers"/>.</param>
    /// <exception cref="ArgumentException">They are none, of an even number, too many, or one is there twice or is no node.</exception>
    public static RaftGovernanceCluster Bootstrap(IReadOnlyList<NodeId> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        NodeId[] sorted = [.. members.Distinct().Order()];
        if (sorted.Length != members.Count || sorted.Any(member => member.IsNone || LocalTargets.Contains(member)))
        {
            throw new ArgumentException($"Every member must be a node, and be named once: {string.Join(", ", members)}.", nameof(members));
        }

        return sorted.Length % 2 == 1 && sorted.Length <= MaxMembers
            ? new RaftGovernanceCluster(sorted)
            : throw new ArgumentException($"A cluster has an odd number of members, at most {MaxMembers}, not {sorted.Length}.", nameof(members));
    }
}
