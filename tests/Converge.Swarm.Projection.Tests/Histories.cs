using System.Collections.Immutable;
using System.Text;
using Converge.Core;
using Converge.Core.Json;
using Converge.Swarm.Actors;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Tests;
using Converge.Swarm.Tests.Governance;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Projection.Tests;

/// <summary>What a swarm agreed on: the records, and the state that they are to be compared with.</summary>
internal sealed record History(IReadOnlyList<EncodedRecord> Encoded, GovernanceState State, IReadOnlyCollection<string> ProposalIds)
{
    public IReadOnlyList<LedgerRecord> Records { get; } = [.. Encoded.Select(LedgerRecordCodec.Decode)];

    /// <summary>Commits everything; what is refused leaves no record.</summary>
    public static History Of(IEnumerable<FactSubmission> submissions, int factsInTerm = int.MaxValue)
    {
        AgreedLog log = new(Founding.State([.. Enumerable.Range(1, 3).Select(i => new MemberAddress(new NodeId((ulong)i), $"127.0.0.1:{7200 + i}", null, false))]));
        log.CommitAuthority(new NodeId(1));
        HashSet<string> ids = new(StringComparer.Ordinal);
        int facts = 0;
        foreach (FactSubmission submission in submissions)
        {
            if (++facts % factsInTerm == 0)
            {
                log.Term = log.Term.Next;
                log.CommitAuthority(new NodeId(log.Term.Value % 3 + 1));
                log.CommitMembers(StepsOf(log.Term));
            }

            ids.Add(submission.Fact.ProposalId);
            log.Commit(submission);
        }

        return new History(log.Records, log.State, ids);
    }

    /// <summary>So many proposals, each with some facts of all kinds.</summary>
    public static History OfProposals(int count) => Of(Enumerable.Range(1, count).SelectMany(i => FactsOf($"p{i}", i)), factsInTerm: 100);

    /// <summary>The sample of the repository, and further facts behind it.</summary>
    public static History OfSample(params GovernanceFact[] further)
    {
        string path = RepositoryFiles.Find("samples", "governance-sample.jsonl");
        return Of([.. File.ReadLines(path, Encoding.UTF8).Select(Parse), .. further.Select(fact => new FactSubmission(fact))], factsInTerm: 200);
    }

    public static FactSubmission Parse(string line) =>
        FactJson.TryParse(Encoding.UTF8.GetBytes(line), out FactSubmission? submission, out InputFault? fault)
            ? submission
            : throw new FormatException($"{fault.Code.Name()}: {fault.Message} {line}");

    /// <summary>Random submissions about few proposals by few people, so that they meet in every way.</summary>
    public static Gen<List<FactSubmission>> Any(int length) => Gen.ListOf(Submission, length);

    /// <summary>In every third term two members come, then one of them gets a vote, then both leave.</summary>
    private static ImmutableArray<MembershipStep> StepsOf(Term term)
    {
        NodeId one = new(4 + (2 * ((term.Value - 2) / 3)));
        NodeId other = new(one.Value + 1);
        return ((term.Value - 2) % 3) switch
        {
            0 => [MembershipStep.Add(one, MemberRole.Voter, $"127.0.0.1:{7200 + one.Value}", "http://127.0.0.1:7104"), MembershipStep.Add(other, MemberRole.Learner, $"127.0.0.1:{7200 + other.Value}")],
            1 => [MembershipStep.Promote(one)],
            _ => [MembershipStep.Remove(one), MembershipStep.Remove(other)],
        };
    }

    private static Gen<FactSubmission> Submission =>
        from kind in Gen.Frequency(
            (2, Gen.Constant(FactKind.ProposalCreated)),
            (9, Gen.Elements(Enum.GetValues<FactKind>().Except([FactKind.ProposalCreated]).ToArray())))
        from proposal in Gen.Elements("p", "q", "é'\"; DROP TABLE facts --")
        from actor in Gen.Elements("a", "b", "漢😀")
        from text in Gen.Elements("because", "it's", "\n")
        from at in Gen.Elements<long?>(null, 1_700_000_000)
        from revision in Gen.Frequency((9, Gen.Constant<ulong?>(null)), (1, Gen.Choose(0, 6).Select(number => (ulong?)number)))
        from number in Gen.Choose(0, 40)
        select new FactSubmission(
            FactShape.Create(kind, proposal, actor, kind.RequiresReason() ? $"because {text}" : null, kind == FactKind.ProposalCreated ? "c0ffee" : null),
            at,
            number == 0 ? null : new CommandId("s", (ulong)number),
            revision,
            number % 2 == 0 ? null : new LamportTimestamp((ulong)number, new NodeId(7)));

    private static IEnumerable<FactSubmission> FactsOf(string id, int i)
    {
        yield return new(new ProposalCreated(id, "author://ann", $"Title of {id}", "c0ffee"), CommandId: new CommandId("s", (ulong)i));
        switch (i % 4)
        {
            case 1:
                yield return new(new ValidationFailed(id, "validator://tests", "red"));
                yield return new(new PromotionRejected(id, "reviewer://bob", "no"));
                break;
            case 2:
                yield return new(new ValidationPassed(id, "validator://tests", "green"));
                yield return new(new PromotionApproved(id, "reviewer://bob"));
                break;
            case 3:
                yield return new(new ValidationFailed(id, "validator://tests", "red"));
                yield return new(new OverrideGranted(id, "lead://eve", "urgent"));
                yield return new(new PromotionApproved(id, "reviewer://bob"));
                yield return new(new RollbackIssued(id, "oncall://dan", "broken"));
                break;
            default:
                break;
        }
    }
}
