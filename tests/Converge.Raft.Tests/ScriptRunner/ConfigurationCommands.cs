using System.Collections.Immutable;
using System.Text;
using Converge.Core;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>The commands <c>simple</c>, <c>enter-joint</c> and <c>leave-joint</c>: changes of a membership without any node.</summary>
internal sealed class ConfigurationCommands : IScriptCommands
{
    public static readonly IReadOnlyList<string> Names = ["simple", "enter-joint", "leave-joint"];

    private readonly RaftOptions _options = ScriptCluster.DefaultOptions(new NodeId(1));
    private Membership _membership = Membership.Empty;
    private LogIndex _lastIndex;

    public string Run(ScriptBlock block)
    {
        // Each command counts as an entry, so that the output shows when a member came to be tracked.
        LogIndex lastIndex = _lastIndex;
        _lastIndex = _lastIndex.Next;
        if (!ScriptPrinter.TryParseChanges(block.Input, out ImmutableArray<MemberChange> changes, out string unreadable))
        {
            return unreadable;
        }

        Membership next = _membership;
        bool autoLeave = string.Equals(block.Value("autoleave"), "true", StringComparison.Ordinal);
        ConfigurationFault? fault = block.Command switch
        {
            "simple" => ConfigurationChanger.Simple(_membership, changes, lastIndex, _options, out next),
            "enter-joint" => ConfigurationChanger.EnterJoint(_membership, changes, autoLeave, lastIndex, _options, out next),
            "leave-joint" when changes.IsEmpty => ConfigurationChanger.LeaveJoint(_membership, lastIndex, _options, out next),
            "leave-joint" => null,
            _ => throw new ScriptFormatException($"Unknown command {block.Command}"),
        };
        if (fault != ConfigurationFault.None)
        {
            return fault is { } known ? Describe(known) : "this command takes no input";
        }

        _membership = next;
        var text = new StringBuilder().Append(next.Configuration).Append('\n');
        foreach (MemberProgress member in next.Members)
        {
            text.Append(member.Id).Append(": ").Append(ScriptPrinter.Describe(FollowerProgress.Of(member))).Append('\n');
        }

        return text.ToString();
    }

    private static string Describe(ConfigurationFault fault) => fault switch
    {
        ConfigurationFault.AlreadyJoint => "config is already joint",
        ConfigurationFault.NoVotersToStartFrom => "can't make a zero-voter config joint",
        ConfigurationFault.NotJoint => "can't leave a non-joint config",
        ConfigurationFault.SimpleChangeWhileJoint => "can't apply simple config change in joint config",
        ConfigurationFault.MoreThanOneVoterChanged => "more than one voter changed without entering joint config",
        ConfigurationFault.NoVotersLeft => "removed all voters",
        ConfigurationFault.NotUnderstood => "unexpected conf type",
        ConfigurationFault.None or _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "No fault."),
    };
}
