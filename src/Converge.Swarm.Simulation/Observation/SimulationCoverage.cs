namespace Converge.Swarm.Simulation;

/// <summary>
/// Rare things that a campaign must have seen: one that never happens is a part of the product that nobody tested. The names are what a
/// report prints.
/// </summary>
public enum SimulationCoverage
{
    /// <summary>A node found a torn tail at its start and cut it.</summary>
    TornTailCut,

    /// <summary>A loss of power took back something that was written and not flushed.</summary>
    UnflushedWriteLost,

    /// <summary>The power went in the middle of a disk operation.</summary>
    CrashInDiskOperation,

    /// <summary>A failed write or flush ended a node.</summary>
    FailedWriteEndedNode,

    /// <summary>A flipped bit was noticed.</summary>
    DamageNoticed,

    /// <summary>The log had no room on its disk.</summary>
    LogWithoutRoom,

    /// <summary>The ledger had no room on its disk.</summary>
    LedgerWithoutRoom,

    /// <summary>A client submitted a fact again.</summary>
    CommandRetried,

    /// <summary>A client asked again for what it was to read.</summary>
    ReadRetried,

    /// <summary>A write that was never confirmed was found whole after a restart.</summary>
    UnconfirmedWriteKept,

    /// <summary>A node came back with a log of more than one segment.</summary>
    SeveralSegmentsRecovered,

    /// <summary>A leader's process ended.</summary>
    LeaderEnded,

    /// <summary>A leader gave up its part and went on as a follower.</summary>
    LeaderSteppedDown,

    /// <summary>A candidate stood again in a later term: nobody won.</summary>
    ElectionWithoutWinner,

    /// <summary>A node that asked whether it could win was told no, and gave up.</summary>
    PreVoteLost,

    /// <summary>Entries were taken back on a disk, because a later leader had others.</summary>
    SuffixTruncated,

    /// <summary>A log actor was replaced while its node went on.</summary>
    LogRestarted,

    /// <summary>The leadership was handed over as asked.</summary>
    LeadershipTransferred,

    /// <summary>A command came again and got its first answer.</summary>
    DuplicateAnswered,

    /// <summary>A command came again, and its answer was no longer kept.</summary>
    CommandExpired,

    /// <summary>A session was forgotten to make room for another.</summary>
    SessionEvicted,

    /// <summary>A client was told that another entry took its command's place.</summary>
    CommandSuperseded,

    /// <summary>A client never learned what became of its command.</summary>
    OutcomeUnknown,

    /// <summary>A client was told that a queue was full.</summary>
    BusyAnswered,

    /// <summary>A client was told that there is no room.</summary>
    NoSpaceAnswered,

    /// <summary>A follower handed commands on to the leader.</summary>
    CommandForwarded,

    /// <summary>A follower served a linearizable read.</summary>
    ReadServedByFollower,

    /// <summary>A stale read showed less than was agreed.</summary>
    StaleReadBehind,

    /// <summary>A node said that its disk stands still.</summary>
    StallNoticed,

    /// <summary>A leased read was answered.</summary>
    LeasedReadServed,

    /// <summary>A node took a snapshot and compacted its log behind it.</summary>
    SnapshotTaken,

    /// <summary>A snapshot was due and could not be taken for want of room.</summary>
    SnapshotPostponed,

    /// <summary>A follower that was behind the beginning of the leader's log got its state as a snapshot.</summary>
    SnapshotInstalled,

    /// <summary>Records of the ledger that a follower lacked came with a snapshot.</summary>
    SnapshotBroughtRecords,

    /// <summary>A node came back with a snapshot and the log behind it.</summary>
    StartedFromSnapshot,

    /// <summary>A new member was taken in.</summary>
    MemberAdded,

    /// <summary>A learner got its vote.</summary>
    MemberPromoted,

    /// <summary>A member was removed.</summary>
    MemberRemoved,

    /// <summary>The node that led when its removal was asked for was removed.</summary>
    LeaderRemoved,

    /// <summary>A new member with an empty disk got its state as a snapshot.</summary>
    MemberCaughtUpBySnapshot,

    /// <summary>A leader's process ended while its configuration was joint.</summary>
    LeaderEndedInJoint,

    /// <summary>A change of members was refused or given up.</summary>
    MembershipChangeRefused,

    /// <summary>A node that came back with an empty disk under its old identity was refused.</summary>
    WipedIdentityRefused,
}
