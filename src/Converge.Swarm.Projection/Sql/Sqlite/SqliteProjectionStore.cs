using System.Data;
using System.Data.Common;
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
    private readonly Dictionary<string, SqliteCommand> _inserts = new(StringComparer.Ordinal);
    private SqliteCommand? _select;

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
        File.Delete(_file);
        DeleteCompanions();
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
        if (!_inserts.TryGetValue(table.Name, out SqliteCommand? insert))
        {
            insert = ((SqliteConnection)transaction.Connection!).CreateCommand();
            insert.CommandText = table.Insert($"VALUES ({string.Join(", ", table.Columns.Select(column => $"@{column.Name}"))})");
            foreach (SqlColumn<TRow> column in table.Columns)
            {
                insert.Parameters.Add($"@{column.Name}", column.Type == SqlType.Text ? SqliteType.Text : SqliteType.Integer);
            }

            _inserts.Add(table.Name, insert);
        }

        insert.Transaction = (SqliteTransaction)transaction;
        foreach (TRow row in rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int i = 0; i < table.Columns.Length; i++)
            {
                insert.Parameters[i].Value = table.Columns[i].Value(row) ?? DBNull.Value;
            }

            insert.ExecuteNonQuery();
        }

        return Task.CompletedTask;
    }

    protected override Task<IReadOnlyDictionary<string, ProposalRow>> LoadAsync(
        DbTransaction transaction, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        if (_select is null)
        {
            _select = ((SqliteConnection)transaction.Connection!).CreateCommand();
            _select.CommandText = $"{SelectProposals} WHERE proposal_id = @id";
            _select.Parameters.Add("@id", SqliteType.Text);
        }

        _select.Transaction = (SqliteTransaction)transaction;
        Dictionary<string, ProposalRow> known = new(ids.Count, StringComparer.Ordinal);
        foreach (string id in ids)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _select.Parameters[0].Value = id;
            using SqliteDataReader row = _select.ExecuteReader();
            if (row.Read())
            {
                known.Add(id, ReadProposal(row));
            }
        }

        return Task.FromResult<IReadOnlyDictionary<string, ProposalRow>>(known);
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
        foreach (SqliteCommand insert in _inserts.Values)
        {
            insert.Dispose();
        }

        _inserts.Clear();
        _select?.Dispose();
        _select = null;
    }
}
