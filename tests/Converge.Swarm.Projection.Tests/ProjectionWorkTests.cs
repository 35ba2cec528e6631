using Converge.Swarm.Projection.Following;
using Converge.Swarm.Projection.Sql;

namespace Converge.Swarm.Projection.Tests;

/// <summary>Step by step, without the thread around it.</summary>
public sealed class ProjectionWorkTests : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly TemporaryFolder _folder = new();
    private readonly History _history = History.OfProposals(60);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Steps_carry_the_ledger_over_batch_by_batch_and_then_wait()
    {
        using TestLedger ledger = Ledger();
        await using SqliteProjectionStore store = Store();
        ProjectionWork work = new(ledger.Ledger, store, 50, new SteppedTime(Step));

        Assert.Equal(NextStep.WhenWoken, await work.StepAsync(default));
        ledger.Append();
        int steps = 1;
        while (await work.StepAsync(default) == NextStep.Now)
        {
            steps++;
        }

        Assert.Equal((_history.Records.Count + 49) / 50, steps);
        Assert.Equal((ulong)_history.Records.Count, work.Position!.Sequence);
        Assert.Equal(_history.Records.Count / (steps * Step.TotalSeconds), work.RecordsPerSecond!.Value, 3);
        Assert.Null(work.Problem);
        await using Database database = await LookAsync();
        await database.AssertAgreesAsync(_history);
    }

    [Fact]
    public async Task A_step_that_fails_is_a_problem_and_is_tried_again_less_and_less_often()
    {
        using TestLedger ledger = Ledger();
        ledger.Append();
        await using UnreachableStore store = new(_folder.Sub("projection"));
        ProjectionWork work = new(ledger.Ledger, store, 50, TimeProvider.System);
        List<double> backOffs = [];

        for (int i = 0; i < 9; i++)
        {
            Assert.Equal(NextStep.AfterBackOff, await work.StepAsync(default));
            Assert.Equal("Nobody is there.", work.Problem!.Message);
            Assert.Null(work.Position);
            backOffs.Add(work.BackOff.TotalSeconds);
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60], backOffs);

        store.Reachable = true;
        Assert.Equal(NextStep.Now, await work.StepAsync(default));
        Assert.Null(work.Problem);
        Assert.Equal(TimeSpan.Zero, work.BackOff);

        store.Reachable = false;
        await work.StepAsync(default);
        Assert.Equal(NextStep.AfterBackOff, await work.StepAsync(default));
    }

    [Fact]
    public async Task A_batch_during_which_records_came_is_followed_by_a_rest_as_long_as_it_took()
    {
        using TestLedger ledger = Ledger();
        ledger.Append(40);
        await using BusyStore store = new(_folder.Sub("projection"), () => ledger.Append(20));
        ProjectionWork work = new(ledger.Ledger, store, 10, new SteppedTime(Step));

        Assert.Equal(NextStep.Now, await work.StepAsync(default));
        Assert.Equal(Step, work.Rest);
        store.Meanwhile = () => { };
        Assert.Equal(NextStep.Now, await work.StepAsync(default));
        Assert.Equal(TimeSpan.Zero, work.Rest);
    }

    [Fact]
    public async Task A_projection_that_was_deleted_is_filled_anew()
    {
        using TestLedger ledger = Ledger();
        ledger.Append(100);
        await using SqliteProjectionStore store = Store();
        ProjectionWork work = new(ledger.Ledger, store, 1_000, TimeProvider.System);
        await work.StepAsync(default);
        Directory.Delete(_folder.Sub("projection"), recursive: true);
        ledger.Append();

        Assert.Equal(NextStep.WhenWoken, await work.StepAsync(default));

        Assert.Equal((ulong)_history.Records.Count, work.Position!.Sequence);
        await using Database database = await LookAsync();
        await database.AssertAgreesAsync(_history);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(60)]
    public async Task A_projection_of_another_ledger_is_a_problem_and_stays_as_it_is(int proposals)
    {
        await FillAsync(_history, 100);
        History other = History.OfProposals(proposals);
        other = History.Of(other.Records.Where(record => record.Submission is not null).Select(record => record.Submission! with { At = 1 }));
        using TestLedger ledger = new(_folder.Sub("other"), other);
        ledger.Append();
        await using SqliteProjectionStore store = Store();
        ProjectionWork work = new(ledger.Ledger, store, 1_000, TimeProvider.System);

        Assert.Equal(NextStep.AfterBackOff, await work.StepAsync(default));

        Assert.Contains("another ledger", Assert.IsType<ProjectionMismatchException>(work.Problem).Message, StringComparison.Ordinal);
        await using Database database = await LookAsync();
        Assert.Equal(100, await database.CountAsync("SELECT count(*) FROM records"));
    }

    [Fact]
    public async Task A_projection_ahead_of_the_ledger_waits_until_the_log_is_replayed()
    {
        await FillAsync(_history, 100);
        using TestLedger ledger = Ledger();
        ledger.Append(60);
        await using SqliteProjectionStore store = Store();
        ProjectionWork work = new(ledger.Ledger, store, 1_000, TimeProvider.System);

        Assert.Equal(NextStep.WhenWoken, await work.StepAsync(default));
        Assert.Equal(100UL, work.Position!.Sequence);
        ledger.Append();
        Assert.Equal(NextStep.WhenWoken, await work.StepAsync(default));

        await using Database database = await LookAsync();
        await database.AssertAgreesAsync(_history);
    }

    [Fact]
    public async Task A_projection_ahead_of_a_ledger_that_goes_on_otherwise_is_a_problem()
    {
        await FillAsync(_history, 100);
        History other = History.Of(_history.Records.Take(150).Select((record, i) => (record, i)).Where(one => one.record.Submission is not null)
            .Select(one => one.record.Submission! with { At = one.i < 80 ? one.record.Submission!.At : 1 }), factsInTerm: 100);
        using TestLedger ledger = new(_folder.Sub("other"), other);
        ledger.Append(60);
        await using SqliteProjectionStore store = Store();
        ProjectionWork work = new(ledger.Ledger, store, 1_000, TimeProvider.System);

        Assert.Equal(NextStep.WhenWoken, await work.StepAsync(default));
        ledger.Append();
        Assert.Equal(NextStep.AfterBackOff, await work.StepAsync(default));

        Assert.IsType<ProjectionMismatchException>(work.Problem);
    }

    [Fact]
    public async Task Tables_of_an_earlier_version_are_made_anew_and_those_of_a_later_one_are_left_alone()
    {
        await FillAsync(_history, 100);
        using TestLedger ledger = Ledger();
        ledger.Append();
        await SetVersionAsync(SqlTables.SchemaVersion + 1);
        await using (SqliteProjectionStore later = Store())
        {
            ProjectionWork work = new(ledger.Ledger, later, 1_000, TimeProvider.System);
            Assert.Equal(NextStep.AfterBackOff, await work.StepAsync(default));
            Assert.IsType<ProjectionVersionException>(work.Problem);
        }

        await SetVersionAsync(SqlTables.SchemaVersion - 1);
        await using SqliteProjectionStore earlier = Store();
        Assert.Equal(ProjectionPosition.Start, await earlier.OpenAsync(default));
    }

    [Fact]
    public async Task A_step_that_is_cancelled_writes_nothing()
    {
        using TestLedger ledger = Ledger();
        ledger.Append();
        await using SqliteProjectionStore store = Store();
        ProjectionWork work = new(ledger.Ledger, store, 50, TimeProvider.System);
        await work.StepAsync(default);
        using CancellationTokenSource stop = new();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work.StepAsync(stop.Token));

        await using Database database = await LookAsync();
        Assert.Equal(50, await database.CountAsync("SELECT count(*) FROM records"));
    }

    private TestLedger Ledger() => new(_folder.Sub("ledger"), _history);

    private SqliteProjectionStore Store() => new(_folder.Sub("projection"));

    private Task<Database> LookAsync() => Database.SqliteAsync(_folder.Sub("projection"));

    private async Task FillAsync(History history, int count)
    {
        await using SqliteProjectionStore store = Store();
        await store.ApplyAsync(await store.OpenAsync(default), [.. history.Records.Take(count)], default);
    }

    private async Task SetVersionAsync(int version)
    {
        await using Microsoft.Data.Sqlite.SqliteConnection connection = new(
            $"Data Source={Path.Combine(_folder.Sub("projection"), SqliteProjectionStore.FileName)};Pooling=False");
        await connection.OpenAsync();
        await using Microsoft.Data.Sqlite.SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"UPDATE projection_position SET schema_version = {version}";
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }

    private sealed class UnreachableStore(string folder) : SqliteProjectionStore(folder)
    {
        public bool Reachable { get; set; }

        public override bool IsThere => Reachable && base.IsThere;

        protected override Task<System.Data.Common.DbConnection> ConnectAsync(CancellationToken cancellationToken) =>
            Reachable ? base.ConnectAsync(cancellationToken) : throw new IOException("Nobody is there.");
    }

    private sealed class BusyStore(string folder, Action meanwhile) : SqliteProjectionStore(folder)
    {
        public Action Meanwhile { get; set; } = meanwhile;

        protected override Task BeforeCommitAsync(System.Data.Common.DbTransaction transaction)
        {
            Meanwhile();
            return Task.CompletedTask;
        }
    }
}
