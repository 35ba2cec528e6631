using Converge.Core;

namespace Converge.Swarm.Tests.Governance;

/// <summary>
/// The rules once more, written for clarity alone: whole histories are kept and read again from the start for every question.
/// </summary>
internal sealed class ReferenceModel(int maxSessions, int maxAnswers, ulong window)
{
    private readonly List<(ulong Sequence, GovernanceFact Fact)> _records = [];
    private readonly List<ModelSession> _sessionsByUse = [];
    private readonly List<(ModelSession Session, ulong Number, object Answer)> _answers = [];

    /// <summary>What becomes of a submission: a <see cref="RefusalCode"/> with the revision, or the sequence with the revision.</summary>
    public object Submit(FactSubmission submission)
    {
        if (submission.CommandId is not { } command)
        {
            return Decide(submission);
        }

        ModelSession session = Use(command.Session);
        if (_answers.Find(one => one.Session == session && one.Number == command.Number) is { Answer: { } known })
        {
            return known;
        }

        if (command.Number <= session.Mark)
        {
            return (RefusalCode.CommandExpired, Revision(submission.Fact.ProposalId));
        }

        object answer = Decide(submission);
        session.Highest = Math.Max(session.Highest, command.Number);
        ulong floor = session.Highest > window ? session.Highest - window : 0;
        session.Mark = Math.Max(session.Mark, floor);
        _answers.RemoveAll(one => one.Session == session && one.Number <= floor);
        _answers.Add((session, command.Number, answer));
        while (_answers.Count > maxAnswers)
        {
            _answers[0].Session.Mark = Math.Max(_answers[0].Session.Mark, _answers[0].Number);
            _answers.RemoveAt(0);
        }

        return answer;
    }

    public ulong Revision(string proposalId) => (ulong)History(proposalId).Count;

    public ProposalStatus Status(string proposalId)
    {
        List<GovernanceFact> history = History(proposalId);
        int decision = history.FindLastIndex(fact => fact is PromotionApproved or PromotionRejected or RollbackIssued);
        return decision < 0 ? ProposalStatus.Open : history[decision] switch
        {
            PromotionApproved => ProposalStatus.Approved,
            PromotionRejected when !history.Skip(decision).Any(fact => fact is OverrideGranted) => ProposalStatus.Rejected,
            _ => ProposalStatus.Open,
        };
    }

    public string? DecidedBy(string proposalId) => Status(proposalId) == ProposalStatus.Open
        ? null
        : History(proposalId).Last(fact => fact is PromotionApproved or PromotionRejected).Actor;

    /// <summary>Each validator with whether it passed and whether its failure is set aside, in ordinal order.</summary>
    public List<(string Validator, bool Passed, bool Overridden)> Validators(string proposalId)
    {
        List<GovernanceFact> history = History(proposalId);
        int rollback = history.FindLastIndex(fact => fact is RollbackIssued);
        return [.. history
            .Where(IsResult)
            .Select(fact => fact.Actor)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .Select(validator =>
            {
                int result = history.FindLastIndex(fact => IsResult(fact) && string.Equals(fact.Actor, validator, StringComparison.Ordinal));
                bool passed = history[result] is ValidationPassed;
                bool overridden = history.Where((fact, at) => fact is OverrideGranted && at > result && at > rollback).Any();
                return (validator, passed, overridden && !passed);
            })];
    }

    private object Decide(FactSubmission submission)
    {
        GovernanceFact fact = submission.Fact;
        ulong revision = Revision(fact.ProposalId);
        foreach (RefusalCode code in Enum.GetValues<RefusalCode>())
        {
            if (Applies(code, submission, revision))
            {
                return (code, revision);
            }
        }

        _records.Add(((ulong)_records.Count + 1, fact));
        return ((ulong)_records.Count, revision + 1);
    }

    private bool Applies(RefusalCode code, FactSubmission submission, ulong revision)
    {
        GovernanceFact fact = submission.Fact;
        ProposalStatus status = Status(fact.ProposalId);
        return code switch
        {
            RefusalCode.CommandExpired => false,
            RefusalCode.UnknownProposal => fact is not ProposalCreated && revision == 0,
            RefusalCode.AlreadyExists => fact is ProposalCreated && revision > 0,
            RefusalCode.RevisionMismatch => submission.ExpectedRevision is { } expected && expected != revision,
            RefusalCode.DuplicateDecision => fact is PromotionApproved && status == ProposalStatus.Approved && StandingApprovers(fact.ProposalId).Contains(fact.Actor, StringComparer.Ordinal),
            RefusalCode.ConflictingDecision => (fact is PromotionApproved && status == ProposalStatus.Rejected) || (fact is PromotionRejected && status == ProposalStatus.Approved),
            RefusalCode.FailedValidation => fact is PromotionApproved && Validators(fact.ProposalId).Exists(one => !one.Passed && !one.Overridden),
            RefusalCode.NothingToRollBack => fact is RollbackIssued && status != ProposalStatus.Approved,
            _ => throw new ArgumentOutOfRangeException(nameof(code), code, "Not in the model."),
        };
    }

    private IEnumerable<string> StandingApprovers(string proposalId)
    {
        List<GovernanceFact> history = History(proposalId);
        return history
            .Skip(history.FindLastIndex(fact => fact is RollbackIssued or PromotionRejected) + 1)
            .OfType<PromotionApproved>()
            .Select(approval => approval.Approver);
    }

    private ModelSession Use(string name)
    {
        ModelSession? session = _sessionsByUse.Find(one => string.Equals(one.Name, name, StringComparison.Ordinal));
        if (session is null)
        {
            session = new ModelSession(name);
            if (_sessionsByUse.Count == maxSessions)
            {
                ModelSession evicted = _sessionsByUse[0];
                _sessionsByUse.RemoveAt(0);
                _answers.RemoveAll(one => one.Session == evicted);
            }
        }

        _sessionsByUse.Remove(session);
        _sessionsByUse.Add(session);
        return session;
    }

    private List<GovernanceFact> History(string proposalId) =>
        [.. _records.Select(record => record.Fact).Where(fact => string.Equals(fact.ProposalId, proposalId, StringComparison.Ordinal))];

    private static bool IsResult(GovernanceFact fact) => fact is ValidationPassed or ValidationFailed;

    private sealed class ModelSession(string name)
    {
        public string Name { get; } = name;

        public ulong Highest { get; set; }

        public ulong Mark { get; set; }
    }
}
