using System.Collections.Immutable;
using System.Globalization;
using Converge.Core;

namespace Converge.Raft;

/// <summary>How <see cref="RaftNode.ReadIndex(ulong)"/> makes sure that the leader still leads.</summary>
public enum ReadMode
{
    /// <summary>A quorum answers a heartbeat that was sent after the read came in. Needs no clock.</summary>
    Safe = 0,

    /// <summary>
    /// Within a lease no round trip is needed: a quorum answered a heartbeat that was sent less than an election timeout ago, less
    /// <see cref="RaftOptions.LeaseDriftTicks"/>, and so has promised not to elect anybody until then. Outside a lease like <see cref="Safe"/>.
    /// </summary>
    /// <remarks>
    /// Trades a round trip for trust in clocks: the host must deliver every tick that has passed on its monotonic clock before it hands in
    /// a read, a pause of the whole process included; or it advances a clock for this alone (<see cref="RaftOptions.LeaseClockIsExternal"/>). Must be set on every node or on none, together with
    /// <see cref="RaftOptions.CheckQuorum"/>: followers then stay loyal for an election timeout even across a restart,
    /// <see cref="RaftNode.ForgetLeader"/> does nothing, and <see cref="RaftNode.Campaign"/> nothing while there is a leader.
    /// </remarks>
    LeaseBased = 1,
}

/// <summary>The only randomness of the protocol, so that a run can be repeated exactly.</summary>
public interface IRandomSource
{
    /// <summary>A number from 0 up to but without <paramref name="exclusiveMax"/>, which is at least 1.</summary>
    int Next(int exclusiveMax);
}

/// <summary>One thing that is wrong with <see cref="RaftOptions"/>.</summary>
/// <param name="Option">The option to change.</param>
/// <param name="Message">What is wrong, with the value.</param>
public readonly record struct RaftOptionsFault(string Option, string Message);

/// <summary>The settings of one node. Immutable; all nodes of a cluster should have the same, except for <see cref="Id"/>.</summary>
public sealed record RaftOptions
{
    /// <summary>The node's identity. Never <see cref="NodeId.None"/> or one of <see cref="LocalTargets"/>, and never used again after its disk was lost.</summary>
    public required NodeId Id { get; init; }

    /// <summary>Where the election timeouts are drawn from: from <see cref="ElectionTicks"/> up to but without twice that.</summary>
    public required IRandomSource Random { get; init; }

    /// <summary>
    /// Ticks without a sign of the leader after which a follower campaigns at the earliest. Smaller finds a dead leader sooner; must be
    /// well above the round trip and any pause in ticks, or live leaders are replaced. Ten times <see cref="HeartbeatTicks"/> is usual.
    /// </summary>
    public int ElectionTicks { get; init; } = 10;

    /// <summary>Ticks between heartbeats of a leader. Less than <see cref="ElectionTicks"/>.</summary>
    public int HeartbeatTicks { get; init; } = 1;

    /// <summary>
    /// Bytes of entries (<see cref="Entry.SizeBytes"/>) in one append; one entry is sent whatever its size. Larger catches followers up
    /// with fewer messages but holds the network longer.
    /// </summary>
    public long MaxMessageBytes { get; init; } = 1 << 20;

    /// <summary>Bytes of committed entries that are handed out for applying and not yet applied: the bound on the apply backlog. One entry is handed out whatever its size.</summary>
    public long MaxCommittedBytesPerReady { get; init; } = 4 << 20;

    /// <summary>
    /// Bytes of data of a leader's entries that are not applied yet, beyond which proposals are refused with
    /// <see cref="ProposeResult.TooManyUncommitted"/>. Keeps the log bounded while no quorum answers. One proposal is taken whatever its size.
    /// </summary>
    public long MaxUncommittedBytes { get; init; } = 64 << 20;

    /// <summary>Appends under way to one follower. More keeps a longer pipe full and holds more memory.</summary>
    public int MaxInflightMessages { get; init; } = 256;

    /// <summary>Bytes of data under way to one follower. At least <see cref="MaxMessageBytes"/>, unless neither is bounded.</summary>
    public long MaxInflightBytes { get; init; } = 16 << 20;

    /// <summary>Reads of <see cref="RaftNode.ReadIndex(ulong)"/> that wait for a confirmation, beyond which further ones are refused.</summary>
    public int MaxPendingReads { get; init; } = 65_536;

    /// <summary>
    /// Rounds of catching up, each an election timeout or longer, after which a leader gives up promoting a learner that was asked for by
    /// <see cref="RaftNode.PromoteWhenCaughtUp"/> (Ongaro's thesis, section 4.2.1, which gives ten as an example).
    /// </summary>
    public int MaxCatchUpRounds { get; init; } = 10;

    /// <summary>
    /// A leader that has not heard of a quorum for an election timeout steps down, and a node that has heard of its leader within one
    /// ignores candidates (Ongaro's thesis, section 6.2 and 4.2.3). Without it a leader that was cut off goes on believing that it leads.
    /// </summary>
    public bool CheckQuorum { get; init; } = true;

