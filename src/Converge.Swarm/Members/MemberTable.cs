using System.Collections.Immutable;
using Converge.Core;
using Converge.Raft;
using Misfit = Converge.Raft.ConfigurationFault;

namespace Converge.Swarm.Members;

/// <summary>
/// Who takes part in the swarm, as agreed up to one entry of the log: the configuration in force, where each member is reached, what it
/// is wanted for, and every identity that was ever removed. Immutable; a pure function of the log, so it is the same on every node.
/// </summary>
/// <remarks>
/// The addresses of the first members are those of each node's own configuration. They are hints, and nothing that is compared between
/// nodes covers them.
/// </remarks>
public sealed class MemberTable
{
    /// <summary>Of a node that has not been told anything yet.</summary>
    public static readonly MemberTable Empty = new(ConfigurationState.Empty, [], [], LogIndex.Zero);

    /// <summary>What stands for an address that was never said.</summary>
    private const string UnknownAddress = "unknown";

    internal MemberTable(
        ConfigurationState configuration, ImmutableArray<SwarmMember> members, ImmutableArray<NodeId> removed, LogIndex changedAt)
    {
        Configuration = configuration;
        Members = members;
        Removed = removed;
        ChangedAt = changedAt;
    }

    /// <summary>The configuration in force.</summary>
    public ConfigurationState Configuration { get; }

    /// <summary>The members, those included that still vote in the outgoing half of a joint configuration; by ascending id.</summary>
    public ImmutableArray<SwarmMember> Members { get; }

    /// <summary>Every identity that was ever removed, in ascending order. None of them is used again.</summary>
    public ImmutableArray<NodeId> Removed { get; }

    /// <summary>The last entry that changed anything here; the founding entry at first.</summary>
    public LogIndex ChangedAt { get; }

    /// <summary>The table with which a swarm begins.</summary>
    /// <param name="founders">The first members, all of them voters.</param>
    /// <param name="at">The founding entry.</param>
    public static MemberTable Founded(IEnumerable<MemberAddress> founders, LogIndex at)
    {
        ImmutableArray<SwarmMember> members =
            [.. founders.OrderBy(member => member.Id).Select(member => new SwarmMember(member.Id, member.PeerAddress, member.HttpUrl, MemberRole.Voter, at))];
        return new MemberTable(ConfigurationState.OfVoters([.. members.Select(member => member.Id)]), members, [], at);
    }

    /// <summary>The members of a configuration of whom nothing else is known.</summary>
    internal static MemberTable Of(ConfigurationState configuration, LogIndex at) => new(
        configuration,
        [
            .. configuration.Voters.Concat(configuration.VotersOutgoing).Concat(configuration.Learners).Distinct().Order().Select(id => new SwarmMember(
                id, UnknownAddress, null, configuration.IsVoter(id) ? MemberRole.Voter : MemberRole.Learner, at)),
        ],
        [],
        at);

    /// <summary>The member of that identity, or null.</summary>
    public SwarmMember? Find(NodeId id)
    {
        foreach (SwarmMember member in Members)
        {
            if (member.Id == id)
            {
                return member;
            }
        }

        return null;
    }

    /// <summary>True when the identity was removed and the change that removed it is through.</summary>
    public bool IsGone(NodeId id) => Removed.BinarySearch(id) >= 0 && !Configuration.IsMember(id);

    /// <summary>
    /// How members are reached: as a node's own configuration says, which an operator wrote on purpose, or else as was agreed.
    /// </summary>
    /// <param name="configured">The addresses in the node's own configuration.</param>
    /// <param name="strangers">Whether those of the configuration that are no members, and never were removed, are among them.</param>
    public IReadOnlyList<MemberAddress> Reach(IReadOnlyList<MemberAddress> configured, bool strangers)
    {
        ArgumentNullException.ThrowIfNull(configured);
        var addresses = new SortedDictionary<NodeId, MemberAddress>();
        foreach (SwarmMember member in Members)
        {
            addresses[member.Id] = new MemberAddress(member.Id, member.Peer, member.Http, false);
        }

        foreach (MemberAddress own in configured)
        {
            if (addresses.ContainsKey(own.Id) || (strangers && Removed.BinarySearch(own.Id) < 0))
            {
                addresses[own.Id] = own;
            }
        }

        return [.. addresses.Values];
    }

    /// <summary>The change of the configuration that steps come to, as the protocol has it. Several steps go through a joint configuration.</summary>
    /// <param name="steps">The steps.</param>
    /// <param name="context">The encoded command that says the same (<see cref="Governance.CommandCodec.EncodeMembership"/>).</param>
    public static ConfigurationChange ChangeOf(ImmutableArray<MembershipStep> steps, ReadOnlyMemory<byte> context) => new(
        [.. steps.Select(step => new MemberChange(
            step.Kind switch
            {
                MembershipStepKind.Added => MemberChangeKind.AddLearner,
                MembershipStepKind.Promoted => MemberChangeKind.AddVoter,
                _ => MemberChangeKind.Remove,
            },
            step.Node))],
        ConfigurationTransition.Auto,
        context);

