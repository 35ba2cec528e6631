using Converge.Core;

namespace Converge.Swarm.Projection;

/// <summary>What the projection knows of one proposal beside its validators. The rules are those of <c>docs/governance.md</c>.</summary>
internal sealed record ProposalRow
{
    public required ulong CreatedSequence { get; init; }

    public required string ProposalId { get; init; }

    public required ProposalStatus Status { get; init; }

    public required ulong Revision { get; init; }

    public required string Author { get; init; }

    public required string? Title { get; init; }

    public required string? ContentHash { get; init; }

    public string? DecidedBy { get; init; }

    public ulong? DecidedSequence { get; init; }

    /// <summary>The override in force: failures recorded before it do not stand.</summary>
    public ulong? OverrideSequence { get; init; }

    public required ulong LastSequence { get; init; }

    public required long CreatedAtMilliseconds { get; init; }

    public required long LastAtMilliseconds { get; init; }

    public static ProposalRow Of(ProposalCreated creation, LedgerRecord record) => new()
    {
        CreatedSequence = record.Sequence,
        ProposalId = creation.ProposalId,
        Status = ProposalStatus.Open,
        Revision = 1,
        Author = creation.Author,
        Title = creation.Title,
        ContentHash = creation.ContentHash,
        LastSequence = record.Sequence,
        CreatedAtMilliseconds = record.TimeUnixMilliseconds,
        LastAtMilliseconds = record.TimeUnixMilliseconds,
    };

    /// <summary>The proposal after another recorded fact. A fact in the ledger was judged before; it is taken in, not judged again.</summary>
    public ProposalRow After(GovernanceFact fact, LedgerRecord record)
    {
        ProposalRow next = fact switch
        {
            ValidationPassed or ValidationFailed => this,
            PromotionApproved => Decided(ProposalStatus.Approved, fact, record),
            PromotionRejected => Decided(ProposalStatus.Rejected, fact, record),
            RollbackIssued => Reopened() with { OverrideSequence = null },
            OverrideGranted => (Status == ProposalStatus.Rejected ? Reopened() : this) with { OverrideSequence = record.Sequence },
            _ => throw new ProjectionMismatchException($"Record {record.Sequence} creates proposal '{ProposalId}' again."),
        };
        return next with { Revision = Revision + 1, LastSequence = record.Sequence, LastAtMilliseconds = record.TimeUnixMilliseconds };
    }

    private ProposalRow Decided(ProposalStatus status, GovernanceFact fact, LedgerRecord record) =>
        this with { Status = status, DecidedBy = fact.Actor, DecidedSequence = record.Sequence };

    private ProposalRow Reopened() => this with { Status = ProposalStatus.Open, DecidedBy = null, DecidedSequence = null };
}