    /// <summary>
    /// Candidates first ask whether they would be elected (thesis, section 9.6), so that a node that was cut off does not come back with a
    /// higher term. Best together with <see cref="CheckQuorum"/>: alone it does not protect a leader from a candidate with a good log.
    /// </summary>
    public bool PreVote { get; init; } = true;

    /// <summary>How reads are confirmed. <see cref="ReadMode.LeaseBased"/> must not be used without <see cref="CheckQuorum"/>.</summary>
    public ReadMode ReadMode { get; init; } = ReadMode.Safe;

    /// <summary>
    /// Ticks taken off a lease for clocks that run apart and for ticks being whole numbers; at least 1, and less than
    /// <see cref="ElectionTicks"/> less one. Only used with <see cref="ReadMode.LeaseBased"/>.
    /// </summary>
    public int LeaseDriftTicks { get; init; } = 1;

    /// <summary>
    /// Leases are not counted in ticks but on a clock that the host advances with <see cref="RaftNode.AdvanceLeaseClock"/>. For a host
    /// whose ticks may come late, in a bunch, or as one that stands for many: its leases then rest on what its monotonic clock shows, and on
    /// nothing else. Only used with <see cref="ReadMode.LeaseBased"/>.
    /// </summary>
    public bool LeaseClockIsExternal { get; init; }

    /// <summary>
    /// Storage answers by messages: <see cref="Ready"/> holds messages to <see cref="LocalTargets"/>, whose responses are stepped back in,
    /// and <see cref="RaftNode.Advance"/> is not called. The leader then sends to followers while its own disk writes.
    /// </summary>
    public bool AsyncStorageWrites { get; init; }

    /// <summary>
    /// A candidate asks for votes only when its own term, its vote for itself and the log that it names are durable. Only makes a difference
    /// with <see cref="AsyncStorageWrites"/>, where requests would otherwise leave while the disk still writes. Costs an election one write.
    /// </summary>
    /// <remarks>
    /// Without it a candidate that crashes before that write comes back in the earlier term, campaigns a second time in the same one, and is
    /// given, or still receives, the votes of the first time: with a log that has lost entries since, or after it has led that term already.
    /// Committed entries are lost either way. Only to be turned off to behave exactly like a core that sends requests at once.
    /// </remarks>
    public bool DurableCandidacy { get; init; } = true;

    /// <summary>A follower refuses proposals instead of sending them to the leader, so that a proposer knows that none was lost on the way.</summary>
    public bool DisableProposalForwarding { get; init; }

    /// <summary>
    /// A leader that is removed or made a learner steps down when that is applied. Without it the leader goes on, without counting itself,
    /// until somebody else is elected: leave it on unless something above the protocol takes care of that.
    /// </summary>
    public bool StepDownOnRemoval { get; init; } = true;

    /// <summary>
    /// Changes of members enter the log even when they do not fit the configuration in force. Only for a host that serialises and checks
    /// them itself. Must not be combined with <see cref="RefuseInvalidConfigurationChanges"/>.
    /// </summary>
    public bool DisableConfigurationChangeValidation { get; init; }

    /// <summary>
    /// A change of members that does not fit is refused without a trace, is checked against the configuration in force down to its last
    /// step, and waits for the first commit of the term. Without it an empty entry takes its place in the log, and it is only checked
    /// whether a change is pending and whether the configuration is joint.
    /// </summary>
    public bool RefuseInvalidConfigurationChanges { get; init; } = true;

    /// <summary>
    /// Candidates that are no members of the configuration in force are ignored, with their terms, as long as there is a leader and for
    /// two election timeouts after it was lost: a removed server disturbs nobody. Not for ever, because a node that is behind may not have
    /// heard yet of the configuration in which the candidate is a voter and its own vote is needed. Entries and heartbeats are taken from
    /// any leader, for the same reason.
    /// </summary>
    public bool IgnoreNonMembers { get; init; } = true;

    /// <summary>
    /// Ticks without progress of the node's own disk while entries are being written, after which a leader steps down and a follower does
    /// not campaign; 0 for never. A leader whose disk hangs would keep a cluster from electing one that works. Well above the longest
    /// flush of a healthy disk. Only used with <see cref="AsyncStorageWrites"/>.
    /// </summary>
    public int StalledStorageTicks { get; init; }

    /// <summary>
    /// How much each node is wished to lead; who is not named has 0. A voter waits an election timeout longer for each higher rank among the
    /// voters, three at most, so that those come first. The same on every node.
    /// </summary>
    /// <remarks>
    /// Trades time for place: when the preferred nodes are those that died, a new leader comes later, by up to three election timeouts. A wish
    /// and no rule: whose log is behind is not elected, however preferred, and after five election timeouts without a leader at most everybody
    /// is equal.
    /// </remarks>
    public IReadOnlyDictionary<NodeId, int> Priorities { get; init; } = ImmutableDictionary<NodeId, int>.Empty;