    /// <summary>The table after steps, or why they cannot be made: the same on every node.</summary>
    /// <param name="steps">Steps that <see cref="MembershipRules"/> finds no fault with.</param>
    /// <param name="at">The entry that has them.</param>
    /// <param name="next">The table after them; this one when they cannot be made.</param>
    public MembershipFault? TryChange(ImmutableArray<MembershipStep> steps, LogIndex at, out MemberTable next)
    {
        next = this;
        if (MembershipRules.Check(steps) is { } malformed)
        {
            return new(MembershipRefusal.InvalidChange, malformed.Message);
        }

        if (Configuration.IsJoint)
        {
            return new(MembershipRefusal.Busy, "An earlier change of members is not through yet.");
        }

        var members = Members.ToBuilder();
        var removed = Removed.ToBuilder();
        foreach (MembershipStep step in steps)
        {
            if (TakeStep(step, at, members, removed) is { } fault)
            {
                return fault;
            }
        }

        ConfigurationState configuration = Configuration.After(ChangeOf(steps, default), out Misfit misfit);
        if (misfit != Misfit.None)
        {
            return misfit == Misfit.NoVotersLeft
                ? new(MembershipRefusal.LastVoter, "Nobody would be left to decide.")
                : new(MembershipRefusal.InvalidChange, $"The change does not fit the members ({misfit}).");
        }

        next = Build(configuration, members, removed, at);
        return null;
    }

    /// <summary>The table once the joint configuration is left. This table when there is none.</summary>
    /// <param name="at">The entry that leaves it.</param>
    public MemberTable Settled(LogIndex at)
    {
        ConfigurationState configuration = Configuration.After(ConfigurationChange.Leave, out Misfit misfit);
        return misfit == Misfit.None ? Build(configuration, Members.ToBuilder(), Removed.ToBuilder(), at) : this;
    }

    private static MemberTable Build(
        ConfigurationState configuration, ImmutableArray<SwarmMember>.Builder members, ImmutableArray<NodeId>.Builder removed, LogIndex at)
    {
        removed.Sort();
        return new MemberTable(
            configuration,
            [.. members.Where(member => configuration.IsMember(member.Id)).OrderBy(member => member.Id)],
            removed.ToImmutable(),
            at);
    }

    private MembershipFault? TakeStep(
        MembershipStep step, LogIndex at, ImmutableArray<SwarmMember>.Builder members, ImmutableArray<NodeId>.Builder removed)
    {
        if (step.Kind == MembershipStepKind.Added)
        {
            return Add(step, at, members);
        }

        int place = Place(members, step.Node);
        if (place < 0)
        {
            return Removed.BinarySearch(step.Node) >= 0
                ? new(MembershipRefusal.RemovedMember, $"Node {step.Node} was removed before.")
                : new(MembershipRefusal.UnknownMember, $"Node {step.Node} is not a member of this swarm.");
        }

        if (step.Kind == MembershipStepKind.Promoted)
        {
            members[place] = members[place] with { Wanted = MemberRole.Voter };
            return Configuration.IsLearner(step.Node) ? null : new(MembershipRefusal.NotALearner, $"Node {step.Node} has a vote already.");
        }

        if (removed.Count >= MembershipLimits.MaxRemoved)
        {
            return new(MembershipRefusal.TooMany, $"{MembershipLimits.MaxRemoved} identities were removed; no more are kept.");
        }

        removed.Add(step.Node);
        return null;
    }

    private MembershipFault? Add(MembershipStep step, LogIndex at, ImmutableArray<SwarmMember>.Builder members)
    {
        if (Removed.BinarySearch(step.Node) >= 0)
        {
            return new(MembershipRefusal.RemovedMember, $"Node {step.Node} was removed, and its id is never used again. Give the new node another id.");
        }

        if (Place(members, step.Node) >= 0)
        {
            return new(MembershipRefusal.AlreadyMember, $"Node {step.Node} is a member of this swarm.");
        }

        if (members.Count >= MembershipLimits.MaxMembers)
        {
            return new(MembershipRefusal.TooMany, $"A swarm has at most {MembershipLimits.MaxMembers} members.");
        }

        foreach (SwarmMember member in members)
        {
            if (string.Equals(member.Peer, step.Peer, StringComparison.OrdinalIgnoreCase)
                || (step.Http is not null && string.Equals(member.Http, step.Http, StringComparison.OrdinalIgnoreCase)))
            {
                return new(MembershipRefusal.AddressTaken, $"Node {member.Id} has that address.");
            }
        }

        members.Add(new SwarmMember(step.Node, step.Peer!, step.Http, step.Role!.Value, at));
        return null;
    }

    private static int Place(ImmutableArray<SwarmMember>.Builder members, NodeId id)
    {
        for (int i = 0; i < members.Count; i++)
        {
            if (members[i].Id == id)
            {
                return i;
            }
        }

        return -1;
    }
}

/// <summary>Why a change of members cannot be made.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Message">For a person, with the values.</param>
public sealed record MembershipFault(MembershipRefusal Reason, string Message);
