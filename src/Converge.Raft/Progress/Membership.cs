using Converge.Core;

namespace Converge.Raft;

/// <summary>The configuration in force and the progress of each of its members, in the order of their identities.</summary>
/// <remarks>
/// Members are few: a sorted array that is walked is faster than a dictionary, and its order is the order in which messages go out.
/// </remarks>
internal sealed class Membership(ConfigurationState configuration, MemberProgress[] members)
{
    public static readonly Membership Empty = new(ConfigurationState.Empty, []);

    public ConfigurationState Configuration { get; } = configuration;

    public ReadOnlySpan<MemberProgress> Members => members;

    /// <summary>One voter decides alone.</summary>
    public bool IsSingleton => Configuration.Voters.Length == 1 && !Configuration.IsJoint;

    /// <summary>The members of a configuration about whose progress nothing is known.</summary>
    public static Membership Restore(ConfigurationState configuration, LogIndex lastIndex, RaftOptions options)
    {
        var ids = new SortedSet<NodeId>();
        ids.UnionWith(configuration.Voters);
        ids.UnionWith(configuration.VotersOutgoing);
        ids.UnionWith(configuration.Learners);

        var members = new MemberProgress[ids.Count];
        int at = 0;
        foreach (NodeId id in ids)
        {
            members[at++] = NewMember(id, lastIndex, configuration.IsLearner(id), options);
        }

        return new Membership(configuration, members);
    }

    /// <summary>A member that was not there before is probed at the end of the log.</summary>
    public static MemberProgress NewMember(NodeId id, LogIndex lastIndex, bool isLearner, RaftOptions options) =>
        new(id, LogIndex.Max(lastIndex, new LogIndex(1)), isLearner, options.MaxInflightMessages, options.MaxInflightBytes);

    public MemberProgress? Find(NodeId id) => Find(members, id);

    public bool Contains(NodeId id) => Find(id) is not null;

    /// <summary>The greatest index that is durable on a quorum.</summary>
    public LogIndex CommittedIndex() =>
        JointQuorum.CommittedIndex(Configuration.Voters.AsSpan(), Configuration.VotersOutgoing.AsSpan(), new MatchIndexes(members));

    /// <summary>The last heartbeat round of this term that a quorum answered; the leader itself answers all.</summary>
    public ulong ConfirmedRound(NodeId leader, ulong currentRound) =>
        JointQuorum.CommittedIndex(
            Configuration.Voters.AsSpan(), Configuration.VotersOutgoing.AsSpan(), new AnsweredRounds(members, leader, currentRound)).Value;

    /// <summary>How the election that is under way stands.</summary>
    public VoteResult TallyVotes() =>
        JointQuorum.Tally(Configuration.Voters.AsSpan(), Configuration.VotersOutgoing.AsSpan(), new Votes(members));

    /// <summary>Whether a quorum was heard of since the last check.</summary>
    public bool IsQuorumActive() =>
        JointQuorum.Tally(Configuration.Voters.AsSpan(), Configuration.VotersOutgoing.AsSpan(), new SignsOfLife(members)) == VoteResult.Won;

    /// <summary>An election begins.</summary>
    public void ClearBallots()
    {
        foreach (MemberProgress member in members)
        {
            member.Ballot = Ballot.None;
        }
    }

    /// <summary>Takes note of a ballot; only the first of a voter counts.</summary>
    public void RecordBallot(NodeId voter, bool granted)
    {
        if (Find(voter) is { Ballot: Ballot.None } member)
        {
            member.Ballot = granted ? Ballot.Granted : Ballot.Rejected;
        }
    }

    public Membership Clone()
    {
        var copies = new MemberProgress[members.Length];
        for (int i = 0; i < copies.Length; i++)
        {
            copies[i] = members[i].Clone();
        }

        return new Membership(Configuration, copies);
    }

    /// <summary>Adds all that decides what comes next. What a node that does not lead keeps of its members' progress is set anew before it does, and decides nothing.</summary>
    public void Fingerprint(ref StateFingerprint fingerprint, bool isLeader)
    {
        fingerprint.Add(Configuration);
        UInt128 sum = 0;
        foreach (MemberProgress member in members)
        {
            StateFingerprint part = fingerprint.Part();
            member.Fingerprint(ref part, isLeader);
            sum += part.Value;
        }

        fingerprint.AddSum(sum);
    }

    private static MemberProgress? Find(MemberProgress[] members, NodeId id)
    {
        foreach (MemberProgress member in members)
        {
            if (member.Id == id)
            {
                return member;
            }
        }

        return null;
    }

    private readonly struct MatchIndexes(MemberProgress[] members) : IAcknowledgedIndexes
    {
        public bool TryGet(NodeId voter, out LogIndex index)
        {
            MemberProgress? member = Membership.Find(members, voter);
            index = member?.Match ?? LogIndex.Zero;
            return member is not null;
        }
    }

    private readonly struct AnsweredRounds(MemberProgress[] members, NodeId leader, ulong currentRound) : IAcknowledgedIndexes
    {
        public bool TryGet(NodeId voter, out LogIndex index)
        {
            MemberProgress? member = Membership.Find(members, voter);
            index = new LogIndex(voter == leader ? currentRound : member?.AcknowledgedRound ?? 0);
            return member is not null;
        }
    }

    private readonly struct Votes(MemberProgress[] members) : IBallots
    {
        public Ballot Of(NodeId voter) => Membership.Find(members, voter)?.Ballot ?? Ballot.None;
    }

    private readonly struct SignsOfLife(MemberProgress[] members) : IBallots
    {
        public Ballot Of(NodeId voter) =>
            Membership.Find(members, voter) is { RecentActive: true } ? Ballot.Granted : Ballot.Rejected;
    }
}
