using Converge.Core;

namespace Converge.Swarm.Http.Tests;

/// <summary>A query index that lists the same two proposals, whatever it is asked.</summary>
internal sealed class OnePageIndex : IProposalIndex
{
    public ProjectionStatus Status { get; init; } =
        new() { Store = "sqlite", Sequence = 7, RecordsBehind = 2, RecordsPerSecond = 1_234.56, Problem = null };

    public Task<ProposalPage> ListAsync(ProposalQuery query, CancellationToken cancellationToken = default) => Task.FromResult(new ProposalPage(
        [
            new ProposalSummary("p-1", ProposalStatus.Approved, 4, "author://ann", "A title", "c0ffee", "reviewer://bob", 1, 5, 1_700_000_000_000, 1_700_000_001_250),
            new ProposalSummary("p-2", ProposalStatus.Open, 1, "author://ann", null, null, null, 6, 6, 1_700_000_002_000, 1_700_000_002_000),
        ],
        HasMore: query.AfterCreated == 0,
        AsOfSequence: 7));
}
