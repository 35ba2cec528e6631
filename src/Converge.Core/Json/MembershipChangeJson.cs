using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary><c>"membership":{"steps":[..],"voters":[..],"learners":[..]}</c>. Read strictly, like the record that it stands in.</summary>
internal static class MembershipChangeJson
{
    private const string Name = "membership";

    public static void Write(Utf8JsonWriter writer, MembershipChange change)
    {
        writer.WriteStartObject(Name);
        WriteSteps(writer, change.Steps);
        WriteNodes(writer, "voters", change.Voters);
        WriteNodes(writer, "learners", change.Learners);
        writer.WriteEndObject();
    }

    public static void WriteSteps(Utf8JsonWriter writer, ImmutableArray<MembershipStep> steps)
    {
        writer.WriteStartArray("steps"u8);
        foreach (MembershipStep step in steps)
        {
            writer.WriteStartObject();
            writer.WriteString("step"u8, step.Kind.Name());
            writer.WriteNumber("node"u8, step.Node.Value);
            if (step.Role is { } role)
            {
                writer.WriteString("role"u8, role.Name());
            }

            if (step.Peer is { } peer)
            {
                writer.WriteString("peer"u8, peer);
            }

            if (step.Http is { } http)
            {
                writer.WriteString("http"u8, http);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public static bool TryRead(ref JsonFields json, out MembershipChange? change)
    {
        change = null;
        if (!json.TryEnter(Name, out bool isNull))
        {
            return false;
        }

        if (isNull)
        {
            return json.Fail(InputFaultCode.InvalidType, $"{Name} must be an object, not null.", Name);
        }

        ImmutableArray<MembershipStep>? steps = null;
        ImmutableArray<NodeId>? voters = null;
        ImmutableArray<NodeId>? learners = null;
        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("steps"u8) => steps is null ? TryReadSteps(ref json, out steps) : json.FailDuplicate(name),
                _ when name.SequenceEqual("voters"u8) => voters is null ? TryReadNodes(ref json, "voters", out voters) : json.FailDuplicate(name),
                _ when name.SequenceEqual("learners"u8) => learners is null ? TryReadNodes(ref json, "learners", out learners) : json.FailDuplicate(name),
                _ => json.FailUnknown(name),
            };
            if (!read)
            {
                return false;
            }
        }

        if (json.Fault is not null)
        {
            return false;
        }

        string? missing = steps is null ? "steps" : voters is null ? "voters" : learners is null ? "learners" : null;
        if (missing is not null)
        {
            return json.FailMissing(missing);
        }

        change = new MembershipChange(steps!.Value, voters!.Value, learners!.Value);
        if (MembershipRules.Check(change) is { } fault)
        {
            return json.Fail(fault.Code, fault.Message, fault.Field);
        }

        json.Leave(Name);
        return true;
    }

    private static void WriteNodes(Utf8JsonWriter writer, string name, ImmutableArray<NodeId> nodes)
    {
        writer.WriteStartArray(name);
        foreach (NodeId node in nodes)
        {
            writer.WriteNumberValue(node.Value);
        }

        writer.WriteEndArray();
    }

    private static bool TryReadNodes(ref JsonFields json, string field, out ImmutableArray<NodeId>? nodes)
    {
        nodes = null;
        if (!json.TryEnterArray(field))
        {
            return false;
        }

        ImmutableArray<NodeId>.Builder read = ImmutableArray.CreateBuilder<NodeId>();
        while (json.TryNextUInt64(field, out ulong node))
        {
            read.Add(new NodeId(node));
        }

        nodes = read.ToImmutable();
        return json.Fault is null;
    }

    public static bool TryReadSteps(ref JsonFields json, out ImmutableArray<MembershipStep>? steps)
    {
        steps = null;
        if (!json.TryEnterArray("steps"))
        {
            return false;
        }

        ImmutableArray<MembershipStep>.Builder read = ImmutableArray.CreateBuilder<MembershipStep>();
        while (json.TryNextElement("steps"))
        {
            if (!TryReadStep(ref json, out MembershipStep? step))
            {
                return false;
            }

            read.Add(step);
        }

        steps = read.ToImmutable();
        return json.Fault is null;
    }

    private static bool TryReadStep(ref JsonFields json, [NotNullWhen(true)] out MembershipStep? step)
    {
        step = null;
        string? kind = null;
        ulong? node = null;
        string? role = null;
        string? peer = null;
        string? http = null;
        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool read = name switch
            {
                _ when name.SequenceEqual("step"u8) => kind is null ? TryReadText(ref json, "step", out kind) : json.FailDuplicate(name),
                _ when name.SequenceEqual("node"u8) => node is null ? json.TryReadRequiredUInt64("node", out node) : json.FailDuplicate(name),
                _ when name.SequenceEqual("role"u8) => role is null ? TryReadText(ref json, "role", out role) : json.FailDuplicate(name),
                _ when name.SequenceEqual("peer"u8) => peer is null ? TryReadText(ref json, "peer", out peer) : json.FailDuplicate(name),
                _ when name.SequenceEqual("http"u8) => http is null ? TryReadText(ref json, "http", out http) : json.FailDuplicate(name),
                _ => json.FailUnknown(name),
            };
            if (!read)
            {
                return false;
            }
        }

        if (json.Fault is not null)
        {
            return false;
        }

        if (kind is null || node is null)
        {
            return json.FailMissing(kind is null ? "steps.step" : "steps.node");
        }

        if (CodeNames.ParseMembershipStepKind(kind) is not { } parsedKind)
        {
            return json.Fail(InputFaultCode.InvalidValue, "step is not a step of a change of members.", "steps.step");
        }

        MemberRole? parsedRole = CodeNames.ParseMemberRole(role);
        if (role is not null && parsedRole is null)
        {
            return json.Fail(InputFaultCode.InvalidValue, "role is not the role of a member.", "steps.role");
        }

        step = new MembershipStep(parsedKind, new NodeId(node.Value), parsedRole, peer, http);
        return true;
    }

    private static bool TryReadText(ref JsonFields json, string field, out string? text)
    {
        bool read = json.TryReadString(field, out string value);
        text = read ? value : null;
        return read;
    }
}
