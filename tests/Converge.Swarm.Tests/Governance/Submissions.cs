using Converge.Core;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Tests.Governance;

/// <summary>Random submissions of every shape that the rules allow.</summary>
internal static class Submissions
{
    private static readonly string[] Runes = ["a", "Z", "7", "-", "/", "é", "€", "漢", "😀", " ", "\""];

    public static Gen<FactSubmission> Any =>
        from kind in Gen.Elements(Enum.GetValues<FactKind>())
        from id in Text(1, FactLimits.MaxProposalIdLength)
        from actor in Text(1, FactLimits.MaxActorLength)
        from text in Text(kind.RequiresReason() ? 1 : 0, Math.Max(1, kind.MaxTextLength()))
        from textGiven in Gen.Elements(true, false)
        from contentHash in Text(0, FactLimits.MaxContentHashLength)
        from contentHashGiven in Gen.Elements(true, false)
        from at in Gen.Elements<long?>(null, 0, 1_700_000_000, FactLimits.MaxAtUnixSeconds)
        from revision in Gen.Elements<ulong?>(null, 0, 3, FactLimits.MaxNumber)
        from counter in Gen.Elements<ulong?>(null, 0, 9, LamportClock.MaxCounter)
        from session in Text(1, FactLimits.MaxSessionLength)
        from number in Gen.Elements<ulong>(0, 1, 77, FactLimits.MaxNumber)
        select new FactSubmission(
            FactShape.Create(
                kind,
                id,
                actor,
                kind.RequiresReason() || (textGiven && kind.TextField() is not null) ? text : null,
                contentHashGiven && kind == FactKind.ProposalCreated ? contentHash : null),
            at,
            number == 0 ? null : new CommandId(session, number),
            revision,
            counter is null ? null : new LamportTimestamp(counter.Value, new NodeId(5)));

    private static Gen<string> Text(int least, int greatest) =>
        from length in Gen.Frequency((9, Gen.Choose(least, Math.Min(8, greatest))), (1, Gen.Choose(least, greatest)))
        from runes in Gen.ArrayOf(Gen.Elements(Runes), Math.Max(0, length - 1))
        select Cut((least > 0 ? "n" : "") + string.Concat(runes), greatest);

    private static string Cut(string text, int greatest)
    {
        int length = Math.Min(text.Length, greatest);
        return length > 0 && char.IsHighSurrogate(text[length - 1]) ? text[..(length - 1)] : text[..length];
    }
}
