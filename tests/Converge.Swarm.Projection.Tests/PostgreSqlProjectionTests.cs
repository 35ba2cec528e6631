using Converge.Core;
using Converge.Swarm.Projection.Following;
using Converge.Swarm.Projection.Sql;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Converge.Swarm.Projection.Tests;

/// <summary>The contract of a store, on PostgreSQL; and what is special about a server.</summary>
public sealed class PostgreSqlProjectionTests(PostgreSqlServer server) : ProjectionStoreContract, IClassFixture<PostgreSqlServer>
{
    // The tests share a server; each has schemas of its own.
    private readonly string _prefix = $"t{Guid.NewGuid():N}"[..16];

    protected override int RandomHistories => 20;

    [PostgreSqlFact]
    public override void The_tables_say_what_the_governance_state_says_of_any_history_in_any_batches() =>
        base.The_tables_say_what_the_governance_state_says_of_any_history_in_any_batches();

    [PostgreSqlFact]
    public override Task The_tables_say_what_the_governance_state_says_of_the_sample() =>
        base.The_tables_say_what_the_governance_state_says_of_the_sample();

    [PostgreSqlFact]
    public override Task Batches_of_any_size_give_the_same_rows() => base.Batches_of_any_size_give_the_same_rows();

    [PostgreSqlFact]
    public override Task Opening_again_goes_on_where_the_rows_end() => base.Opening_again_goes_on_where_the_rows_end();

    [PostgreSqlFact]
    public override Task Records_that_are_in_already_are_not_written_again() => base.Records_that_are_in_already_are_not_written_again();

    [PostgreSqlFact]
    public override Task Two_writers_share_the_tables() => base.Two_writers_share_the_tables();

    [PostgreSqlFact]
    public override Task A_failure_before_the_commit_leaves_neither_rows_nor_position() =>
        base.A_failure_before_the_commit_leaves_neither_rows_nor_position();

    [PostgreSqlFact]
    public override Task Clearing_removes_everything() => base.Clearing_removes_everything();

    [PostgreSqlFact]
    public override Task Records_about_a_proposal_that_the_rows_lack_are_refused() => base.Records_about_a_proposal_that_the_rows_lack_are_refused();

    [PostgreSqlFact]
    public override Task Pages_in_a_row_give_every_proposal_once_in_the_order_of_creation() =>
        base.Pages_in_a_row_give_every_proposal_once_in_the_order_of_creation();

    [PostgreSqlFact]
    public override Task The_readable_log_has_every_fact_with_its_time() => base.The_readable_log_has_every_fact_with_its_time();

    [PostgreSqlFact]
    public async Task The_rows_are_those_that_SQLite_has()
    {
        using TemporaryFolder folder = new();
        History history = History.OfSample();
        await using IProjectionStore here = await CreateAsync("s");
        await using IProjectionStore there = new SqliteProjectionStore(folder.Path);
        await FillAsync(here, history.Records, 200);
        await FillAsync(there, history.Records, 200);

        await using Database postgreSql = await LookAsync("s");
        await using Database sqlite = await Database.SqliteAsync(folder.Path);
        Assert.Equal(await sqlite.DumpAsync(), await postgreSql.DumpAsync());
    }

    [PostgreSqlFact]
    public async Task A_word_of_the_language_names_a_schema_like_any_other()
    {
        await using PostgreSqlProjectionStore store = new(server.ConnectionString, "user");

        Assert.Equal(ProjectionPosition.Start, await store.OpenAsync(CancellationToken.None));
    }

    [PostgreSqlFact]
    public async Task Every_query_of_the_page_runs_here_too()
    {
        await using IProjectionStore store = await CreateAsync("s");
        await DocumentationTests.AssertQueriesFindSomethingAsync(store, () => LookAsync("s"));
    }

