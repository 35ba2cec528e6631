using System.Globalization;
using Converge.Core;

namespace Converge.Swarm.Simulation;

/// <summary>
/// The facts recorded about one proposal, in order, and what follows from them by the rules of <c>docs/governance.md</c>: read off the list
/// anew for every question, so that it has nothing in common with the state machine that it judges. Immutable.
/// </summary>
public sealed class RecordedFacts : IEquatable<RecordedFacts>
{
    /// <summary>A proposal that was never created.</summary>
    public static readonly RecordedFacts None = new(null, null, 0);

    private readonly RecordedFacts? _before;
    private readonly GovernanceFact? _fact;
    private readonly ulong _sequence;
    private readonly int _hash;

    private RecordedFacts(RecordedFacts? before, GovernanceFact? fact, ulong sequence)
    {
        _before = before;
        _fact = fact;
        _sequence = sequence;
        Revision = before is null ? 0 : before.Revision + 1;
        LastKnownSequence = sequence != 0 ? sequence : before?.LastKnownSequence ?? 0;
        _hash = HashCode.Combine(before?._hash ?? 0, fact, sequence);
    }

    /// <summary>How many there are.</summary>
    public ulong Revision { get; }

    /// <summary>The greatest sequence number that is known of them; 0 for none.</summary>
    public ulong LastKnownSequence { get; }

    /// <summary>Whether a decision stands, and which.</summary>
    public ProposalStatus Status => LastDecision() switch
    {
        PromotionApproved => ProposalStatus.Approved,
        PromotionRejected => ProposalStatus.Rejected,
        _ => ProposalStatus.Open,
    };

    /// <summary>The list with one more.</summary>
    /// <param name="fact">What was recorded.</param>
    /// <param name="sequence">Where in the ledger; 0 when that is not known.</param>
    public RecordedFacts With(GovernanceFact fact, ulong sequence) => new(this, fact, sequence);

    /// <summary>Why a submission is refused, or null when it is recorded. Sessions apart.</summary>
    public RefusalCode? Judge(FactSubmission submission)
    {
        ArgumentNullException.ThrowIfNull(submission);
        GovernanceFact fact = submission.Fact;
        bool exists = Revision > 0;
        ProposalStatus status = Status;
        return fact switch
        {
            not ProposalCreated when !exists => RefusalCode.UnknownProposal,
            ProposalCreated when exists => RefusalCode.AlreadyExists,
            _ when submission.ExpectedRevision is { } expected && expected != Revision => RefusalCode.RevisionMismatch,
            PromotionApproved when status == ProposalStatus.Approved && IsApprover(fact.Actor) => RefusalCode.DuplicateDecision,
            PromotionApproved when status == ProposalStatus.Rejected => RefusalCode.ConflictingDecision,
            PromotionRejected when status == ProposalStatus.Approved => RefusalCode.ConflictingDecision,
            PromotionApproved when Results().Values.Any(result => !result.Passed && !result.Overridden) => RefusalCode.FailedValidation,
            RollbackIssued when status != ProposalStatus.Approved => RefusalCode.NothingToRollBack,
            _ => null,
        };
    }

    /// <summary>Whether a view shows these facts. What is not known of sequence numbers is not compared.</summary>
    public bool IsShownBy(ProposalView? view)
    {
        if (view is null || Revision == 0)
        {
            return view is null && Revision == 0;
        }

        RecordedFacts first = this;
        while (first.Revision > 1)
        {
            first = first._before!;
        }

        var creation = first._fact as ProposalCreated;
        SortedDictionary<string, ValidatorResult> results = Results();
        return creation is not null
            && view.Revision == Revision
            && view.Status == Status
            && string.Equals(view.ProposalId, creation.ProposalId, StringComparison.Ordinal)
            && string.Equals(view.Author, creation.Author, StringComparison.Ordinal)
            && string.Equals(view.Title, creation.Title, StringComparison.Ordinal)
            && string.Equals(view.ContentHash, creation.ContentHash, StringComparison.Ordinal)
            && string.Equals(view.DecidedBy, LastDecision()?.Actor, StringComparison.Ordinal)
            && IsSame(first._sequence, view.CreatedSequence)
            && IsSame(_sequence, view.LastSequence)
            && view.Validators.Count == results.Count
            && view.Validators.Zip(results.Values).All(pair =>
                pair.First with { Sequence = 0 } == pair.Second with { Sequence = 0 } && IsSame(pair.Second.Sequence, pair.First.Sequence));
    }

    /// <inheritdoc/>
    public bool Equals(RecordedFacts? other)
    {
        RecordedFacts? mine = this;
        while (mine is not null && other is not null && !ReferenceEquals(mine, other))
        {
            if (mine._hash != other._hash || mine.Revision != other.Revision || mine._sequence != other._sequence || mine._fact != other._fact)
            {
                return false;
            }

            (mine, other) = (mine._before, other._before);
        }

        return ReferenceEquals(mine, other);
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RecordedFacts);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;

    /// <inheritdoc/>
    public override string ToString() => Revision == 0
        ? "not created"
        : string.Create(CultureInfo.InvariantCulture, $"{Status}, revision {Revision}, last {_fact!.Kind} at {(_sequence == 0 ? "?" : _sequence)}");

    private static bool IsSame(ulong known, ulong shown) => known == 0 || known == shown;

    /// <summary>The approval or rejection that stands.</summary>
    private GovernanceFact? LastDecision()
    {
        bool overridden = false;
        for (RecordedFacts at = this; at._fact is { } fact; at = at._before!)
        {
            switch (fact)
            {
                case OverrideGranted:
                    overridden = true;
                    break;
                case RollbackIssued:
                    return null;
                case PromotionApproved:
                    return fact;
                case PromotionRejected:
                    return overridden ? null : fact;
                default:
                    break;
            }
        }

        return null;
    }

    /// <summary>Whether somebody has approved since the proposal stands approved.</summary>
    private bool IsApprover(string actor)
    {
        for (RecordedFacts at = this; at._fact is { } fact and not (RollbackIssued or PromotionRejected); at = at._before!)
        {
            if (fact is PromotionApproved && string.Equals(fact.Actor, actor, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The latest result of each validator. An override counts for what stands before it, and no longer once it was rolled back.</summary>
    private SortedDictionary<string, ValidatorResult> Results()
    {
        var results = new SortedDictionary<string, ValidatorResult>(StringComparer.Ordinal);
        bool overridden = false;
        bool rolledBack = false;
        for (RecordedFacts at = this; at._fact is { } fact; at = at._before!)
        {
            rolledBack |= fact is RollbackIssued;
            overridden |= fact is OverrideGranted && !rolledBack;
            if (fact is ValidationPassed or ValidationFailed)
            {
                bool passed = fact is ValidationPassed;
                results.TryAdd(fact.Actor, new ValidatorResult(fact.Actor, passed, !passed && overridden, at._sequence));
            }
        }

        return results;
    }
}
