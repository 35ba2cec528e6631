using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Converge.Core;

namespace Converge.Raft;

/// <summary>Who takes part, and how: the configuration in force at one place of the log. Immutable; equal when all its sets are equal.</summary>
/// <remarks>
/// Outside a change only <see cref="Voters"/> and <see cref="Learners"/> are filled. Within a joint change <see cref="VotersOutgoing"/>
/// holds the voters before it, and every decision needs a majority of both halves (Raft paper, section 6).
/// A voter that is to become a learner waits in <see cref="LearnersNext"/> until the joint configuration is left, so that nobody is
/// voter and learner at once.
/// </remarks>
public sealed class ConfigurationState : IEquatable<ConfigurationState>
{
    /// <summary>Nobody: a node that has not been told anything yet.</summary>
    public static readonly ConfigurationState Empty = new([], [], [], [], autoLeave: false);

    private ConfigurationState(
        ImmutableArray<NodeId> voters,
        ImmutableArray<NodeId> votersOutgoing,
        ImmutableArray<NodeId> learners,
        ImmutableArray<NodeId> learnersNext,
        bool autoLeave)
    {
        Voters = voters;
        VotersOutgoing = votersOutgoing;
        Learners = learners;
        LearnersNext = learnersNext;
        AutoLeave = autoLeave;
    }

    /// <summary>The voters; within a joint change the ones to come. In ascending order.</summary>
    public ImmutableArray<NodeId> Voters { get; }

    /// <summary>Within a joint change the voters before it, otherwise empty. In ascending order.</summary>
    public ImmutableArray<NodeId> VotersOutgoing { get; }

    /// <summary>Receive everything, decide nothing. In ascending order.</summary>
    public ImmutableArray<NodeId> Learners { get; }

    /// <summary>Outgoing voters that become learners when the joint configuration is left. In ascending order.</summary>
    public ImmutableArray<NodeId> LearnersNext { get; }

    /// <summary>True when the leader leaves the joint configuration by itself as soon as it may.</summary>
    public bool AutoLeave { get; }

    /// <summary>True within a joint change.</summary>
    public bool IsJoint => !VotersOutgoing.IsEmpty;

    /// <summary>The configuration of these voters and nobody else.</summary>
    /// <exception cref="ArgumentException">One of them is <see cref="NodeId.None"/> or a local target.</exception>
    public static ConfigurationState OfVoters(params ReadOnlySpan<NodeId> voters) => Create(voters, [], [], [], autoLeave: false);

    /// <summary>A configuration from its sets, in any order and with repetitions.</summary>
    /// <exception cref="ArgumentException">The sets contradict each other; see <see cref="TryCreate"/>.</exception>
    public static ConfigurationState Create(
        ReadOnlySpan<NodeId> voters,
        ReadOnlySpan<NodeId> votersOutgoing,
        ReadOnlySpan<NodeId> learners,
        ReadOnlySpan<NodeId> learnersNext,
        bool autoLeave) =>
        TryCreate(voters, votersOutgoing, learners, learnersNext, autoLeave, out ConfigurationState? state, out string? fault)
            ? state
            : throw new ArgumentException(fault, nameof(voters));

    /// <summary>A configuration from its sets, in any order and with repetitions; false and why when they contradict each other.</summary>
    /// <param name="voters">See <see cref="Voters"/>.</param>
    /// <param name="votersOutgoing">See <see cref="VotersOutgoing"/>.</param>
    /// <param name="learners">See <see cref="Learners"/>.</param>
    /// <param name="learnersNext">See <see cref="LearnersNext"/>.</param>
    /// <param name="autoLeave">See <see cref="AutoLeave"/>.</param>
    /// <param name="state">The configuration.</param>
    /// <param name="fault">What contradicts what.</param>
    public static bool TryCreate(
        ReadOnlySpan<NodeId> voters,
        ReadOnlySpan<NodeId> votersOutgoing,
        ReadOnlySpan<NodeId> learners,
        ReadOnlySpan<NodeId> learnersNext,
        bool autoLeave,
        [NotNullWhen(true)] out ConfigurationState? state,
        [NotNullWhen(false)] out string? fault)
    {
        var created = new ConfigurationState(Sorted(voters), Sorted(votersOutgoing), Sorted(learners), Sorted(learnersNext), autoLeave);
        fault = created.FindFault();
        state = fault is null ? created : null;
        return fault is null;
    }

