using System.Data.Common;
using System.Globalization;
using Converge.Core;
using Converge.Swarm.Projection.Sql;
using Microsoft.Data.Sqlite;

namespace Converge.Swarm.Projection.Tests;

/// <summary>Looks into the tables of a projection as an auditor would.</summary>
internal sealed class Database(DbConnection connection) : IAsyncDisposable
{
    public static async Task<Database> SqliteAsync(string folder)
    {
        SqliteConnection connection = new($"Data Source={Path.Combine(folder, SqliteProjectionStore.FileName)};Mode=ReadOnly;Pooling=False");
        await connection.OpenAsync();
        return new Database(connection);
    }

    /// <summary>All rows of a query, their cells as text.</summary>
    public async Task<List<string>> RowsAsync(string sql)
    {
        await using DbCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await using DbDataReader reader = await command.ExecuteReaderAsync();
        List<string> rows = [];
        while (await reader.ReadAsync())
        {
            rows.Add(string.Join("|", Enumerable.Range(0, reader.FieldCount).Select(i => Text(reader, i))));
        }

        return rows;
    }

    public async Task<long> CountAsync(string sql) => long.Parse(Assert.Single(await RowsAsync(sql)), CultureInfo.InvariantCulture);

    /// <summary>Every row of every table, in an order that does not depend on how they came there.</summary>
    public async Task<string> DumpAsync()
    {
        List<string> all = [];
        foreach ((string table, string order) in new[]
        {
            ("projection_position", "sequence"), ("records", "sequence"), ("facts", "sequence"), ("authority", "sequence"),
            ("membership", "sequence, place"), ("members_after", "sequence, node"),
            ("proposals", "created_sequence"), ("validators", "sequence"), ("decisions", "sequence"),
        })
        {
            all.Add(table);
            all.AddRange(await RowsAsync($"SELECT * FROM {table} ORDER BY {order}"));
        }

        return string.Join("\n", all);
    }

    /// <summary>Asserts that the tables say of every proposal what the governance state says, and hold every record.</summary>
    public async Task AssertAgreesAsync(History history)
    {
        await AssertAgreesAsync(history, history.ProposalIds);
        Assert.Equal(history.Records.Count, await CountAsync("SELECT count(*) FROM records"));
        Assert.Equal(history.Records.Count(record => record.Kind == RecordKind.Fact), await CountAsync("SELECT count(*) FROM facts"));
        Assert.Equal(history.Records.Count(record => record.Kind == RecordKind.Authority), await CountAsync("SELECT count(*) FROM authority"));
        Assert.Equal(
            history.Records.Where(record => record.Membership is not null).SelectMany(record => record.Membership!.Steps.Select((step, i) =>
                $"{record.Sequence}|{i + 1}|{step.Kind.Name()}|{step.Node}|{step.Role?.Name()}|{step.Peer}|{step.Http}|{record.TimeUnixMilliseconds}")),
            await RowsAsync("SELECT sequence, place, step, node, role, peer, http, committed_at_ms FROM membership ORDER BY sequence, place"));

        // Before the first change nobody is told: the founders stand in no record.
        bool changed = history.Records.Any(record => record.Membership is not null);
        Assert.Equal(
            history.State.Members.Members.Where(_ => changed).Select(member => $"{member.Id}|{(history.State.Members.Configuration.IsVoter(member.Id) ? "voter" : "learner")}"),
            await RowsAsync("SELECT node, role FROM members_after WHERE sequence = (SELECT max(sequence) FROM members_after) ORDER BY node"));
        Assert.Equal((long)history.State.ProposalCount, await CountAsync("SELECT count(*) FROM proposals"));
        Assert.Equal(
            history.Records.Select(record => $"{record.Sequence}|{record.PreviousHash}|{record.Hash}"),
            await RowsAsync("SELECT sequence, previous_hash, hash FROM records ORDER BY sequence"));

        // A decision stands exactly where a proposal says so.
        Assert.Equal(
            await RowsAsync("SELECT proposal_id, decided_sequence FROM proposals WHERE decided_sequence IS NOT NULL ORDER BY created_sequence"),
            await RowsAsync(
                """
                SELECT proposal_id, max(decisions.sequence) FROM decisions JOIN proposals USING (proposal_id)
                WHERE ended_by IS NULL AND kind IN ('promotion_approved', 'promotion_rejected')
                GROUP BY proposal_id, created_sequence ORDER BY created_sequence
                """));
        Assert.Equal(
            await RowsAsync("SELECT override_sequence FROM proposals WHERE override_sequence IS NOT NULL ORDER BY override_sequence"),
            await RowsAsync("SELECT sequence FROM decisions WHERE kind = 'override_granted' AND ended_by IS NULL ORDER BY sequence"));
    }

    private async Task AssertAgreesAsync(History history, IReadOnlyCollection<string> ids)
    {
        Dictionary<string, string> proposals = (await RowsAsync(
            "SELECT proposal_id, status, revision, author, title, content_hash, decided_by, created_sequence, last_sequence FROM proposals"))
            .ToDictionary(row => row[..row.IndexOf('|', StringComparison.Ordinal)], StringComparer.Ordinal);
        ILookup<string, string> validators = (await RowsAsync(
            "SELECT proposal_id, validator, passed, overridden, sequence FROM validators"))
            .ToLookup(row => row[..row.IndexOf('|', StringComparison.Ordinal)], StringComparer.Ordinal);
        foreach (string id in ids)
        {
            ProposalView? view = history.State.Get(id);
            string? expected = view is null ? null : string.Join(
                "|",
                id, view.Status.Name(), view.Revision, view.Author, view.Title, view.ContentHash, view.DecidedBy, view.CreatedSequence, view.LastSequence);
            Assert.Equal(expected, proposals.GetValueOrDefault(id));
            Assert.Equal(
                (view?.Validators ?? []).Select(one => $"{id}|{one.Validator}|{Flag(one.Passed)}|{Flag(one.Overridden)}|{one.Sequence}").Order(StringComparer.Ordinal),
                validators[id].Order(StringComparer.Ordinal));
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static string Flag(bool flag) => flag ? "1" : "0";

    private static string Text(DbDataReader reader, int column) => reader.IsDBNull(column) ? "" : reader.GetValue(column) switch
    {
        bool flag => Flag(flag),
        DateTime time => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
        object other => other.ToString()!,
    };
}
