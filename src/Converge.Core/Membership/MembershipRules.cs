using System.Collections.Immutable;
using System.Globalization;

namespace Converge.Core;

/// <summary>What a change of members must look like before it may be proposed, however it came in; whether it fits the members is another matter.</summary>
public static class MembershipRules
{
    /// <summary>The first fault of the steps, or null when there is none. Fields are named as <c>steps[0].node</c>.</summary>
    public static InputFault? Check(ImmutableArray<MembershipStep> steps)
    {
        if (steps.IsDefaultOrEmpty || steps.Length > MembershipLimits.MaxSteps)
        {
            return Fault("steps", $"A change has 1 to {MembershipLimits.MaxSteps} steps; this one has {(steps.IsDefault ? 0 : steps.Length)}.");
        }

        for (int i = 0; i < steps.Length; i++)
        {
            if (Check(steps[i], string.Create(CultureInfo.InvariantCulture, $"steps[{i}]")) is { } fault)
            {
                return fault;
            }

            for (int earlier = 0; earlier < i; earlier++)
            {
                if (steps[earlier].Node == steps[i].Node)
                {
                    return Fault("steps", $"Node {steps[i].Node} is in two steps of one change.");
                }
            }
        }

        return null;
    }

    /// <summary>The first fault of a recorded change, or null.</summary>
    public static InputFault? Check(MembershipChange change) =>
        Check(change.Steps) ?? CheckNodes("voters", change.Voters, least: 1) ?? CheckNodes("learners", change.Learners, least: 0);

    private static InputFault? Check(MembershipStep step, string field)
    {
        if (!Enum.IsDefined(step.Kind))
        {
            return Fault($"{field}.step", $"There is no step of kind {(int)step.Kind}.");
        }

        if (step.Node.IsNone || step.Node.Value > FactLimits.MaxNumber)
        {
            return Fault($"{field}.node", $"A node's id is from 1 to {FactLimits.MaxNumber}, not {step.Node}.");
        }

        if (step.Kind != MembershipStepKind.Added)
        {
            return step.Role is null && step.Peer is null && step.Http is null
                ? null
                : Fault(field, $"Only a member that is added has a role and addresses.");
        }

        if (step.Role is not (MemberRole.Learner or MemberRole.Voter))
        {
            return Fault($"{field}.role", $"A member that is added is to become a learner or a voter.");
        }

        return CheckAddress($"{field}.peer", step.Peer ?? "", MembershipLimits.MaxPeerLength)
            ?? (step.Http is { } http ? CheckAddress($"{field}.http", http, MembershipLimits.MaxHttpLength) : null);
    }

    private static InputFault? CheckAddress(string field, string address, int maxLength)
    {
        if (address.Length is 0 || address.Length > maxLength)
        {
            return Fault(field, $"An address has 1 to {maxLength} characters, not {address.Length}.");
        }

        // Safe in logs, terminals and host names alike.
        return address.AsSpan().ContainsAnyExceptInRange('!', '~') ? Fault(field, $"An address has visible ASCII characters only.") : null;
    }

    private static InputFault? CheckNodes(string field, ImmutableArray<NodeId> nodes, int least)
    {
        if (nodes.IsDefault || nodes.Length < least || nodes.Length > MembershipLimits.MaxMembers)
        {
            return Fault(field, $"There are {least} to {MembershipLimits.MaxMembers} of them, not {(nodes.IsDefault ? 0 : nodes.Length)}.");
        }

        for (int i = 0; i < nodes.Length; i++)
        {
            if (nodes[i].IsNone || nodes[i].Value > FactLimits.MaxNumber || (i > 0 && nodes[i].CompareTo(nodes[i - 1]) <= 0))
            {
                return Fault(field, $"The ids are not in ascending order, or one of them is none.");
            }
        }

        return null;
    }

    private static InputFault Fault(string field, FormattableString message) =>
        new(InputFaultCode.InvalidValue, message.ToString(CultureInfo.InvariantCulture), field);
}
