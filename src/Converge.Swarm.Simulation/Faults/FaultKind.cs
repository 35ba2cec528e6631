namespace Converge.Swarm.Simulation;

/// <summary>What can go wrong in a simulated run, and what an operator may do in the middle of it. The names are what a report prints.</summary>
public enum FaultKind
{
    /// <summary>A process is killed; what it wrote stays readable.</summary>
    ProcessKilled,

    /// <summary>A machine loses its power; what was not flushed may be gone, sector by sector.</summary>
    PowerLost,

    /// <summary>A machine loses its power in the middle of one of its next disk operations.</summary>
    PowerLostWhileWriting,

    /// <summary>All machines lose their power at once.</summary>
    AllPowerLost,

    /// <summary>A process stands still for a while.</summary>
    ProcessPaused,

    /// <summary>A clock jumps, forward or back.</summary>
    ClockJumped,

    /// <summary>A clock and its timer run too fast or too slow for a while.</summary>
    ClockDrifts,

    /// <summary>A disk answers nothing for a while.</summary>
    DiskStalled,

    /// <summary>A disk has no room for another segment for a while.</summary>
    DiskFull,

    /// <summary>A write fails in the middle.</summary>
    WriteFailed,

    /// <summary>A flush fails.</summary>
    FlushFailed,

    /// <summary>A bit of something durable flips while the process is down.</summary>
    BitFlipped,

    /// <summary>The network falls into two halves.</summary>
    Split,

    /// <summary>One node hears nobody and is heard by nobody.</summary>
    Isolated,

    /// <summary>One way between two nodes is cut; the way back is not.</summary>
    OneWayCut,

    /// <summary>All nodes reach one of them, and none another.</summary>
    Bridge,

    /// <summary>The network loses, delays and repeats more than usual for a while.</summary>
    NetworkDegraded,

    /// <summary>A log actor is replaced while its node goes on.</summary>
    LogActorReplaced,

    /// <summary>An operator has the leadership handed over.</summary>
    LeadershipTransferred,

    /// <summary>A process is told to stop in an orderly way, and started again.</summary>
    Drained,

    /// <summary>An operator adds a new node, with an empty disk.</summary>
    MemberAdded,

    /// <summary>An operator adds two new nodes at once, by joint consensus.</summary>
    TwoMembersAdded,

    /// <summary>An operator removes a member.</summary>
    MemberRemoved,

    /// <summary>An operator removes the leader.</summary>
    LeaderRemoved,

    /// <summary>An operator removes two members at once, by joint consensus.</summary>
    TwoMembersRemoved,

    /// <summary>An operator puts a new node in the place of a member, in one change.</summary>
    MemberReplaced,

    /// <summary>A leader ends as soon as the configuration is joint.</summary>
    JointLeaderEnded,

    /// <summary>A machine is lost with its disk; its identity is removed, comes back with an empty disk, is refused, and a new one takes its place.</summary>
    MachineLost,
}
