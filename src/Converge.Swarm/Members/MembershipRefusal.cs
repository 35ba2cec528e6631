namespace Converge.Swarm;

/// <summary>Why a change of members was not made. The values are on the wire and in the apply digest, and never change.</summary>
public enum MembershipRefusal
{
    /// <summary><c>no_leader</c>: no leader is known, or it could not be reached.</summary>
    NoLeader = 1,

    /// <summary><c>busy</c>: another change is pending, or a bounded queue is full; one change at a time.</summary>
    Busy = 2,

    /// <summary><c>stopping</c>: the node is shutting down.</summary>
    Stopping = 3,

    /// <summary><c>no_space</c>: the leader's disk has no room for its log.</summary>
    NoSpace = 4,

    /// <summary><c>invalid_change</c>: the change contradicts itself or says what no change may say.</summary>
    InvalidChange = 5,

    /// <summary><c>unknown_member</c>: the node is not a member.</summary>
    UnknownMember = 6,

    /// <summary><c>already_member</c>: the node is a member.</summary>
    AlreadyMember = 7,

    /// <summary><c>removed_member</c>: the identity was removed and is never used again; a node that comes back takes a new one.</summary>
    RemovedMember = 8,

    /// <summary><c>address_taken</c>: another member has that address.</summary>
    AddressTaken = 9,

    /// <summary><c>not_a_learner</c>: only a learner can be promoted; this member votes already.</summary>
    NotALearner = 10,

    /// <summary><c>not_caught_up</c>: the learner was not reached or lags behind; with a vote it would hold up every commit.</summary>
    NotCaughtUp = 11,

    /// <summary><c>quorum_unreachable</c>: too few of the voters that would remain can be reached for anything to be committed.</summary>
    QuorumUnreachable = 12,

    /// <summary><c>last_voter</c>: nobody would be left to decide.</summary>
    LastVoter = 13,

    /// <summary><c>too_many</c>: a swarm has no more members, or no more removed ones, than that.</summary>
    TooMany = 14,

    /// <summary><c>invalid_address</c>: the address is not one that this swarm's nodes may use.</summary>
    InvalidAddress = 15,
}

/// <summary>The stable names of <see cref="MembershipRefusal"/>.</summary>
public static class MembershipRefusalNames
{
    /// <summary>For example <c>unknown_member</c>.</summary>
    public static string Name(this MembershipRefusal reason) => reason switch
    {
        MembershipRefusal.NoLeader => "no_leader",
        MembershipRefusal.Busy => "busy",
        MembershipRefusal.Stopping => "stopping",
        MembershipRefusal.NoSpace => "no_space",
        MembershipRefusal.InvalidChange => "invalid_change",
        MembershipRefusal.UnknownMember => "unknown_member",
        MembershipRefusal.AlreadyMember => "already_member",
        MembershipRefusal.RemovedMember => "removed_member",
        MembershipRefusal.AddressTaken => "address_taken",
        MembershipRefusal.NotALearner => "not_a_learner",
        MembershipRefusal.NotCaughtUp => "not_caught_up",
        MembershipRefusal.QuorumUnreachable => "quorum_unreachable",
        MembershipRefusal.LastVoter => "last_voter",
        MembershipRefusal.TooMany => "too_many",
        MembershipRefusal.InvalidAddress => "invalid_address",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Not a reason."),
    };

    /// <summary>The reason that a name stands for, or null.</summary>
    public static MembershipRefusal? Parse(string? name)
    {
        foreach (MembershipRefusal reason in Enum.GetValues<MembershipRefusal>())
        {
            if (string.Equals(reason.Name(), name, StringComparison.Ordinal))
            {
                return reason;
            }
        }

        return null;
    }
}
