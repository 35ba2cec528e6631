using Akka.Configuration;
using Akka.Persistence.Sql;
using Akka.Persistence.Sql.Config;
using Akka.Persistence.Sql.Db;
using Akka.Persistence.Sql.Journal.Types;
using LinqToDB.Data;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Akka.Journal;

/// <summary>
/// Sees to it that what the SQLite journal confirms is on disk. WAL is a property of the file and set once; how a commit is flushed is one
/// of each connection, so it is looked up on a connection made as the plugin makes its own.
/// </summary>
internal static class JournalDurability
{
    private const long Full = 2;
    private const long Extra = 3;

    /// <summary>Prepares the journal's file and checks a connection.</summary>
    /// <param name="plugin">The plugin's configuration.</param>
    /// <exception cref="JournalNotDurableException">A confirmed write would not be on disk.</exception>
    public static void Require(Config plugin)
    {
        var config = new JournalConfig(plugin.WithFallback(SqlPersistence.DefaultJournalConfiguration));
        try
        {
            using (var file = new SqliteConnection(config.ConnectionString))
            {
                file.Open();
                using SqliteCommand command = file.CreateCommand();
                command.CommandText = "PRAGMA journal_mode = WAL";
                _ = command.ExecuteScalar();
            }

            using AkkaDataConnection own = new AkkaPersistenceDataConnectionFactory(config).GetConnection();
            var connection = (DataConnection)own.GetTable<JournalRow>().DataContext;
            Require(config.ConnectionString, connection.Execute<string>("PRAGMA journal_mode"), connection.Execute<long>("PRAGMA synchronous"));
        }
        catch (Exception e) when (e is SqliteException or ArgumentException)
        {
            throw new JournalNotDurableException(config.ConnectionString, $"it cannot be opened ({e.Message})", e);
        }
    }

    /// <summary>Judges what a connection says of itself.</summary>
    /// <exception cref="JournalNotDurableException">That would not do.</exception>
    public static void Require(string connectionString, string journalMode, long synchronous)
    {
        if (!string.Equals(journalMode, "wal", StringComparison.OrdinalIgnoreCase))
        {
            throw new JournalNotDurableException(connectionString, $"its journal_mode is '{journalMode}', not 'wal'");
        }

        if (synchronous is not (Full or Extra))
        {
            throw new JournalNotDurableException(connectionString, $"its connections have synchronous = {synchronous}; 2 (FULL) or 3 (EXTRA) is needed");
        }
    }
}