    /// <summary>True for a voter of either half.</summary>
    public bool IsVoter(NodeId node) => Voters.AsSpan().Contains(node) || VotersOutgoing.AsSpan().Contains(node);

    /// <summary>True for a learner; one that still votes in the outgoing half is not.</summary>
    public bool IsLearner(NodeId node) => Learners.AsSpan().Contains(node);

    /// <summary>True for a voter of either half and for a learner.</summary>
    public bool IsMember(NodeId node) => IsVoter(node) || IsLearner(node);

    /// <summary>
    /// The configuration that a change makes of this one: what <see cref="RaftNode.ApplyConfigurationChange(ConfigurationChange, out ConfigurationFault)"/>
    /// puts in force, without a node. For hosts that keep the configuration as part of their own replicated state.
    /// </summary>
    /// <param name="change">The change.</param>
    /// <param name="fault">Why it cannot be made, or <see cref="ConfigurationFault.None"/>.</param>
    /// <returns>This configuration when it cannot be made.</returns>
    public ConfigurationState After(ConfigurationChange change, out ConfigurationFault fault)
    {
        ArgumentNullException.ThrowIfNull(change);
        fault = ConfigurationChanger.Apply(this, change, out ConfigurationState next);
        return next;
    }

    /// <inheritdoc/>
    public bool Equals(ConfigurationState? other) =>
        other is not null &&
        AutoLeave == other.AutoLeave &&
        Voters.AsSpan().SequenceEqual(other.Voters.AsSpan()) &&
        VotersOutgoing.AsSpan().SequenceEqual(other.VotersOutgoing.AsSpan()) &&
        Learners.AsSpan().SequenceEqual(other.Learners.AsSpan()) &&
        LearnersNext.AsSpan().SequenceEqual(other.LearnersNext.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ConfigurationState);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (ImmutableArray<NodeId> set in (ReadOnlySpan<ImmutableArray<NodeId>>)[Voters, VotersOutgoing, Learners, LearnersNext])
        {
            hash.Add(set.Length);
            foreach (NodeId node in set)
            {
                hash.Add(node);
            }
        }

        hash.Add(AutoLeave);
        return hash.ToHashCode();
    }

    /// <summary>For example <c>voters=(1 2 3)&amp;&amp;(1) learners=(4) autoleave</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("voters=");
        AppendSet(text, Voters);
        if (IsJoint)
        {
            text.Append("&&");
            AppendSet(text, VotersOutgoing);
        }

        if (!Learners.IsEmpty)
        {
            AppendSet(text.Append(" learners="), Learners);
        }

        if (!LearnersNext.IsEmpty)
        {
            AppendSet(text.Append(" learners_next="), LearnersNext);
        }

        return AutoLeave ? text.Append(" autoleave").ToString() : text.ToString();
    }

    private static void AppendSet(StringBuilder text, ImmutableArray<NodeId> set) =>
        text.Append('(').AppendJoin(' ', set.AsEnumerable()).Append(')');

    private static ImmutableArray<NodeId> Sorted(ReadOnlySpan<NodeId> nodes)
    {
        NodeId[] sorted = nodes.ToArray();
        Array.Sort(sorted);
        int kept = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            if (i == 0 || sorted[i] != sorted[i - 1])
            {
                sorted[kept++] = sorted[i];
            }
        }

        return ImmutableArray.Create(sorted.AsSpan(0, kept));
    }

    private string? FindFault()
    {
        foreach (ImmutableArray<NodeId> set in (ReadOnlySpan<ImmutableArray<NodeId>>)[Voters, VotersOutgoing, Learners, LearnersNext])
        {
            foreach (NodeId node in set)
            {
                if (node.IsNone || LocalTargets.Contains(node))
                {
                    return $"{node} is not the identity of a node: {this}";
                }
            }
        }

        foreach (NodeId learner in Learners)
        {
            if (IsVoter(learner))
            {
                return $"{learner} is voter and learner at once: {this}";
            }
        }

        foreach (NodeId learner in LearnersNext)
        {
            if (!VotersOutgoing.Contains(learner) || Voters.Contains(learner))
            {
                return $"{learner} waits to become a learner but is no outgoing voter, or stays a voter: {this}";
            }
        }

        if (Voters.IsEmpty && (IsJoint || !Learners.IsEmpty))
        {
            return $"There are members but no voters: {this}";
        }

        return AutoLeave && !IsJoint ? $"Only a joint configuration can be left: {this}" : null;
    }
}
