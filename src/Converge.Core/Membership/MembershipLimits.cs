namespace Converge.Core;

/// <summary>How much a change of members may hold.</summary>
public static class MembershipLimits
{
    /// <summary>The greatest number of members: beyond it, every commit waits for more disks without surviving more.</summary>
    public const int MaxMembers = 15;

    /// <summary>Steps of one change: every member replaced at once.</summary>
    public const int MaxSteps = 2 * MaxMembers;

    /// <summary>Identities that were removed and are never used again; a removal beyond it is refused.</summary>
    public const int MaxRemoved = 4_096;

    /// <summary>The address of a peer: 1 to 255 characters.</summary>
    public const int MaxPeerLength = 255;

    /// <summary>The address of an HTTP API: 1 to 512 characters.</summary>
    public const int MaxHttpLength = 512;
}