    /// <summary>
    /// A leader hands over to a voter of higher priority that answers and has caught up, at the earliest an election timeout after its election.
    /// Needs <see cref="CheckQuorum"/>, which tells who answers.
    /// </summary>
    /// <remarks>
    /// Each attempt refuses proposals for up to an election timeout. After one that failed twice as many election timeouts pass until the
    /// next, 64 at most: a preferred voter that cannot win takes less and less. With different <see cref="Priorities"/> on different nodes
    /// they would hand over to each other for ever.
    /// </remarks>
    public bool YieldToHigherPriority { get; init; }

    /// <summary>The index up to which the host has applied entries; nothing up to it is handed out again. Zero: as far as the log is compacted.</summary>
    public LogIndex Applied { get; init; }

    /// <summary>All that is wrong; empty when nothing is.</summary>
    public IReadOnlyList<RaftOptionsFault> Validate()
    {
        List<RaftOptionsFault> faults = [];
        Require(!Id.IsNone && !LocalTargets.Contains(Id), nameof(Id), $"{Id} is not the identity of a node.");
        Require(Random is not null, nameof(Random), $"A source of randomness is missing.");
        Require(HeartbeatTicks >= 1, nameof(HeartbeatTicks), $"{HeartbeatTicks} is less than 1.");
        Require(ElectionTicks > HeartbeatTicks, nameof(ElectionTicks), $"{ElectionTicks} is not more than {nameof(HeartbeatTicks)}, {HeartbeatTicks}.");
        Require(ElectionTicks <= int.MaxValue / 2, nameof(ElectionTicks), $"{ElectionTicks} cannot be doubled.");
        Require(MaxMessageBytes >= 0, nameof(MaxMessageBytes), $"{MaxMessageBytes} is negative; 0 sends one entry at a time.");
        Require(MaxCommittedBytesPerReady >= 1, nameof(MaxCommittedBytesPerReady), $"{MaxCommittedBytesPerReady} is less than 1.");
        Require(MaxUncommittedBytes >= 1, nameof(MaxUncommittedBytes), $"{MaxUncommittedBytes} is less than 1.");
        Require(MaxInflightMessages >= 1, nameof(MaxInflightMessages), $"{MaxInflightMessages} is less than 1.");
        Require(
            MaxInflightBytes >= 1 && MaxInflightBytes >= MaxMessageBytes,
            nameof(MaxInflightBytes),
            $"{MaxInflightBytes} is less than 1 or than {nameof(MaxMessageBytes)}, {MaxMessageBytes}.");
        Require(MaxPendingReads >= 1, nameof(MaxPendingReads), $"{MaxPendingReads} is less than 1.");
        Require(MaxCatchUpRounds >= 1, nameof(MaxCatchUpRounds), $"{MaxCatchUpRounds} is less than 1.");
        foreach ((NodeId node, int priority) in Priorities ?? ImmutableDictionary<NodeId, int>.Empty)
        {
            Require(priority >= 0, nameof(Priorities), $"{priority}, of {node}, is negative.");
        }

        Require(Priorities is not null, nameof(Priorities), $"They are missing; none at all is an empty dictionary.");
        Require(
            !YieldToHigherPriority || CheckQuorum,
            nameof(YieldToHigherPriority),
            $"It needs {nameof(CheckQuorum)}: nobody knows otherwise who answers.");
        Require(StalledStorageTicks >= 0, nameof(StalledStorageTicks), $"{StalledStorageTicks} is negative; 0 turns it off.");
        Require(
            StalledStorageTicks == 0 || AsyncStorageWrites,
            nameof(StalledStorageTicks),
            $"It needs {nameof(AsyncStorageWrites)}: otherwise nobody ticks while the disk writes.");
        Require(
            ReadMode == ReadMode.Safe || CheckQuorum,
            nameof(ReadMode),
            $"{ReadMode} needs {nameof(CheckQuorum)}: nobody promises to wait for the lease otherwise.");
        Require(Enum.IsDefined(ReadMode), nameof(ReadMode), $"{ReadMode} is unknown.");
        Require(
            ReadMode == ReadMode.Safe || (LeaseDriftTicks >= 1 && LeaseDriftTicks < ElectionTicks - 1),
            nameof(LeaseDriftTicks),
            $"{LeaseDriftTicks} is less than 1 or leaves nothing of {nameof(ElectionTicks)}, {ElectionTicks}.");
        Require(
            !(DisableConfigurationChangeValidation && RefuseInvalidConfigurationChanges),
            nameof(DisableConfigurationChangeValidation),
            $"It contradicts {nameof(RefuseInvalidConfigurationChanges)}.");
        return faults;

        void Require(bool condition, string option, FormattableString message)
        {
            if (!condition)
            {
                faults.Add(new RaftOptionsFault(option, message.ToString(CultureInfo.InvariantCulture)));
            }
        }
    }
}
