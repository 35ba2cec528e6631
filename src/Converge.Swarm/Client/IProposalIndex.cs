using Converge.Core;

namespace Converge.Swarm;

/// <summary>
/// Lists proposals out of a query index that is filled from a node's ledger after the fact. Every answer is that of one sequence number,
/// and says which. Behind it: <c>Converge.Swarm.Projection.LedgerProjection</c>. Safe for concurrent use.
/// </summary>
public interface IProposalIndex
{
    /// <summary>How the index stands; immediate.</summary>
    ProjectionStatus Status { get; }

    /// <summary>One page of proposals in the order of their creation, once the index holds <see cref="ProposalQuery.MinSequence"/>.</summary>
    /// <exception cref="ProposalIndexUnavailableException">
    /// The index did not get that far in time, cannot be read, or too many queries wait. Trying again is safe.
    /// </exception>
    Task<ProposalPage> ListAsync(ProposalQuery query, CancellationToken cancellationToken = default);
}

/// <summary>Which proposals, and how current the answer must be.</summary>
public sealed record ProposalQuery
{
    /// <summary>More proposals than this are not given at once.</summary>
    public const int MaxLimit = 1_000;

    /// <summary>Those that stand so; null for all.</summary>
    public ProposalStatus? Status { get; init; }

    /// <summary>Those created after this record; 0 for the first page.</summary>
    public ulong AfterCreated { get; init; }

    /// <summary>How many at most: 1 to <see cref="MaxLimit"/>.</summary>
    public int Limit { get; init; } = 100;

    /// <summary>The answer must hold everything up to this record; 0 for whatever the index holds.</summary>
    public ulong MinSequence { get; init; }

    /// <summary>How long the answer may wait for <see cref="MinSequence"/>.</summary>
    public TimeSpan Wait { get; init; }
}

/// <summary>One page of proposals.</summary>
/// <param name="Proposals">In the order of their creation.</param>
/// <param name="HasMore">True when others follow as of the same sequence number.</param>
/// <param name="AsOfSequence">The last record that the index held: all of the page is true as of it.</param>
public sealed record ProposalPage(IReadOnlyList<ProposalSummary> Proposals, bool HasMore, ulong AsOfSequence);

/// <summary>A proposal as a list shows it; <see cref="ProposalView"/> has its validators too.</summary>
/// <param name="ProposalId">The proposal.</param>
/// <param name="Status">How it stands.</param>
/// <param name="Revision">How many facts are recorded for it.</param>
/// <param name="Author">Who proposed it.</param>
/// <param name="Title">What, in a line.</param>
/// <param name="ContentHash">Names the content that is judged.</param>
/// <param name="DecidedBy">Whose decision stands; null while open.</param>
/// <param name="CreatedSequence">The record of its creation.</param>
/// <param name="LastSequence">The record of its last fact.</param>
/// <param name="CreatedUnixMilliseconds">The leader's time of the first.</param>
/// <param name="LastUnixMilliseconds">The leader's time of the last.</param>
public sealed record ProposalSummary(
    string ProposalId,
    ProposalStatus Status,
    ulong Revision,
    string Author,
    string? Title,
    string? ContentHash,
    string? DecidedBy,
    ulong CreatedSequence,
    ulong LastSequence,
    long CreatedUnixMilliseconds,
    long LastUnixMilliseconds);

/// <summary>Why an index does not answer.</summary>
public enum ProposalIndexFault
{
    /// <summary>It does not hold what the query must see, and did not in the time allowed.</summary>
    Behind,

    /// <summary>It cannot be read.</summary>
    Failing,

    /// <summary>Too many queries are at work or wait.</summary>
    Busy,
}

/// <summary>An index does not answer now. Nothing was changed; trying again is safe.</summary>
/// <param name="fault">Why.</param>
/// <param name="message">For a person.</param>
/// <param name="inner">What happened beneath, if that is the reason.</param>
public sealed class ProposalIndexUnavailableException(ProposalIndexFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public ProposalIndexFault Fault { get; } = fault;
}
