using System.Data.Common;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Projection.Sql;

/// <summary>A projection in one SQLite file, in WAL mode: readers never wait for the writer, nor the writer for them.</summary>
internal class SqliteProjectionStore : SqlProjectionStore
{
    /// <summary>The file in its folder.</summary>
    public const string FileName = "projection.db";

    private static readonly string[] Companions = ["-wal", "-shm", "-journal"];

    private readonly string _folder;
    private readonly string _file;
    private readonly Dictionary<string, SqliteInsert> _inserts = new(StringComparer.Ordinal);

    /// <summary>A store in a folder, which is created unless it is there.</summary>
    public SqliteProjectionStore(string folder)
    {
        _folder = folder;
        _file = Path.Combine(folder, FileName);
    }

    public override string Name => "sqlite";

    public override bool IsThere => File.Exists(_file);

    protected override string Script { get; } = ResourceText("sqlite.sql");

    // The writer's transactions lock the file from their beginning.
    protected override string ForUpdate => "";

    public override async Task ClearAsync(CancellationToken cancellationToken)
    {
        await CloseAsync();
        if (Directory.Exists(_folder))
        {
            File.Delete(_file);
            DeleteCompanions();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        Forget();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected override async Task<DbConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        Forget();
        Directory.CreateDirectory(_folder);
        if (!IsThere)
        {
            // The log of a file that was deleted would be replayed into the new one.
            DeleteCompanions();
        }

        SqliteConnection connection = new(ConnectionString(SqliteOpenMode.ReadWriteCreate));
        try
        {
            await connection.OpenAsync(cancellationToken);
            await using SqliteCommand command = connection.CreateCommand();

            // NORMAL: a power cut may take the last transactions, whole ones; they are projected again. The log file is kept small.
            command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384;";
            await command.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    protected override async Task<DbConnection> ConnectReaderAsync(CancellationToken cancellationToken)
    {
        SqliteConnection connection = new(ConnectionString(SqliteOpenMode.ReadOnly));
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    protected override Task<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<DbTransaction>(((SqliteConnection)connection).BeginTransaction(deferred: false));

    protected override Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<DbTransaction>(((SqliteConnection)connection).BeginTransaction(deferred: true));

    protected override Task PrepareSchemaAsync(DbTransaction transaction, CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task<bool> HasTablesAsync(DbTransaction transaction, CancellationToken cancellationToken) =>
        await ScalarAsync(transaction, $"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '{SqlTables.Position}'", cancellationToken) is > 0L;

    protected override Task InsertAsync<TRow>(DbTransaction transaction, SqlTable<TRow> table, IReadOnlyList<TRow> rows, CancellationToken cancellationToken)
    {
        if (!_inserts.TryGetValue(table.Name, out SqliteInsert? insert))
        {
            string places = string.Join(", ", Enumerable.Repeat("?", table.Columns.Length));
            insert = new SqliteInsert((SqliteConnection)transaction.Connection!, table.Insert($"VALUES ({places})"));
            _inserts.Add(table.Name, insert);
        }

        foreach (TRow row in rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int i = 0; i < table.Columns.Length; i++)
            {
                insert.Bind(i + 1, table.Columns[i].Value(row));
            }

            insert.Execute();
        }

        return Task.CompletedTask;
    }

    protected override async Task<IReadOnlyDictionary<string, ProposalRow>> LoadAsync(
        DbTransaction transaction, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        await using DbCommand select = transaction.Connection!.CreateCommand();
        select.Transaction = transaction;
        select.CommandText = $"{SelectProposals} WHERE proposal_id IN (SELECT value FROM json_each(@ids))";
        select.Parameters.Add(new SqliteParameter("@ids", JsonSerializer.Serialize(ids)));
        return await ReadProposalsAsync(select, ids.Count, cancellationToken);
    }

    // Not pooled: a pooled connection would outlive a file that is deleted to be filled anew.
    private string ConnectionString(SqliteOpenMode mode) =>
        new SqliteConnectionStringBuilder { DataSource = _file, Mode = mode, Pooling = false, DefaultTimeout = 10 }.ToString();

    private void DeleteCompanions()
    {
        foreach (string companion in Companions)
        {
            File.Delete(_file + companion);
        }
    }

    private void Forget()
    {
        foreach (SqliteInsert insert in _inserts.Values)
        {
            insert.Dispose();
        }

        _inserts.Clear();
    }
}
