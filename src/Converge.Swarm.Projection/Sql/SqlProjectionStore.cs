using System.Collections.Frozen;
using System.Data.Common;
using Converge.Core;

namespace Converge.Swarm.Projection.Sql;

/// <summary>What both databases have in common: the order of the statements, and the transaction around them.</summary>
internal abstract class SqlProjectionStore : IProjectionStore
{
    private DbConnection? _writer;

    public abstract string Name { get; }

    public abstract bool IsThere { get; }

    private DbConnection Writer => _writer ?? throw new InvalidOperationException("The projection is not open.");

    public async Task<ProjectionPosition> OpenAsync(CancellationToken cancellationToken)
    {
        _writer = await ConnectAsync(cancellationToken);
        await using DbTransaction transaction = await BeginAsync(_writer, cancellationToken);
        await PrepareSchemaAsync(transaction, cancellationToken);
        if (await HasTablesAsync(transaction, cancellationToken))
        {
            int version = await VersionAsync(transaction, cancellationToken);
            if (version > SqlTables.SchemaVersion)
            {
                throw new ProjectionVersionException($"Its tables are those of version {version}; this program knows version {SqlTables.SchemaVersion}.");
            }

            if (version < SqlTables.SchemaVersion)
            {
                await DropAsync(transaction, cancellationToken);
                await CreateAsync(transaction, cancellationToken);
            }
        }
        else
        {
            await CreateAsync(transaction, cancellationToken);
        }

        ProjectionPosition position = await PositionAsync(transaction, forUpdate: false, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return position;
    }

    public async Task<ProjectionPosition> ApplyAsync(ProjectionPosition from, IReadOnlyList<LedgerRecord> records, CancellationToken cancellationToken)
    {
        await using DbTransaction transaction = await BeginAsync(Writer, cancellationToken);
        ProjectionPosition there = await PositionAsync(transaction, forUpdate: true, cancellationToken);
        if (there != from)
        {
            return there;
        }

        IReadOnlyCollection<string> ids = Projector.ProposalsIn(records);
        IReadOnlyDictionary<string, ProposalRow> known = ids.Count == 0
            ? FrozenDictionary<string, ProposalRow>.Empty
            : await LoadAsync(transaction, ids, cancellationToken);
        ProjectionChanges changes = Projector.Project(records, known);
        await InsertAsync(transaction, SqlTables.Records, changes.Records, cancellationToken);
        await InsertAsync(transaction, SqlTables.Facts, changes.Facts, cancellationToken);
        await InsertAsync(transaction, SqlTables.Authority, changes.Authorities, cancellationToken);
        await InsertAsync(transaction, SqlTables.Membership, changes.Membership, cancellationToken);
        await InsertAsync(transaction, SqlTables.MembersAfter, changes.MembersAfter, cancellationToken);
        await InsertAsync(transaction, SqlTables.Proposals, changes.Proposals, cancellationToken);
        await InsertAsync(transaction, SqlTables.Validators, changes.Validators, cancellationToken);
        await InsertAsync(transaction, SqlTables.Decisions, changes.Decisions, cancellationToken);
        foreach (ChangedOverride changed in changes.Overrides)
        {
            await ExecuteAsync(
                transaction,
                "UPDATE validators SET overridden = (NOT passed AND sequence < @before) WHERE proposal_id = @proposal",
                cancellationToken,
                ("before", checked((long)(changed.OverrideSequence ?? 0))),
                ("proposal", changed.ProposalId));
        }

        foreach (EndedDecisions ended in changes.Ended)
        {
            await ExecuteAsync(
                transaction,
                "UPDATE decisions SET ended_by = @by WHERE proposal_id = @proposal AND kind = @kind AND sequence < @by AND ended_by IS NULL",
                cancellationToken,
                ("by", checked((long)ended.EndedBy)),
                ("proposal", ended.ProposalId),
                ("kind", ended.Kind.Name()));
        }

        await ExecuteAsync(
            transaction,
            $"UPDATE {SqlTables.Position} SET sequence = @sequence, hash = @hash",
            cancellationToken,
            ("sequence", checked((long)changes.Position.Sequence)),
            ("hash", changes.Position.Hash));
        await BeforeCommitAsync(transaction);
        await transaction.CommitAsync(cancellationToken);
        return changes.Position;
    }

    public async Task<string?> HashOfAsync(ulong sequence, CancellationToken cancellationToken)
    {
        await using DbTransaction transaction = await BeginReadAsync(Writer, cancellationToken);
        return await ScalarAsync(
            transaction, "SELECT hash FROM records WHERE sequence = @sequence", cancellationToken, ("sequence", checked((long)sequence))) as string;
    }

    public async Task CloseAsync()
    {
        DbConnection? writer = _writer;
        _writer = null;
        if (writer is not null)
        {
            try
            {
                await writer.DisposeAsync();
            }
            catch (Exception fault) when (fault is DbException or IOException or InvalidOperationException)
            {
                // It is let go of because something went wrong with it.
            }
        }
    }

    public abstract Task ClearAsync(CancellationToken cancellationToken);

    public async Task<ProposalPage> ListAsync(ProposalQuery query, CancellationToken cancellationToken)
    {
        await using DbConnection reader = await ConnectReaderAsync(cancellationToken);

        // One snapshot for the page and for what it is as of.
        await using DbTransaction transaction = await BeginReadAsync(reader, cancellationToken);
        ProjectionPosition position = await PositionAsync(transaction, forUpdate: false, cancellationToken);
        List<ProposalSummary> proposals = [];
        await using DbCommand command = Command(
            transaction,
            $"""
            SELECT proposal_id, status, revision, author, title, content_hash, decided_by, created_sequence, last_sequence, created_at_ms, last_at_ms
            FROM proposals
            WHERE created_sequence > @after{(query.Status is null ? "" : " AND status = @status")}
            ORDER BY created_sequence
            LIMIT @limit
            """,
            ("after", checked((long)query.AfterCreated)),
            ("limit", query.Limit + 1L));
        if (query.Status is { } status)
        {
            Add(command, "status", status.Name());
        }

        await using DbDataReader rows = await command.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            proposals.Add(new ProposalSummary(
                rows.GetString(0),
                StatusOf(rows.GetString(1)),
                (ulong)rows.GetInt64(2),
                rows.GetString(3),
                TextOrNull(rows, 4),
                TextOrNull(rows, 5),
                TextOrNull(rows, 6),
                (ulong)rows.GetInt64(7),
                (ulong)rows.GetInt64(8),
                rows.GetInt64(9),
                rows.GetInt64(10)));
        }

        bool hasMore = proposals.Count > query.Limit;
        return new ProposalPage(hasMore ? proposals[..query.Limit] : proposals, hasMore, position.Sequence);
    }

