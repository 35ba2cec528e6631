namespace Converge.Swarm.Governance;

/// <summary>
/// The rules by which entries change the governance state, all their limits included. They decide what every node makes of the log:
/// whoever changes one makes a new version, and keeps the old one for the entries that need it.
/// </summary>
public static class ApplyRules
{
    /// <summary>The version that facts and authorities need.</summary>
    public const ushort Version = 1;

    /// <summary>The version that changes of members need.</summary>
    public const ushort MembershipVersion = 2;

    /// <summary>The greatest version that this program can apply.</summary>
    public const ushort Newest = MembershipVersion;

    /// <summary>A session whose highest number is H keeps its answers to the numbers above H minus this.</summary>
    public const ulong SessionWindow = 65_536;

    /// <summary>Answers kept over all sessions; the oldest in log order goes first.</summary>
    public const int MaxAnswers = 262_144;

    /// <summary>Sessions kept; the least recently used in log order goes first, with all its answers.</summary>
    public const int MaxSessions = 65_536;
}
