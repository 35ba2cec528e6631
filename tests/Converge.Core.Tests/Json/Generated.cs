using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Core.Tests.Json;

/// <summary>Random values of everything that has a JSON form.</summary>
internal static class Generated
{
    private static readonly string[] NameRunes =
        ["a", "Z", "0", "-", "_", ":", "/", ".", " x", "\"", "\\", "<", "&", "'", "é", "ß", "€", "\u2028", "漢", "\uFFFD", "😀", "𝒳"];

    private static readonly string[] TextRunes = [.. NameRunes, "\n", "\r\n", "\t", "\u0001", "\u007f", " "];

    public static Gen<string> Name(int maxLength) =>
        from visible in Gen.Elements("n", "\"", "漢", "0")
        from rest in Text(NameRunes, 0, maxLength - visible.Length)
        select visible + rest;

    public static Gen<string> AnyText(int maxLength) => Text(TextRunes, 0, maxLength);

    public static Gen<string> Reason => from start in Gen.Elements("because", "é", "\n-") from rest in AnyText(FactLimits.MaxTextLength - 10) select start + rest;

    public static Gen<ulong> Number(ulong least, ulong greatest) => Gen.OneOf(
        Gen.Constant(least),
        Gen.Constant(greatest),
        from high in Gen.Choose(0, int.MaxValue)
        from low in Gen.Choose(0, int.MaxValue)
        select least + ((((ulong)(uint)high << 31) | (uint)low) % (greatest - least)));

    public static Gen<T?> OrNull<T>(this Gen<T> gen)
        where T : class => Gen.OneOf(gen.Select(T? (value) => value), Gen.Constant<T?>(null));

    public static Gen<T?> OrNone<T>(this Gen<T> gen)
        where T : struct => Gen.OneOf(gen.Select(value => (T?)value), Gen.Constant<T?>(null));

    public static Gen<GovernanceFact> Fact =>
        from kind in Gen.Elements(Enum.GetValues<FactKind>())
        from id in Name(FactLimits.MaxProposalIdLength)
        from actor in Name(FactLimits.MaxActorLength)
        from optional in AnyText(kind.MaxTextLength()).OrNull()
        from reason in Reason
        from contentHash in Name(FactLimits.MaxContentHashLength).OrNull()
        select FactShape.Create(
            kind,
            id,
            actor,
            kind.RequiresReason() ? reason : kind.TextField() is null ? null : optional,
            kind == FactKind.ProposalCreated ? contentHash : null);

    public static Gen<CommandId> CommandId =>
        from session in Name(FactLimits.MaxSessionLength)
        from number in Number(1, FactLimits.MaxNumber)
        select new CommandId(session, number);

    public static Gen<LamportTimestamp> Claim =>
        from counter in Number(0, LamportClock.MaxCounter)
        from node in Number(0, FactLimits.MaxNumber)
        select new LamportTimestamp(counter, new NodeId(node));

    public static Gen<FactSubmission> Submission =>
        from fact in Fact
        from at in Number(0, FactLimits.MaxAtUnixSeconds).Select(seconds => (long)seconds).OrNone()
        from commandId in CommandId.OrNull()
        from revision in Number(0, FactLimits.MaxNumber).OrNone()
        from lamport in Claim.OrNone()
        select new FactSubmission(fact, at, commandId, revision, lamport);

    public static Gen<string> Hash => Gen.ArrayOf(Gen.Elements("0123456789abcdef".ToCharArray()), 64).Select(digits => new string(digits));

    public static Gen<LamportTimestamp> Stamp =>
        from counter in Number(1, ulong.MaxValue)
        from node in Number(1, ulong.MaxValue)
        select new LamportTimestamp(counter, new NodeId(node));

    public static Gen<long> Time => Number(0, long.MaxValue).Select(time => (long)time);

    public static Gen<CommitAnswer> Answer => Gen.OneOf(
        from sequence in Number(1, ulong.MaxValue)
        from index in Number(1, ulong.MaxValue)
        from term in Number(1, ulong.MaxValue)
        from time in Time
        from lamport in Stamp
        from hash in Hash
        from revision in Number(1, ulong.MaxValue)
        select (CommitAnswer)new FactAccepted(sequence, new LogIndex(index), new Term(term), time, lamport, hash, revision),
        from code in Gen.Elements(Enum.GetValues<RefusalCode>())
        from revision in Number(0, ulong.MaxValue)
        select (CommitAnswer)new FactRefused(code, revision),
        from reason in Gen.Elements(Enum.GetValues<NotCommittedReason>())
        from message in AnyText(200)
        select (CommitAnswer)new FactNotCommitted(reason, message),
        from message in AnyText(200)
        select (CommitAnswer)new FactOutcomeUnknown(message));

