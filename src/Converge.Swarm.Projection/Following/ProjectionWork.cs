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
            CheckIsOfThisLedger(found);
            _position = found;
        }

        long started = time.GetTimestamp();
        List<LedgerRecord> records = [.. ledger.Read(_position.Sequence + 1, batchRecords).Select(LedgerRecordCodec.Decode)];
        if (records.Count == 0)
        {
            return NextStep.WhenWoken;
        }

        if (!string.Equals(records[0].PreviousHash, _position.Hash, StringComparison.Ordinal))
        {
            throw OfAnotherLedger(_position, records[0].PreviousHash);
        }

        _position = await store.ApplyAsync(_position, records, cancellationToken);
        _rate.Add(records.Count, time.GetElapsedTime(started));
        return ledger.LastSequence > _position.Sequence ? NextStep.Now : NextStep.WhenWoken;
    }

    /// <summary>
    /// The rows may be ahead of the ledger after a crash: until the log is replayed they cannot be compared, and the record that follows
    /// them tells.
    /// </summary>
    private void CheckIsOfThisLedger(ProjectionPosition found)
    {
        if (found.Sequence > 0 && found.Sequence <= ledger.LastSequence && ledger.Read(found.Sequence, 1) is [{ } record])
        {
            string hash = record.Hash.ToString();
            if (!string.Equals(hash, found.Hash, StringComparison.Ordinal))
            {
                throw OfAnotherLedger(found, hash);
            }
        }
    }

    private static ProjectionMismatchException OfAnotherLedger(ProjectionPosition position, string hash) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"It was filled from another ledger: record {position.Sequence} has hash {position.Hash} there and {hash} here. 'converge projection rebuild' fills it anew."));
}
