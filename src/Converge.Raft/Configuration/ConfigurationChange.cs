using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Raft;

/// <summary>What happens to one member. The values are part of stored formats and never change.</summary>
public enum MemberChangeKind : byte
{
    /// <summary>Becomes a voter, whether it is known or not.</summary>
    AddVoter = 0,

    /// <summary>Is a member no longer.</summary>
    Remove = 1,

    /// <summary>Nothing, as far as the protocol is concerned: lets a host pass the change's context through the log.</summary>
    Update = 2,

    /// <summary>Becomes a learner, whether it is known or not.</summary>
    AddLearner = 3,
}

/// <summary>One step of a <see cref="ConfigurationChange"/>.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Node">To whom; <see cref="NodeId.None"/> makes the step mean nothing.</param>
public readonly record struct MemberChange(MemberChangeKind Kind, NodeId Node);

/// <summary>How a change gets from the old configuration to the new one. The values are part of stored formats and never change.</summary>
public enum ConfigurationTransition : byte
{
    /// <summary>Directly when there is one step at most, otherwise like <see cref="JointImplicit"/>.</summary>
    Auto = 0,

    /// <summary>Through a joint configuration that the leader leaves by itself.</summary>
    JointImplicit = 1,

    /// <summary>Through a joint configuration that stays until <see cref="ConfigurationChange.Leave"/> is proposed.</summary>
    JointExplicit = 2,
}

/// <summary>A change of the members, proposed like any entry and in force once it is applied. Immutable.</summary>
public sealed class ConfigurationChange
{
    /// <summary>Ends a joint configuration.</summary>
    public static readonly ConfigurationChange Leave = new([]);

    /// <summary>A change of any number of steps.</summary>
    /// <param name="changes">The steps, in order.</param>
    /// <param name="transition">How to get there.</param>
    /// <param name="context">For the host; opaque.</param>
    public ConfigurationChange(
        ImmutableArray<MemberChange> changes,
        ConfigurationTransition transition = ConfigurationTransition.Auto,
        ReadOnlyMemory<byte> context = default)
    {
        Changes = changes.IsDefault ? [] : changes;
        Transition = transition;
        Context = context;
    }

    private ConfigurationChange(MemberChange change, ReadOnlyMemory<byte> context)
        : this([change], ConfigurationTransition.Auto, context) => IsSingleServer = true;

    /// <summary>The steps, in order.</summary>
    public ImmutableArray<MemberChange> Changes { get; }

    /// <summary>How to get there.</summary>
    public ConfigurationTransition Transition { get; }

    /// <summary>For the host; opaque.</summary>
    public ReadOnlyMemory<byte> Context { get; }

    /// <summary>True for the form of <see cref="EntryKind.ConfigurationChange"/>: one step, never through a joint configuration.</summary>
    public bool IsSingleServer { get; }

    /// <summary>The kind of entry that carries it.</summary>
    public EntryKind EntryKind => IsSingleServer ? EntryKind.ConfigurationChange : EntryKind.ConfigurationChangeV2;

    /// <summary>True when it ends a joint configuration.</summary>
    public bool LeavesJoint => Transition == ConfigurationTransition.Auto && Changes.IsEmpty;

    /// <summary>True when it enters a joint configuration.</summary>
    public bool EntersJoint => Transition != ConfigurationTransition.Auto || Changes.Length > 1;

    /// <summary>True when a joint configuration that it enters is left by the leader itself.</summary>
    public bool LeavesByItself => EntersJoint && Transition != ConfigurationTransition.JointExplicit;

    /// <summary>The change of one member, without joint consensus.</summary>
    /// <param name="kind">What happens.</param>
    /// <param name="node">To whom.</param>
    /// <param name="context">For the host; opaque.</param>
    public static ConfigurationChange SingleServer(MemberChangeKind kind, NodeId node, ReadOnlyMemory<byte> context = default) =>
        new(new MemberChange(kind, node), context);

    /// <summary>The data of the entry that carries it: empty for <see cref="Leave"/>, so that no limit on bytes can refuse it.</summary>
    public ReadOnlyMemory<byte> Encode() => ConfigurationChangeCodec.Encode(this);

    /// <summary>The change that an entry carries.</summary>
    /// <param name="kind">The entry's kind.</param>
    /// <param name="data">The entry's data.</param>
    /// <returns>Null when the bytes are no change, or the kind is <see cref="EntryKind.Normal"/>.</returns>
    public static ConfigurationChange? Decode(EntryKind kind, ReadOnlyMemory<byte> data) => ConfigurationChangeCodec.Decode(kind, data);
}

/// <summary>Why a change of the members cannot be made.</summary>
public enum ConfigurationFault
{
    /// <summary>It can.</summary>
    None = 0,

    /// <summary>A joint configuration cannot be entered twice.</summary>
    AlreadyJoint,

    /// <summary>There are no voters to start from: the node has not been told of any configuration yet.</summary>
    NoVotersToStartFrom,

    /// <summary>There is no joint configuration to leave.</summary>
    NotJoint,

    /// <summary>Within a joint configuration the only change is to leave it.</summary>
    SimpleChangeWhileJoint,

    /// <summary>Without a joint configuration one voter may change at a time.</summary>
    MoreThanOneVoterChanged,

    /// <summary>Nobody would be left to decide.</summary>
    NoVotersLeft,

    /// <summary>A step of a kind that this version does not know, or bytes that are no change.</summary>
    NotUnderstood,
}