    public static Gen<LedgerRecord> Record =>
        from kind in Gen.Elements(Enum.GetValues<RecordKind>())
        from sequence in Number(1, ulong.MaxValue)
        from index in Number(1, ulong.MaxValue)
        from term in Number(1, ulong.MaxValue)
        from time in Time
        from lamport in Stamp
        from submission in Submission
        from leader in Number(1, ulong.MaxValue)
        from membership in Membership
        from previous in Hash
        from hash in Hash
        select new LedgerRecord(
            sequence,
            new LogIndex(index),
            new Term(term),
            time,
            lamport,
            kind,
            kind == RecordKind.Fact ? submission.CommandId : null,
            kind == RecordKind.Fact ? submission : null,
            kind == RecordKind.Authority ? new NodeId(leader) : null,
            previous,
            hash)
        {
            Membership = kind == RecordKind.Membership ? membership : null,
        };

    public static Gen<MembershipChange> Membership =>
        from first in Number(1, 1_000)
        from count in Gen.Choose(1, MembershipLimits.MaxMembers)
        from steps in Gen.ArrayOf(Step, count)
        from voters in Gen.Choose(1, MembershipLimits.MaxMembers)
        from learners in Gen.Choose(0, MembershipLimits.MaxMembers)
        select new MembershipChange(
            [.. steps.Select((step, i) => step with { Node = new NodeId(first + (ulong)i) })],
            [.. Enumerable.Range(1, voters).Select(i => new NodeId((ulong)i))],
            [.. Enumerable.Range(100, learners).Select(i => new NodeId((ulong)i))]);

    private static Gen<MembershipStep> Step => Gen.OneOf(
        from role in Gen.Elements(Enum.GetValues<MemberRole>())
        from peer in Address(MembershipLimits.MaxPeerLength)
        from http in Address(MembershipLimits.MaxHttpLength).OrNull()
        select MembershipStep.Add(NodeId.None, role, peer, http),
        Gen.Elements(MembershipStep.Promote(NodeId.None), MembershipStep.Remove(NodeId.None)));

    private static Gen<string> Address(int maxLength) => Text(["a", "Z", "0", ".", ":", "/", "[", "]", "-", "~", "!"], 1, maxLength);

    public static Gen<LedgerHead> Head =>
        from sequence in Number(0, ulong.MaxValue)
        from index in Number(0, ulong.MaxValue)
        from term in Number(0, ulong.MaxValue)
        from hash in Hash
        from root in Hash
        select new LedgerHead(sequence, hash, root, new LogIndex(index), new Term(term));

    public static Gen<ProposalView> View =>
        from id in Name(FactLimits.MaxProposalIdLength)
        from status in Gen.Elements(Enum.GetValues<ProposalStatus>())
        from revision in Number(1, ulong.MaxValue)
        from author in Name(FactLimits.MaxActorLength)
        from title in AnyText(FactLimits.MaxTitleLength).OrNull()
        from contentHash in Name(FactLimits.MaxContentHashLength).OrNull()
        from decidedBy in Name(FactLimits.MaxActorLength).OrNull()
        from validators in Gen.ListOf(
            from validator in Name(FactLimits.MaxActorLength)
            from passed in Gen.Elements(true, false)
            from overridden in Gen.Elements(true, false)
            from sequence in Number(1, ulong.MaxValue)
            select new ValidatorResult(validator, passed, overridden, sequence))
        from created in Number(1, ulong.MaxValue)
        from last in Number(1, ulong.MaxValue)
        from asOf in Number(1, ulong.MaxValue)
        select new ProposalView(
            id, status, revision, author, title, contentHash, decidedBy, [.. validators], created, last, new LogIndex(asOf));

    private static Gen<string> Text(string[] runes, int least, int greatest) =>
        from length in Gen.Frequency((9, Gen.Choose(least, Math.Min(12, greatest))), (1, Gen.Choose(least, greatest)))
        from parts in Gen.ArrayOf(Gen.Elements(runes), length)
        select Cut(parts, greatest);

    private static string Cut(string[] parts, int greatest)
    {
        var text = new StringBuilder();
        foreach (string part in parts)
        {
            if (text.Length + part.Length <= greatest)
            {
                text.Append(part);
            }
        }

        return text.ToString();
    }
}
