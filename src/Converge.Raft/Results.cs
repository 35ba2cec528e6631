namespace Converge.Raft;

/// <summary>What became of a proposal.</summary>
public enum ProposeResult
{
    /// <summary>
    /// Appended by this leader, or sent to the leader by this follower. It may still be lost: only its appearance among the committed
    /// entries says that it was not.
    /// </summary>
    Accepted = 0,

    /// <summary>No leader is known. Nothing happened.</summary>
    NoLeader,

    /// <summary>This node does not lead and <see cref="RaftOptions.DisableProposalForwarding"/> is set. Nothing happened.</summary>
    NotLeader,

    /// <summary>It would exceed <see cref="RaftOptions.MaxUncommittedBytes"/>. Nothing happened; try again when entries were applied.</summary>
    TooManyUncommitted,

    /// <summary>The leadership is being handed over. Nothing happened.</summary>
    Transferring,

    /// <summary>This leader was removed from the configuration. Nothing happened.</summary>
    NotMember,

    /// <summary>
    /// An earlier change of members is not applied yet, or may not be. Nothing happened with
    /// <see cref="RaftOptions.RefuseInvalidConfigurationChanges"/>; without it an empty entry was appended instead. So for the rest below.
    /// </summary>
    ConfigurationChangePending,

    /// <summary>The joint configuration must be left first.</summary>
    MustLeaveJointFirst,

    /// <summary>There is no joint configuration to leave.</summary>
    NotJoint,

    /// <summary>The change does not fit the configuration in force.</summary>
    InvalidConfigurationChange,

    /// <summary>The leader has not committed an entry of its term yet.</summary>
    TermNotEstablished,
}

/// <summary>What became of a message that was stepped.</summary>
public enum StepResult
{
    /// <summary>It was taken, which includes being ignored for reasons of the protocol.</summary>
    Accepted = 0,

    /// <summary>A kind that only a local target may send claims to come from elsewhere. Nothing happened.</summary>
    LocalKind,

    /// <summary>An answer from somebody who is not a member. Nothing happened.</summary>
    UnknownPeer,

    /// <summary>A forwarded proposal could not be taken. Nothing happened; the proposer is not told.</summary>
    ProposalDropped,

    /// <summary>It is addressed to another node. Nothing happened.</summary>
    WrongRecipient,

    /// <summary>It contradicts itself: no kind, entries that are not dense or of a later term than the message. Nothing happened.</summary>
    Malformed,

    /// <summary>
    /// A leader knows this node to have had entries that its log does not hold: the log lost its end. Nothing was answered. The node must
    /// not go on under its identity; it comes back as a new learner.
    /// </summary>
    LogLost,

    /// <summary>A candidate that is no member was ignored (<see cref="RaftOptions.IgnoreNonMembers"/>).</summary>
    NonMemberIgnored,
}

/// <summary>What became of a read that was asked for.</summary>
public enum ReadIndexResult
{
    /// <summary>It will appear among <see cref="Ready.ReadStates"/>, unless the leader changes or a message is lost: ask again after a while.</summary>
    Accepted = 0,

    /// <summary>No leader is known. Nothing happened.</summary>
    NoLeader,

    /// <summary><see cref="RaftOptions.MaxPendingReads"/> reads wait already. Nothing happened.</summary>
    TooManyPending,
}

/// <summary>What became of a wish to promote a learner.</summary>
public enum PromotionResult
{
    /// <summary>The leader has taken note. <see cref="FollowerProgress.Promotion"/> tells how it goes; it ends with the leadership.</summary>
    Accepted = 0,

    /// <summary>This node does not lead. Nothing happened.</summary>
    NotLeader,

    /// <summary>There is no such learner in the configuration in force. Nothing happened.</summary>
    NotLearner,
}

/// <summary>How the sending of a snapshot to a follower ended.</summary>
public enum SnapshotStatus
{
    /// <summary>It was delivered.</summary>
    Finished = 0,

    /// <summary>It was not.</summary>
    Failed = 1,
}
