using System.Data.Common;
using System.Globalization;
using System.Net.Sockets;
using Converge.Swarm.Ledger;
using Converge.Swarm.Projection.Following;
using Converge.Swarm.Projection.Sql;
using Microsoft.Extensions.Logging;

namespace Converge.Swarm.Projection;

/// <summary>
/// A query index that follows a node's ledger: SQL tables, filled on a thread of its own. No commit waits for it. Whatever happens to it
/// is a problem in <see cref="Status"/> and tried again; it never stops the node.
/// </summary>
/// <remarks>
/// Rows and position change in one transaction, so a crash at any moment loses or repeats nothing. Deleting the tables is always safe:
/// they are filled anew.
/// </remarks>
public sealed partial class LedgerProjection : IProposalIndex, IAsyncDisposable
{
    /// <summary>The folder of an SQLite projection within a node's data folder.</summary>
    public const string FolderName = "projection";

    /// <summary>So many queries read at the same time; further ones wait their turn.</summary>
    internal const int MaxConcurrentQueries = 8;

    /// <summary>So many queries are taken on at the same time, waiting ones included; further ones are refused.</summary>
    internal const int MaxQueries = 1_024;

    /// <summary>
    /// How long a batch waits for company before it is written, unless a query waits for it: a transaction costs as much as many rows.
    /// </summary>
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    private readonly GovernanceLedger _ledger;
    private readonly IProjectionStore _store;
    private readonly ProjectionWork _work;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Thread _thread;
    private readonly PositionWaits _waits = new();
    private readonly SemaphoreSlim _queries = new(MaxConcurrentQueries);
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Guards the three below; pulsed when one of them changes.</summary>
    private readonly object _signal = new();
    private bool _woken;
    private bool _wanted;
    private bool _stop;

    // The thread's own: what the log was told.
    private bool _toldOpened;
    private bool _toldCaughtUp;
    private string? _toldProblem;

    private ProjectionStatus _status;
    private int _queriesTaken;
    private Action _unsubscribe = () => { };

    private LedgerProjection(GovernanceLedger ledger, IProjectionStore store, int batchRecords, TimeProvider time, ILoggerFactory loggers)
    {
        _ledger = ledger;
        _store = store;
        _time = time;
        _work = new ProjectionWork(ledger, store, batchRecords, time);
        _logger = loggers.CreateLogger("Converge.Swarm.Projection");
        _status = new ProjectionStatus { Store = store.Name, Sequence = 0, RecordsBehind = 0, RecordsPerSecond = null, Problem = null };
        _thread = new Thread(Run) { IsBackground = true, Name = "projection" };
    }

    /// <inheritdoc/>
    public ProjectionStatus Status
    {
        get
        {
            ProjectionStatus status = Volatile.Read(ref _status);
            ulong last = _ledger.LastSequence;
            return status with { RecordsBehind = last > status.Sequence ? last - status.Sequence : 0 };
        }
    }

    /// <summary>Lets a projection follow a node as its options say. It is to be disposed of before the node stops.</summary>
    /// <returns>Null when the options say that there is none.</returns>
    /// <exception cref="ArgumentException">The options break a rule of <see cref="SwarmOptionsRules"/> or <see cref="CheckConnection"/>.</exception>
    public static LedgerProjection? Follow(SwarmNode node, SwarmOptions options, ILoggerFactory loggers)
    {
        if (StoreOf(options) is not { } store)
        {
            return null;
        }

        LedgerProjection projection = Start(node.Ledger, store, options.Projection.BatchRecords, TimeProvider.System, loggers);
        EventHandler wake = (_, _) => projection.Wake();
        node.RecordsAdded += wake;
        projection._unsubscribe = () => node.RecordsAdded -= wake;

        // What was added before the subscription raised nothing here.
        projection.Wake();
        return projection;
    }

    /// <summary>Lets a projection follow a ledger of any host; whoever appends to it calls <see cref="Wake"/>.</summary>
    /// <returns>Null when the options say that there is none.</returns>
    /// <exception cref="ArgumentException">The options break a rule of <see cref="SwarmOptionsRules"/> or <see cref="CheckConnection"/>.</exception>
    public static LedgerProjection? Follow(GovernanceLedger ledger, SwarmOptions options, ILoggerFactory loggers) => StoreOf(options) is { } store
        ? Start(ledger, store, options.Projection.BatchRecords, TimeProvider.System, loggers)
        : null;

