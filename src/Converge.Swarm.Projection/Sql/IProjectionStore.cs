using Converge.Core;

namespace Converge.Swarm.Projection.Sql;

/// <summary>
/// Where the rows of a projection are. One caller writes; <see cref="ListAsync"/> may be called beside it by anybody. After anything but
/// <see cref="ListAsync"/> threw, <see cref="CloseAsync"/> comes before the next call.
/// </summary>
internal interface IProjectionStore : IAsyncDisposable
{
    /// <summary>Its name in the status.</summary>
    string Name { get; }

    /// <summary>False when the rows were deleted beneath it. Cheap enough to be asked before each batch.</summary>
    bool IsThere { get; }

    /// <summary>Connects, makes the tables unless they are there, and says how far they are filled.</summary>
    /// <exception cref="ProjectionVersionException">The tables are those of a later version.</exception>
    /// <exception cref="System.Data.Common.DbException">The database refused or failed.</exception>
    Task<ProjectionPosition> OpenAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Projects records in one transaction together with the new position. When the rows are elsewhere than at <paramref name="from"/>,
    /// because somebody else writes them too, nothing is written.
    /// </summary>
    /// <returns>How far the rows are filled now.</returns>
    /// <exception cref="ProjectionMismatchException">The rows do not fit the records. Nothing was written.</exception>
    /// <exception cref="System.Data.Common.DbException">The database refused or failed. Either all was written or nothing.</exception>
    Task<ProjectionPosition> ApplyAsync(ProjectionPosition from, IReadOnlyList<LedgerRecord> records, CancellationToken cancellationToken);

    /// <summary>The hash of a record that is in the rows; null when it is not.</summary>
    /// <exception cref="System.Data.Common.DbException">The database refused or failed.</exception>
    Task<string?> HashOfAsync(ulong sequence, CancellationToken cancellationToken);

    /// <summary>Lets go of the writer's connection. Never throws.</summary>
    Task CloseAsync();

    /// <summary>Removes all rows and tables; the next <see cref="OpenAsync"/> begins anew.</summary>
    Task ClearAsync(CancellationToken cancellationToken);

    /// <summary>Reads one page, as of one position. Does not wait for <see cref="ProposalQuery.MinSequence"/>.</summary>
    /// <exception cref="System.Data.Common.DbException">The database refused or failed.</exception>
    Task<ProposalPage> ListAsync(ProposalQuery query, CancellationToken cancellationToken);
}
