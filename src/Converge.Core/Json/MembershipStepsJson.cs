using System.Collections.Immutable;
using System.Text.Json;

namespace Converge.Core.Json;

/// <summary>A change of members that somebody asks for: <c>{"steps":[{"step":"removed","node":4}]}</c>, as it is recorded later.</summary>
public static class MembershipStepsJson
{
    /// <summary>Compact JSON in UTF-8, without a line end.</summary>
    public static byte[] ToUtf8(ImmutableArray<MembershipStep> steps) => JsonDocumentBytes.Of(steps, Write);

    /// <summary>Reads and checks one (<see cref="MembershipRules"/>). Never throws.</summary>
    /// <param name="utf8">The text.</param>
    /// <param name="steps">The steps; empty when there is a fault.</param>
    /// <returns>The first fault, or null.</returns>
    public static InputFault? Parse(ReadOnlySpan<byte> utf8, out ImmutableArray<MembershipStep> steps)
    {
        steps = [];
        var json = new JsonFields(utf8);
        if (!TryRead(ref json, out ImmutableArray<MembershipStep> read))
        {
            return json.Fault;
        }

        InputFault? fault = MembershipRules.Check(read);
        steps = fault is null ? read : [];
        return fault;
    }

    private static void Write(Utf8JsonWriter writer, ImmutableArray<MembershipStep> steps)
    {
        writer.WriteStartObject();
        MembershipChangeJson.WriteSteps(writer, steps);
        writer.WriteEndObject();
    }

    private static bool TryRead(ref JsonFields json, out ImmutableArray<MembershipStep> steps)
    {
        steps = [];
        ImmutableArray<MembershipStep>? read = null;
        if (!json.TryBegin())
        {
            return false;
        }

        while (json.TryNextName(out ReadOnlySpan<byte> name))
        {
            bool taken = !name.SequenceEqual("steps"u8) ? json.FailUnknown(name)
                : read is not null ? json.FailDuplicate(name)
                : MembershipChangeJson.TryReadSteps(ref json, out read);
            if (!taken)
            {
                return false;
            }
        }

        if (!json.TryEnd())
        {
            return false;
        }

        steps = read ?? [];
        return read is not null || json.FailMissing("steps");
    }
}
