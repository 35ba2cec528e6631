using System.Globalization;
using Converge.Core;
using Converge.Swarm.Ledger;
using Converge.Swarm.Projection.Sql;

namespace Converge.Swarm.Projection.Following;

/// <summary>What comes after a step.</summary>
internal enum NextStep
{
    /// <summary>Another one at once: there is more.</summary>
    Now,

    /// <summary>Another one when there are records again.</summary>
    WhenWoken,

    /// <summary>Another one after <see cref="ProjectionWork.BackOff"/>: this one failed.</summary>
    AfterBackOff,
}

/// <summary>
/// Carries records from a ledger to a store, one batch a step. A step never throws but for cancellation: what goes wrong is a problem
/// that is told, and tried again.
/// </summary>
internal sealed class ProjectionWork(GovernanceLedger ledger, IProjectionStore store, int batchRecords, TimeProvider time)
{
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(60);

    private readonly CatchUpRate _rate = new();
    private ProjectionPosition? _position;

    /// <summary>How far the projection is; null while that is not known.</summary>
    public ProjectionPosition? Position => _position;

    /// <summary>How fast it is at work.</summary>
    public double? RecordsPerSecond => _rate.RecordsPerSecond;

    /// <summary>Why the last step failed; null when it did not.</summary>
    public Exception? Problem { get; private set; }

    /// <summary>How long to wait after a step that failed: a second, twice as long after each further one, a minute at most.</summary>
    public TimeSpan BackOff { get; private set; }

    /// <summary>
    /// How long to rest after a step that is followed by another one at once: as long as it took when records were added meanwhile, so that
    /// a node under load has the processor for its commits at least half of the time; otherwise not at all.
    /// </summary>
    public TimeSpan Rest { get; private set; }

    /// <summary>One step.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<NextStep> StepAsync(CancellationToken cancellationToken)
    {
        try
        {
            NextStep next = await TryStepAsync(cancellationToken);
            Problem = null;
            BackOff = TimeSpan.Zero;
            return next;
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Problem = fault;
            BackOff = BackOff == TimeSpan.Zero ? FirstBackOff : BackOff >= LongestBackOff / 2 ? LongestBackOff : BackOff * 2;
            _position = null;
            await store.CloseAsync();
            return NextStep.AfterBackOff;
        }
    }

    private async Task<NextStep> TryStepAsync(CancellationToken cancellationToken)
    {
        if (_position is not null && !store.IsThere)
        {
            _position = null;
            await store.CloseAsync();
        }

        if (_position is null)
        {
            ProjectionPosition found = await store.OpenAsync(cancellationToken);
            await CheckIsOfThisLedgerAsync(found, cancellationToken);
            _position = found;
        }

        Rest = TimeSpan.Zero;
        long started = time.GetTimestamp();
        ulong lastBefore = ledger.LastSequence;
        List<LedgerRecord> records = [.. ledger.Read(_position.Sequence + 1, batchRecords).Select(LedgerRecordCodec.Decode)];
        if (records.Count == 0)
        {
            if (_position.Sequence > lastBefore)
            {
                await CheckIsOfThisLedgerAsync(_position, cancellationToken);
            }

            return NextStep.WhenWoken;
        }

        if (!string.Equals(records[0].PreviousHash, _position.Hash, StringComparison.Ordinal))
        {
            throw OfAnotherLedger(_position, records[0].PreviousHash);
        }

        _position = await store.ApplyAsync(_position, records, cancellationToken);
        TimeSpan took = time.GetElapsedTime(started);
        _rate.Add(records.Count, took);
        ulong last = ledger.LastSequence;
        Rest = last > lastBefore ? took : TimeSpan.Zero;
        return last > _position.Sequence ? NextStep.Now : NextStep.WhenWoken;
    }

    /// <summary>
    /// Compares the rows with the ledger at the last record that both have. After a crash the rows may be ahead of the ledger, until the
    /// log is replayed.
    /// </summary>
    private async Task CheckIsOfThisLedgerAsync(ProjectionPosition found, CancellationToken cancellationToken)
    {
        ulong common = Math.Min(found.Sequence, ledger.LastSequence);
        if (common == 0)
        {
            return;
        }

        string? there = common == found.Sequence ? found.Hash : await store.HashOfAsync(common, cancellationToken);
        string here = ledger.Read(common, 1)[0].Hash.ToString();
        if (!string.Equals(there, here, StringComparison.Ordinal))
        {
            throw OfAnotherLedger(new ProjectionPosition(common, there ?? "none"), here);
        }
    }

    private static ProjectionMismatchException OfAnotherLedger(ProjectionPosition position, string hash) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"It was filled from another ledger: record {position.Sequence} has hash {position.Hash} there and {hash} here. 'converge projection rebuild' fills it anew."));
}
