using Converge.Core;
using Converge.Swarm.Cli.Connection;

namespace Converge.Swarm.Cli.Import;

/// <summary>How an import goes about its work.</summary>
internal sealed record ImportOptions
{
    /// <summary>How many batches are in flight at the same time.</summary>
    public int Workers { get; init; } = 16;

    /// <summary>How many facts are sent together.</summary>
    public int BatchFacts { get; init; } = 64;

    /// <summary>How many facts are on their way at most.</summary>
    public int MaxLines { get; init; } = 8_192;

    /// <summary>How far the newest fact may be ahead of the oldest whose answer is missing; well within a session's memory.</summary>
    public long MaxSpan { get; init; } = 32_768;

    /// <summary>Gives up after this time without any final answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Learns of every final answer, with how long it took. From several threads.</summary>
    public Action<ImportLine, CommitAnswer, TimeSpan>? Answered { get; init; }

    /// <summary>Learns how many lines of how many are done. From several threads.</summary>
    public Action<long, long>? Progress { get; init; }
}

/// <summary>
/// Commits a file of facts at any of several nodes. Facts about the same proposal go one after the other, others together; whatever was
/// not answered for good is repeated under the same command id at the next node, until it is.
/// </summary>
internal sealed class Importer : IDisposable
{
    private const int ReconcilePageRecords = 1_000;

    private readonly ImportSource _source;
    private readonly ImportOptions _options;
    private readonly SwarmConnection _swarm;
    private readonly ImportQueue _queue;
    private long _lastProgress = TimeProvider.System.GetTimestamp();
    private volatile CommitAnswer _lastTrouble = new FactNotCommitted(NotCommittedReason.NoLeader, "No node was asked yet.");

    public Importer(ImportSource source, IReadOnlyList<Uri> urls, ImportOptions options)
    {
        _source = source;
        _options = options;
        _swarm = new SwarmConnection(urls);
        _queue = new ImportQueue(options.MaxLines, options.MaxSpan);
    }

    /// <summary>True when the import gave up because no final answer came for too long.</summary>
    public bool GaveUp { get; private set; }

    /// <summary>What the last answer that was not final said.</summary>
    public CommitAnswer LastTrouble => _lastTrouble;

    /// <summary>Imports the file.</summary>
    /// <returns>What became of its lines, all of them unless it <see cref="GaveUp"/>.</returns>
    /// <exception cref="SwarmUnavailableException">No node answered even once.</exception>
    public async Task<ImportTally> RunAsync(CancellationToken cancellationToken)
    {
        ulong headAtStart = (await HeadAsync(cancellationToken)).Sequence;
        ImportTally tally = new(_source.Lines, headAtStart);
        using CancellationTokenSource giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Touch();
        Task[] work = [FillAsync(tally, giveUp.Token), .. Enumerable.Range(0, _options.Workers).Select(worker => CommitAsync(worker, tally, giveUp))];
        try
        {
            await Task.WhenAll(work.Select(task => StopAllOnFault(task, giveUp)));
        }
        catch (OperationCanceledException) when (GaveUp && !cancellationToken.IsCancellationRequested)
        {
            string code = _lastTrouble is FactNotCommitted notCommitted ? notCommitted.Reason.Name() : "outcome_unknown";
            foreach (ImportLine line in _queue.NotDone())
            {
                tally.CountFailure(new ImportFailure(line.Number, code, "No final answer came in time."));
            }
        }

        if (tally.NeedsReconciling)
        {
            await ReconcileAsync(tally, headAtStart, cancellationToken);
        }

        return tally;
    }

    public void Dispose() => _swarm.Dispose();

    private static async Task StopAllOnFault(Task task, CancellationTokenSource others)
    {
        try
        {
            await task;
        }
        catch
        {
            await others.CancelAsync();
            throw;
        }
    }

    private async Task FillAsync(ImportTally tally, CancellationToken cancellationToken)
    {
        await _source.ReadAsync(
            async line =>
            {
                tally.CountRead();
                await _queue.AddAsync(line, cancellationToken);
            },
            failure =>
            {
                tally.CountRead();
                tally.CountFailure(failure);
            },
            cancellationToken);
        _queue.Complete();
    }

    private async Task CommitAsync(int worker, ImportTally tally, CancellationTokenSource giveUp)
    {
        CancellationToken cancellationToken = giveUp.Token;
        Backoff backoff = new();
        int node = worker;
        while (await _queue.TakeAsync(_options.BatchFacts, cancellationToken) is { Count: > 0 } batch)
        {
            long sent = TimeProvider.System.GetTimestamp();
            IReadOnlyList<CommitAnswer> answers =
                await _swarm.Nodes[node % _swarm.Nodes.Count].CommitAsync([.. batch.Select(line => line.Submission)], cancellationToken);
            if (Settle(batch, answers, TimeProvider.System.GetElapsedTime(sent), tally))
            {
                backoff.Reset();
                continue;
            }

            if (TimeProvider.System.GetElapsedTime(Interlocked.Read(ref _lastProgress)) > _options.Timeout)
            {
                GaveUp = true;
                await giveUp.CancelAsync();
            }

            node++;
            await backoff.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Deals with the answers of a batch.</summary>
    /// <returns>True when all of them were final.</returns>
    private bool Settle(IReadOnlyList<ImportLine> batch, IReadOnlyList<CommitAnswer> answers, TimeSpan took, ImportTally tally)
    {
        bool all = true;
        for (int i = 0; i < batch.Count; i++)
        {
            switch (answers[i])
            {
                case FactAccepted or FactRefused:
                    tally.CountAnswer(batch[i], answers[i]);
                    _options.Answered?.Invoke(batch[i], answers[i], took);
                    Finish(batch[i], tally);
                    break;
                case FactNotCommitted { Reason: NotCommittedReason.TooLarge } tooLarge:
                    tally.CountFailure(new ImportFailure(batch[i].Number, tooLarge.Reason.Name(), tooLarge.Message));
                    Finish(batch[i], tally);
                    break;
                default:
                    all = false;
                    _lastTrouble = answers[i];
                    _queue.Return(batch[i]);
                    break;
            }
        }

        return all;
    }

    private void Finish(ImportLine line, ImportTally tally)
    {
        Touch();
        _queue.Finish(line);
        _options.Progress?.Invoke(tally.Done, _source.Lines);
    }

    private void Touch() => Interlocked.Exchange(ref _lastProgress, TimeProvider.System.GetTimestamp());

    private async Task<LedgerHead> HeadAsync(CancellationToken cancellationToken)
    {
        // Linearizable: a node that lags behind would count what an earlier run recorded as new.
        Backoff backoff = new();
        while (true)
        {
            try
            {
                return await _swarm.AskAsync(node => node.GetHeadAsync(ReadConsistency.Linearizable, cancellationToken));
            }
            catch (SwarmUnavailableException) when (TimeProvider.System.GetElapsedTime(Interlocked.Read(ref _lastProgress)) < _options.Timeout)
            {
                await backoff.WaitAsync(cancellationToken);
            }
        }
    }

    private async Task ReconcileAsync(ImportTally tally, ulong head, CancellationToken cancellationToken)
    {
        ulong next = 1;
        while (next <= head)
        {
            IReadOnlyList<LedgerRecord> records = await _swarm.ReadAsync(next, ReconcilePageRecords, cancellationToken);
            foreach (LedgerRecord record in records)
            {
                if (string.Equals(record.CommandId?.Session, _source.Session, StringComparison.Ordinal))
                {
                    tally.Reconcile(record);
                }
            }

            next += (ulong)records.Count;
        }

        tally.EndReconciling();
    }
}