    /// <summary>Fills a projection anew from a ledger that nobody writes, and returns when it holds all of it.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="options">Where the projection is kept.</param>
    /// <param name="progress">Told the last record written, batch by batch.</param>
    /// <param name="cancellationToken">Stops; what is written by then is whole, and a node goes on from there.</param>
    /// <returns>How many records it holds.</returns>
    /// <exception cref="ArgumentException">The options say that there is none, or break a rule.</exception>
    /// <exception cref="ProjectionMismatchException">The ledger's records do not fit each other.</exception>
    /// <exception cref="DbException">The database refused or failed.</exception>
    /// <exception cref="IOException">The disk failed.</exception>
    public static async Task<ulong> RebuildAsync(GovernanceLedger ledger, SwarmOptions options, IProgress<ulong>? progress, CancellationToken cancellationToken)
    {
        await using IProjectionStore store = StoreOf(options) ?? throw new ArgumentException("The options name no store.", nameof(options));
        await store.ClearAsync(cancellationToken);
        ProjectionWork work = new(ledger, store, options.Projection.BatchRecords, TimeProvider.System);
        while (true)
        {
            NextStep next = await work.StepAsync(cancellationToken);
            if (work.Problem is { } problem)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(problem);
            }

            ulong sequence = work.Position?.Sequence ?? 0;
            progress?.Report(sequence);
            if (next != NextStep.Now)
            {
                return sequence;
            }
        }
    }

    /// <summary>What is wrong with the way to the database, as its driver sees it; null when nothing is. Connects to nothing.</summary>
    public static ConfigurationFault? CheckConnection(SwarmOptions options)
    {
        if (options.Projection is not { Store: ProjectionStore.PostgreSql, PostgreSql: { } connection })
        {
            return null;
        }

        try
        {
            _ = new Npgsql.NpgsqlConnectionStringBuilder(connection);
            return null;
        }
        catch (Exception fault) when (fault is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            return new ConfigurationFault("projection.postgresql", $"is not understood: {fault.Message}");
        }
    }

    /// <summary>Records were added to the ledger. Returns at once.</summary>
    public void Wake() => Raise(ref _woken);

    /// <inheritdoc/>
    public async Task<ProposalPage> ListAsync(ProposalQuery query, CancellationToken cancellationToken = default)
    {
        if (query.Limit is < 1 or > ProposalQuery.MaxLimit)
        {
            throw new ArgumentOutOfRangeException(nameof(query), query.Limit, $"A page has 1 to {ProposalQuery.MaxLimit} proposals.");
        }

        if (Interlocked.Increment(ref _queriesTaken) > MaxQueries)
        {
            Interlocked.Decrement(ref _queriesTaken);
            throw new ProposalIndexUnavailableException(ProposalIndexFault.Busy, "Too many queries wait on this node.");
        }

        try
        {
            await WaitForAsync(query, cancellationToken);
            return await ReadAsync(query, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _queriesTaken);
        }
    }

    /// <summary>Stops after the batch at work, and lets go of the store.</summary>
    public async ValueTask DisposeAsync()
    {
        _unsubscribe();
        Raise(ref _stop);
        await _stopping.CancelAsync();
        try
        {
            await _stopped.Task.WaitAsync(StopPatience, _time);
        }
        catch (TimeoutException)
        {
            LogLeftBehind(_logger, _store.Name);
            return;
        }

        await _store.DisposeAsync();
    }

    internal static LedgerProjection Start(GovernanceLedger ledger, IProjectionStore store, int batchRecords, TimeProvider time, ILoggerFactory loggers)
    {
        LedgerProjection projection = new(ledger, store, batchRecords, time, loggers);
        projection._thread.Start();
        return projection;
    }

    private static IProjectionStore? StoreOf(SwarmOptions options)
    {
        ProjectionOptions projection = options.Projection;
        return projection.Store switch
        {
            ProjectionStore.None => null,
            ProjectionStore.Sqlite => new SqliteProjectionStore(Path.Combine(options.DataFolder, FolderName)),
            ProjectionStore.PostgreSql => new PostgreSqlProjectionStore(
                projection.PostgreSql ?? throw new ArgumentException("The options do not say how to connect to PostgreSQL.", nameof(options)),
                projection.SchemaOf(options.Node)),
            _ => throw new ArgumentException($"{projection.Store} is not a store.", nameof(options)),
        };
    }

    private async Task WaitForAsync(ProposalQuery query, CancellationToken cancellationToken)
    {
        Task<bool> wait = _waits.WaitAsync(query.MinSequence, query.Wait, _time, cancellationToken);
        if (!wait.IsCompleted)
        {
            Raise(ref _wanted);
        }

        if (!await wait)
        {
            ProjectionStatus status = Status;
            throw new ProposalIndexUnavailableException(ProposalIndexFault.Behind, string.Create(
                CultureInfo.InvariantCulture,
                $"The projection is at record {status.Sequence}, not yet at {query.MinSequence}. {status.Problem}").TrimEnd());
        }
    }

    private async Task<ProposalPage> ReadAsync(ProposalQuery query, CancellationToken cancellationToken)
    {
        await _queries.WaitAsync(cancellationToken);
        ProposalPage page;
        try
        {
            // SQLite answers on the thread that asks.
            page = await Task.Run(() => _store.ListAsync(query, cancellationToken), cancellationToken);
        }
        catch (Exception fault) when (fault is DbException or IOException or SocketException or TimeoutException or ProjectionMismatchException or InvalidOperationException)
        {
            // The rows may have been deleted; the thread finds out.
            Wake();
            throw new ProposalIndexUnavailableException(ProposalIndexFault.Failing, $"The projection cannot be read: {fault.Message}", fault);
        }
        finally
        {
            _queries.Release();
        }

        // Made anew between the wait and the reading: what it holds now is older than what was asked for.
        return page.AsOfSequence >= query.MinSequence
            ? page
            : throw new ProposalIndexUnavailableException(ProposalIndexFault.Behind, "The projection is being filled anew.");
    }

    /// <summary>The thread. It waits for the store itself: what a database takes long for costs the thread pool nothing.</summary>
    private void Run()
    {
        try
        {
            while (!_stopping.IsCancellationRequested)
            {
                NextStep next = _work.StepAsync(_stopping.Token).GetAwaiter().GetResult();
                Publish();
                Tell(next);
                Pause(next);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Told to stop in the middle of a batch, which is undone.
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    private void Tell(NextStep next)
    {
        if (_work.Problem is { } problem)
        {
            (_toldOpened, _toldCaughtUp) = (false, false);
            if (!string.Equals(_toldProblem, problem.Message, StringComparison.Ordinal))
            {
                _toldProblem = problem.Message;
                LogFailed(_logger, _store.Name, _work.BackOff.TotalSeconds, problem.Message);
            }

            return;
        }

        _toldProblem = null;
        if (!_toldOpened)
        {
            _toldOpened = true;
            LogOpened(_logger, _store.Name, _work.Position!.Sequence, _ledger.LastSequence);
        }

        if (!_toldCaughtUp && next == NextStep.WhenWoken && _work.RecordsPerSecond is { } rate)
        {
            _toldCaughtUp = true;
            LogCaughtUp(_logger, _store.Name, _work.Position!.Sequence, (long)rate);
        }
    }

    private void Publish()
    {
        ulong sequence = _work.Position?.Sequence ?? 0;
        Volatile.Write(ref _status, new ProjectionStatus
        {
            Store = _store.Name,
            Sequence = sequence,
            RecordsBehind = 0,
            RecordsPerSecond = _work.RecordsPerSecond,
            Problem = _work.Problem is { } problem ? $"The projection does not follow the ledger: {problem.Message}" : null,
        });
        _waits.Reach(sequence);
    }

    private void Pause(NextStep next)
    {
        lock (_signal)
        {
            switch (next)
            {
                case NextStep.Now:
                    _wanted = _waits.Any;
                    WaitWhile(() => !_wanted, _work.Rest < LongestRest ? _work.Rest : LongestRest);
                    break;
                case NextStep.WhenWoken:
                    while (!_woken && !_stop)
                    {
                        Monitor.Wait(_signal);
                    }

                    _wanted = _waits.Any;
                    WaitWhile(() => !_wanted, GatherTime);
                    break;
                case NextStep.AfterBackOff:
                    WaitWhile(() => true, _work.BackOff);
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(next), next, "Not a step.");
            }

            (_woken, _wanted) = (false, false);
        }
    }

    /// <summary>Waits, but not beyond the order to stop. The lock is held by the caller.</summary>
    private void WaitWhile(Func<bool> condition, TimeSpan atMost)
    {
        long started = _time.GetTimestamp();
        for (TimeSpan left = atMost; left > TimeSpan.Zero && condition() && !_stop; left = atMost - _time.GetElapsedTime(started))
        {
            Monitor.Wait(_signal, left);
        }
    }

    private void Raise(ref bool flag)
    {
        lock (_signal)
        {
            flag = true;
            Monitor.PulseAll(_signal);
        }
    }
}
