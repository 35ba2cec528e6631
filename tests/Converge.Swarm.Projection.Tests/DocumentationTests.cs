using System.Text.RegularExpressions;
using Converge.Core;
using Converge.Swarm.Projection.Sql;
using Converge.Swarm.Tests;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Projection.Tests;

/// <summary>What <c>docs/projection.md</c> promises.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Page = File.ReadAllText(RepositoryFiles.Find("docs", "projection.md"));

    /// <summary>Fills a store and asks it every question of the page.</summary>
    internal static async Task AssertQueriesFindSomethingAsync(IProjectionStore store, Func<Task<Database>> look)
    {
        // The sample ends with nothing held up, and with no failure set aside under an approval, and nobody approves their own.
        History history = History.OfSample(
            new ProposalCreated("held-up", "author://ann"),
            new ValidationFailed("held-up", "validator://tests", "red"),
            new ProposalCreated("set-aside", "author://ann"),
            new ValidationFailed("set-aside", "validator://tests", "red"),
            new OverrideGranted("set-aside", "grantor://eve", "a known flake"),
            new PromotionApproved("set-aside", "author://ann"));
        await store.ApplyAsync(await store.OpenAsync(default), history.Records, default);
        await using Database database = await look();
        string[] queries = [.. Query().Matches(Page).Select(match => match.Groups["query"].Value)];

        Assert.True(queries.Length > 5);
        foreach (string query in queries)
        {
            List<string> rows = await database.RowsAsync(query);
            Assert.True(rows.Count > 0 != query.Contains("previous_hash", StringComparison.Ordinal), $"{query} gave {rows.Count} rows.");
        }
    }

    [Fact]
    public async Task Every_query_of_the_page_runs_and_finds_something_in_the_sample()
    {
        using TemporaryFolder folder = new();
        await using SqliteProjectionStore store = new(folder.Path);
        await AssertQueriesFindSomethingAsync(store, () => Database.SqliteAsync(folder.Path));
    }

    [Fact]
    public async Task Every_column_is_on_the_page()
    {
        using TemporaryFolder folder = new();
        await using SqliteProjectionStore store = new(folder.Path);
        await store.OpenAsync(default);
        await using Database database = await Database.SqliteAsync(folder.Path);
        foreach (string table in await database.RowsAsync("SELECT name FROM sqlite_schema WHERE type = 'table'"))
        {
            int heading = Page.IndexOf($"### `{table}`", StringComparison.Ordinal);
            Assert.True(heading >= 0, $"{table} has no heading.");
            int end = Page.IndexOf("\n##", heading + 1, StringComparison.Ordinal);
            foreach (string column in await database.RowsAsync($"SELECT name FROM pragma_table_info('{table}') WHERE name <> 'only_row'"))
            {
                Assert.True(Page[heading..end].Contains($"`{column}`", StringComparison.Ordinal), $"{table}.{column} is not explained.");
            }
        }
    }

    [Fact]
    public async Task An_auditor_reads_while_the_projection_is_written()
    {
        using TemporaryFolder folder = new();
        History history = History.OfProposals(60);
        await using SqliteProjectionStore store = new(folder.Path);
        ProjectionPosition at = await store.OpenAsync(default);
        at = await store.ApplyAsync(at, [.. history.Records.Take(50)], default);
        await using SqliteConnection auditor = new($"Data Source={Path.Combine(folder.Path, SqliteProjectionStore.FileName)};Mode=ReadOnly;Pooling=False");
        await auditor.OpenAsync();
        await using SqliteTransaction reading = auditor.BeginTransaction(deferred: true);
        await using SqliteCommand count = new("SELECT count(*) FROM records", auditor, reading);
        Assert.Equal(50L, await count.ExecuteScalarAsync());

        await store.ApplyAsync(at, [.. history.Records.Skip(50)], default);

        Assert.Equal(50L, await count.ExecuteScalarAsync());
    }

    [GeneratedRegex("```sql\n(?<query>.*?)\n```", RegexOptions.Singleline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Query();
}
