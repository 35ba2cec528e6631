using System.Data;
using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace Converge.Swarm.Projection.Sql;

/// <summary>A projection in a schema of a PostgreSQL database.</summary>
internal class PostgreSqlProjectionStore : SqlProjectionStore
{
    private readonly NpgsqlDataSource _source;
    private readonly string _schema;

    /// <summary>A store in a schema, which is created unless it is there.</summary>
    /// <param name="connection">How to connect.</param>
    /// <param name="schema">A plain lower-case name.</param>
    /// <exception cref="ArgumentException">The connection string is not understood.</exception>
    public PostgreSqlProjectionStore(string connection, string schema)
    {
        _schema = schema;
        NpgsqlConnectionStringBuilder settings = new(connection)
        {
            SearchPath = schema,
            ApplicationName = "converge projection",
            MaxPoolSize = 1 + LedgerProjection.MaxConcurrentQueries,
        };

        // A crash of the database may take the last transactions, whole ones; they are projected again.
        settings.Options = $"{settings.Options} -c synchronous_commit=off".TrimStart();
        _source = new NpgsqlDataSourceBuilder(settings.ToString()).Build();
    }

    public override string Name => "postgresql";

    public override bool IsThere => true;

    protected override string Script { get; } = ResourceText("postgresql.sql");

    protected override string ForUpdate => " FOR UPDATE";

    public override async Task ClearAsync(CancellationToken cancellationToken)
    {
        await CloseAsync();
        await using NpgsqlConnection connection = await _source.OpenConnectionAsync(cancellationToken);
        await using DbTransaction transaction = await BeginAsync(connection, cancellationToken);
        await DropAsync(transaction, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _source.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected override async Task<DbConnection> ConnectAsync(CancellationToken cancellationToken) => await _source.OpenConnectionAsync(cancellationToken);

    protected override async Task<DbConnection> ConnectReaderAsync(CancellationToken cancellationToken) => await _source.OpenConnectionAsync(cancellationToken);

    protected override async Task<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellationToken) =>
        await connection.BeginTransactionAsync(cancellationToken);

    protected override async Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellationToken) =>
        await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);

    protected override async Task PrepareSchemaAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        // One at a time: two nodes that begin in one database must not make the same things.
        await ExecuteAsync(transaction, "SELECT pg_advisory_xact_lock(hashtext('converge projection'))", cancellationToken);

        // Whoever may not create schemas can be given one.
        if (await ScalarAsync(transaction, "SELECT count(*) FROM pg_namespace WHERE nspname = @schema", cancellationToken, ("schema", _schema)) is 0L)
        {
            // Quoted: a word of the language is a plain name, too.
            await ExecuteAsync(transaction, $"CREATE SCHEMA \"{_schema}\"", cancellationToken);
        }
    }

    protected override async Task<bool> HasTablesAsync(DbTransaction transaction, CancellationToken cancellationToken) =>
        await ScalarAsync(
            transaction,
            "SELECT count(*) FROM pg_tables WHERE schemaname = @schema AND tablename = @table",
            cancellationToken,
            ("schema", _schema),
            ("table", SqlTables.Position)) is > 0L;

    protected override async Task InsertAsync<TRow>(DbTransaction transaction, SqlTable<TRow> table, IReadOnlyList<TRow> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return;
        }

        await using NpgsqlCommand insert = (NpgsqlCommand)transaction.Connection!.CreateCommand();
        insert.Transaction = (NpgsqlTransaction)transaction;
        insert.CommandText = table.Insert($"SELECT * FROM unnest({string.Join(", ", table.Columns.Select(column => $"@{column.Name}"))})");
        foreach (SqlColumn<TRow> column in table.Columns)
        {
            insert.Parameters.Add(column.Type switch
            {
                SqlType.Number => Array(column, rows, NpgsqlDbType.Bigint, value => (long?)value),
                SqlType.Text => Array(column, rows, NpgsqlDbType.Text, value => (string?)value),
                SqlType.Flag => Array(column, rows, NpgsqlDbType.Boolean, value => (bool?)value),
                _ => throw new ArgumentOutOfRangeException(nameof(table), column.Type, "Not a type of column."),
            });
        }

        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    protected override async Task<IReadOnlyDictionary<string, ProposalRow>> LoadAsync(
        DbTransaction transaction, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand select = (NpgsqlCommand)transaction.Connection!.CreateCommand();
        select.Transaction = (NpgsqlTransaction)transaction;
        select.CommandText = $"{SelectProposals} WHERE proposal_id = ANY(@ids)";
        select.Parameters.Add(new NpgsqlParameter("ids", NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = ids.ToArray() });
        return await ReadProposalsAsync(select, ids.Count, cancellationToken);
    }

    private static NpgsqlParameter Array<TRow, TValue>(SqlColumn<TRow> column, IReadOnlyList<TRow> rows, NpgsqlDbType type, Func<object?, TValue> convert)
    {
        TValue[] values = new TValue[rows.Count];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = convert(column.Value(rows[i]));
        }

        return new NpgsqlParameter(column.Name, NpgsqlDbType.Array | type) { Value = values };
    }
}