    public virtual async ValueTask DisposeAsync() => await CloseAsync();

    /// <summary>The writer's connection.</summary>
    protected abstract Task<DbConnection> ConnectAsync(CancellationToken cancellationToken);

    /// <summary>A connection for one query.</summary>
    protected abstract Task<DbConnection> ConnectReaderAsync(CancellationToken cancellationToken);

    /// <summary>A transaction of the writer.</summary>
    protected abstract Task<DbTransaction> BeginAsync(DbConnection connection, CancellationToken cancellationToken);

    /// <summary>A transaction that reads everything as of one moment.</summary>
    protected abstract Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellationToken);

    /// <summary>Whatever must be there before tables can be.</summary>
    protected abstract Task PrepareSchemaAsync(DbTransaction transaction, CancellationToken cancellationToken);

    /// <summary>Whether the tables are there.</summary>
    protected abstract Task<bool> HasTablesAsync(DbTransaction transaction, CancellationToken cancellationToken);

    /// <summary>The script that makes the tables.</summary>
    protected abstract string Script { get; }

    /// <summary>Added to the statement that reads the position, so that nobody else writes until the transaction ends.</summary>
    protected abstract string ForUpdate { get; }

    /// <summary>Inserts or replaces rows.</summary>
    protected abstract Task InsertAsync<TRow>(DbTransaction transaction, SqlTable<TRow> table, IReadOnlyList<TRow> rows, CancellationToken cancellationToken);

    /// <summary>The proposals of these ids that are there.</summary>
    protected abstract Task<IReadOnlyDictionary<string, ProposalRow>> LoadAsync(
        DbTransaction transaction, IReadOnlyCollection<string> ids, CancellationToken cancellationToken);

    /// <summary>The last moment at which all of a batch can still be lost.</summary>
    protected virtual Task BeforeCommitAsync(DbTransaction transaction) => Task.CompletedTask;

    /// <summary>Reads proposals that were asked for by <see cref="SelectProposals"/>.</summary>
    protected static async Task<IReadOnlyDictionary<string, ProposalRow>> ReadProposalsAsync(DbCommand select, int most, CancellationToken cancellationToken)
    {
        Dictionary<string, ProposalRow> known = new(most, StringComparer.Ordinal);
        await using DbDataReader rows = await select.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            ProposalRow row = ReadProposal(rows);
            known.Add(row.ProposalId, row);
        }

        return known;
    }

    private static ProposalRow ReadProposal(DbDataReader row) => new()
    {
        CreatedSequence = (ulong)row.GetInt64(0),
        ProposalId = row.GetString(1),
        Status = StatusOf(row.GetString(2)),
        Revision = (ulong)row.GetInt64(3),
        Author = row.GetString(4),
        Title = TextOrNull(row, 5),
        ContentHash = TextOrNull(row, 6),
        DecidedBy = TextOrNull(row, 7),
        DecidedSequence = NumberOrNull(row, 8),
        OverrideSequence = NumberOrNull(row, 9),
        LastSequence = (ulong)row.GetInt64(10),
        CreatedAtMilliseconds = row.GetInt64(11),
        LastAtMilliseconds = row.GetInt64(12),
    };

    /// <summary>Selects all columns of proposals, in the order of <see cref="SqlTables.Proposals"/>.</summary>
    protected static string SelectProposals { get; } =
        $"SELECT {string.Join(", ", SqlTables.Proposals.Columns.Select(column => column.Name))} FROM {SqlTables.Proposals.Name}";

    protected static async Task DropAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        await ExecuteAsync(transaction, $"DROP VIEW IF EXISTS {SqlTables.View}", cancellationToken);
        foreach (string table in SqlTables.Names)
        {
            await ExecuteAsync(transaction, $"DROP TABLE IF EXISTS {table}", cancellationToken);
        }
    }

    protected static async Task<object?> ScalarAsync(DbTransaction transaction, string sql, CancellationToken cancellationToken, params (string Name, object Value)[] parameters)
    {
        await using DbCommand command = Command(transaction, sql, parameters);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    protected static async Task ExecuteAsync(DbTransaction transaction, string sql, CancellationToken cancellationToken, params (string Name, object Value)[] parameters)
    {
        await using DbCommand command = Command(transaction, sql, parameters);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    protected static string ResourceText(string name)
    {
        using Stream stream = typeof(SqlProjectionStore).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The program lacks its script {name}.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private static ProposalStatus StatusOf(string name) =>
        CodeNames.ParseProposalStatus(name) ?? throw new ProjectionMismatchException($"'{name}' is not the status of a proposal.");

    private static string? TextOrNull(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static ulong? NumberOrNull(DbDataReader row, int column) => row.IsDBNull(column) ? null : (ulong)row.GetInt64(column);

    private static DbCommand Command(DbTransaction transaction, string sql, params (string Name, object Value)[] parameters)
    {
        DbCommand command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach ((string name, object value) in parameters)
        {
            Add(command, name, value);
        }

        return command;
    }

    private static void Add(DbCommand command, string name, object value)
    {
        DbParameter parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.Value = value;
        command.Parameters.Add(parameter);
    }

    private static async Task<int> VersionAsync(DbTransaction transaction, CancellationToken cancellationToken) =>
        await ScalarAsync(transaction, $"SELECT schema_version FROM {SqlTables.Position}", cancellationToken) is long version
            ? checked((int)version)
            : throw new ProjectionMismatchException("It does not say which version its tables are of.");

    private async Task CreateAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        await ExecuteAsync(transaction, Script, cancellationToken);
        await ExecuteAsync(
            transaction,
            $"INSERT INTO {SqlTables.Position} (only_row, schema_version, sequence, hash) VALUES (1, @version, 0, @hash)",
            cancellationToken,
            ("version", (long)SqlTables.SchemaVersion),
            ("hash", ProjectionPosition.Start.Hash));
    }

    private async Task<ProjectionPosition> PositionAsync(DbTransaction transaction, bool forUpdate, CancellationToken cancellationToken)
    {
        await using DbCommand command = Command(transaction, $"SELECT sequence, hash FROM {SqlTables.Position}{(forUpdate ? ForUpdate : "")}");
        await using DbDataReader row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new ProjectionPosition((ulong)row.GetInt64(0), row.GetString(1))
            : throw new ProjectionMismatchException("It does not say how far it is filled.");
    }
}