    [PostgreSqlFact]
    public async Task A_node_follows_its_ledger_here_answers_what_is_fresh_and_rebuilds()
    {
        using TemporaryFolder folder = new();
        History history = History.OfProposals(60);
        using TestLedger ledger = new(folder.Sub("ledger"), history);
        SwarmOptions options = new()
        {
            Cluster = "test",
            Node = new NodeId(1),
            DataFolder = folder.Path,
            Members = [],
            Projection = new ProjectionOptions { Store = ProjectionStore.PostgreSql, PostgreSql = server.ConnectionString, Schema = Schema("s"), BatchRecords = 50 },
        };
        await using (LedgerProjection projection = LedgerProjection.Follow(ledger.Ledger, options, NullLoggerFactory.Instance)!)
        {
            Task<ProposalPage> waiting = projection.ListAsync(new ProposalQuery { MinSequence = (ulong)history.Records.Count, Wait = TimeSpan.FromSeconds(60) });
            ledger.Append();
            projection.Wake();

            Assert.Equal((ulong)history.Records.Count, (await waiting).AsOfSequence);
            Assert.Equal(("postgresql", 0UL), (projection.Status.Store, projection.Status.RecordsBehind));
            Assert.True(projection.Status.RecordsPerSecond > 0);
        }

        await using Database database = await LookAsync("s");
        string followed = await database.DumpAsync();
        Assert.Equal((ulong)history.Records.Count, await LedgerProjection.RebuildAsync(ledger.Ledger, options, progress: null, default));
        Assert.Equal(followed, await database.DumpAsync());
    }

    [PostgreSqlFact]
    public async Task A_server_that_was_away_is_gone_on_with()
    {
        using TemporaryFolder folder = new();
        History history = History.OfProposals(60);
        using TestLedger ledger = new(folder.Sub("ledger"), history);
        ledger.Append(50);
        await using IProjectionStore store = await CreateAsync("s");
        ProjectionWork work = new(ledger.Ledger, store, 1_000, TimeProvider.System);
        Assert.Equal(NextStep.WhenWoken, await work.StepAsync(default));
        ledger.Append();

        await server.StopAsync();
        Assert.Equal(NextStep.AfterBackOff, await work.StepAsync(default));
        Assert.Equal(NextStep.AfterBackOff, await work.StepAsync(default));
        await server.StartAsync();
        Assert.Equal(NextStep.WhenWoken, await work.StepAsync(default));

        await using Database database = await LookAsync("s");
        await database.AssertAgreesAsync(history);
    }

    [PostgreSqlFact]
    public async Task What_else_is_in_the_schema_stays_when_the_projection_is_cleared()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(server.ConnectionString);
        await using (NpgsqlCommand create = source.CreateCommand($"CREATE SCHEMA {Schema("s")}; CREATE TABLE {Schema("s")}.mine (n bigint); INSERT INTO {Schema("s")}.mine VALUES (7)"))
        {
            await create.ExecuteNonQueryAsync();
        }

        await using IProjectionStore store = await CreateAsync("s");
        await FillAsync(store, History.OfProposals(5).Records, 1_000);
        await store.ClearAsync(default);

        await using Database database = await LookAsync("s");
        Assert.Equal(["7"], await database.RowsAsync("SELECT n FROM mine"));
    }

    private protected override Task<IProjectionStore> CreateAsync(string name) =>
        Task.FromResult<IProjectionStore>(new PostgreSqlProjectionStore(server.ConnectionString, Schema(name)));

    private protected override Task<IProjectionStore> CreateFailingAsync(string name) =>
        Task.FromResult<IProjectionStore>(new FailingBeforeCommit(server.ConnectionString, Schema(name)));

    private protected override async Task<Database> LookAsync(string name)
    {
        NpgsqlConnection connection = new($"{server.ConnectionString};Search Path={Schema(name)};Pooling=false");
        await connection.OpenAsync();
        return new Database(connection);
    }

    private string Schema(string name) => $"{_prefix}_{name}";

    private sealed class FailingBeforeCommit(string connection, string schema) : PostgreSqlProjectionStore(connection, schema)
    {
        private int _calls;

        protected override Task BeforeCommitAsync(System.Data.Common.DbTransaction transaction) =>
            ++_calls % 2 == 1 ? throw new IOException("The disk failed.") : Task.CompletedTask;
    }
}
