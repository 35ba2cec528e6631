namespace Converge.Raft.Tests.Exhaustion;

/// <summary>What happens when something happens to a node in some state: the same whenever it does.</summary>
/// <param name="Next">The state after it; negative when the action is not possible, or when something did not hold.</param>
/// <param name="Sent">The messages that it sends.</param>
/// <param name="Violation">What did not hold within the node, or null.</param>
internal sealed record NodeTransition(int Next, int[] Sent, string? Violation)
{
    public static readonly NodeTransition Impossible = new(-1, [], null);
}
