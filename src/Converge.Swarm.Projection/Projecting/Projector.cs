using Converge.Core;

namespace Converge.Swarm.Projection;

/// <summary>
/// Turns records into changes of rows: a pure function of the records and of what the projection knows about the proposals in them.
/// However a ledger is cut into batches, the rows come out the same.
/// </summary>
internal static class Projector
{
    /// <summary>The proposals that must be known to project some records.</summary>
    public static IReadOnlyCollection<string> ProposalsIn(IReadOnlyList<LedgerRecord> records)
    {
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (LedgerRecord record in records)
        {
            if (record.Submission is { Fact: not ProposalCreated } submission)
            {
                ids.Add(submission.Fact.ProposalId);
            }
        }

        return ids;
    }

    /// <summary>What records in a row change.</summary>
    /// <param name="records">At least one, in order and without gaps.</param>
    /// <param name="known">The proposals of <see cref="ProposalsIn"/> that are in the projection before the first of the records.</param>
    /// <exception cref="ProjectionMismatchException">The records do not follow what is known.</exception>
    public static ProjectionChanges Project(IReadOnlyList<LedgerRecord> records, IReadOnlyDictionary<string, ProposalRow> known)
    {
        Batch batch = new(known);
        foreach (LedgerRecord record in records)
        {
            if (record.Submission is { } submission)
            {
                batch.Take(record, submission.Fact);
            }
            else if (record.Membership is { } change)
            {
                batch.Take(record, change);
            }
        }

        return batch.Finish(records);
    }

    private sealed class Batch(IReadOnlyDictionary<string, ProposalRow> known)
    {
        private readonly Dictionary<string, ProposalRow> _proposals = new(StringComparer.Ordinal);
        private readonly Dictionary<(string Proposal, string Validator), ValidatorRow> _validators = [];
        private readonly HashSet<string> _overrides = new(StringComparer.Ordinal);
        private readonly List<FactRow> _facts = [];
        private readonly List<DecisionRow> _decisions = [];
        private readonly List<EndedDecisions> _ended = [];
        private readonly List<MembershipRow> _membership = [];
        private readonly List<MemberAfterRow> _membersAfter = [];

        public void Take(LedgerRecord record, GovernanceFact fact)
        {
            ProposalRow? before = _proposals.GetValueOrDefault(fact.ProposalId) ?? known.GetValueOrDefault(fact.ProposalId);
            ProposalRow after = (before, fact) switch
            {
                (null, ProposalCreated creation) => ProposalRow.Of(creation, record),
                (null, _) => throw new ProjectionMismatchException(
                    $"Record {record.Sequence} is about proposal '{fact.ProposalId}', whose creation the projection lacks."),
                _ => before.After(fact, record),
            };
            _proposals[fact.ProposalId] = after;
            _facts.Add(new FactRow(record, fact, after.Revision));
            TakeValidation(record, fact);
            TakeDecision(record, fact);
            if (before is not null && before.OverrideSequence != after.OverrideSequence)
            {
                _overrides.Add(fact.ProposalId);
            }
        }

        public void Take(LedgerRecord record, MembershipChange change)
        {
            _membership.AddRange(change.Steps.Select((step, i) => new MembershipRow(record, i + 1, step)));
            _membersAfter.AddRange(change.Voters.Select(node => new MemberAfterRow(record.Sequence, node, MemberRole.Voter)));
            _membersAfter.AddRange(change.Learners.Select(node => new MemberAfterRow(record.Sequence, node, MemberRole.Learner)));
        }

        public ProjectionChanges Finish(IReadOnlyList<LedgerRecord> records) => new()
        {
            Records = records,
            Facts = _facts,
            Authorities = [.. records.Where(record => record.Kind == RecordKind.Authority)],
            Membership = _membership,
            MembersAfter = _membersAfter,
            Proposals = [.. _proposals.Values],
            Validators = [.. _validators.Values.Select(result => result with { Overridden = IsOverridden(result) })],
            Overrides = [.. _overrides.Select(id => new ChangedOverride(id, _proposals[id].OverrideSequence))],
            Decisions = _decisions,
            Ended = _ended,
            Position = new ProjectionPosition(records[^1].Sequence, records[^1].Hash),
        };

        private void TakeValidation(LedgerRecord record, GovernanceFact fact)
        {
            if (fact is ValidationPassed or ValidationFailed)
            {
                _validators[(fact.ProposalId, fact.Actor)] = new ValidatorRow(
                    fact.ProposalId, fact.Actor, fact is ValidationPassed, Overridden: false, record.Sequence, record.TimeUnixMilliseconds, fact.Text());
            }
        }

        private void TakeDecision(LedgerRecord record, GovernanceFact fact)
        {
            switch (fact)
            {
                case RollbackIssued:
                    End(record, fact, FactKind.PromotionApproved);
                    End(record, fact, FactKind.OverrideGranted);
                    break;
                case OverrideGranted:
                    End(record, fact, FactKind.PromotionRejected);
                    End(record, fact, FactKind.OverrideGranted);
                    break;
                case PromotionApproved or PromotionRejected:
                    break;
                default:
                    return;
            }

            _decisions.Add(new DecisionRow(record.Sequence, fact.ProposalId, fact.Kind, fact.Actor, fact.Text(), record.TimeUnixMilliseconds));
        }

        private void End(LedgerRecord record, GovernanceFact fact, FactKind kind) => _ended.Add(new EndedDecisions(fact.ProposalId, kind, record.Sequence));

        private bool IsOverridden(ValidatorRow result) => !result.Passed && result.Sequence < (_proposals[result.ProposalId].OverrideSequence ?? 0);
    }
}
