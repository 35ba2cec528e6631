using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Converge.Swarm.Projection.Sql;

/// <summary>
/// One prepared statement that writes row after row. The driver's commands look up every parameter by name for every row, which costs
/// more than SQLite's own work; here they are bound by place.
/// </summary>
internal sealed class SqliteInsert : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <summary>Prepares a statement.</summary>
    /// <exception cref="SqliteException">It cannot be prepared.</exception>
    public SqliteInsert(SqliteConnection connection, string sql)
    {
        _database = connection.Handle ?? throw new InvalidOperationException("The connection is closed.");
        Check(raw.sqlite3_prepare_v2(_database, sql, out _statement));
    }

    /// <summary>Binds a value to the parameter of a place, from 1.</summary>
    /// <exception cref="SqliteException">It is too large.</exception>
    public void Bind(int place, object? value) => Check(value switch
    {
        null => raw.sqlite3_bind_null(_statement, place),
        long number => raw.sqlite3_bind_int64(_statement, place, number),
        string text => raw.sqlite3_bind_text(_statement, place, text),
        bool flag => raw.sqlite3_bind_int(_statement, place, flag ? 1 : 0),
        _ => throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A column does not hold a {value.GetType().Name}."), nameof(value)),
    });

    /// <summary>Writes the row.</summary>
    /// <exception cref="SqliteException">The database refused it or failed.</exception>
    public void Execute()
    {
        int result = raw.sqlite3_step(_statement);
        raw.sqlite3_reset(_statement);
        if (result != raw.SQLITE_DONE)
        {
            Check(result);
        }
    }

    /// <summary>Lets go of the statement.</summary>
    public void Dispose() => _statement.Dispose();

    private void Check(int result) => SqliteException.ThrowExceptionForRC(result, _database);
}
