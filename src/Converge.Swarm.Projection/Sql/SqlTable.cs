using System.Collections.Immutable;
using Converge.Core;

namespace Converge.Swarm.Projection.Sql;

/// <summary>What a column holds. Either database has a type for each.</summary>
internal enum SqlType
{
    Number,
    Text,
    Flag,
}

/// <summary>A column and where its value comes from; null for SQL's null.</summary>
internal sealed record SqlColumn<TRow>(string Name, SqlType Type, Func<TRow, object?> Value)
{
    /// <summary>The same in every version of a row: left alone when the row is replaced.</summary>
    public bool Fixed { get; init; }
}

/// <summary>How rows go into a table. The tables themselves are made by the scripts beside each store.</summary>
/// <param name="Name">The table.</param>
/// <param name="Key">The columns by which a row replaces one that is there; null for a table that only grows.</param>
/// <param name="Columns">All columns that are written.</param>
internal sealed record SqlTable<TRow>(string Name, string? Key, ImmutableArray<SqlColumn<TRow>> Columns)
{
    /// <summary>The statement that inserts rows, or replaces them, out of a source such as <c>VALUES (…)</c>.</summary>
    public string Insert(string source)
    {
        string statement = $"INSERT INTO {Name} ({string.Join(", ", Columns.Select(column => column.Name))}) {source}";
        if (Key is null)
        {
            return statement;
        }

        IEnumerable<string> changing = Columns.Where(column => !column.Fixed).Select(column => $"{column.Name} = excluded.{column.Name}");
        return $"{statement} ON CONFLICT ({Key}) DO UPDATE SET {string.Join(", ", changing)}";
    }
}

/// <summary>The tables of the projection. <c>docs/projection.md</c> explains them.</summary>
internal static class SqlTables
{
    /// <summary>Counted up whenever the tables change; a projection of an earlier version is filled anew.</summary>
    public const int SchemaVersion = 2;

    public const string Position = "projection_position";

    /// <summary>In the order in which they can be dropped.</summary>
    public static readonly ImmutableArray<string> Names = [Position, "records", "facts", "authority", "membership", "members_after", "proposals", "validators", "decisions"];

    public const string View = "fact_log";

    public static readonly SqlTable<LedgerRecord> Records = new("records", Key: null,
    [
        new("sequence", SqlType.Number, row => Number(row.Sequence)),
        new("kind", SqlType.Text, row => row.Kind.Name()),
        new("log_index", SqlType.Number, row => Number(row.Index.Value)),
        new("term", SqlType.Number, row => Number(row.Term.Value)),
        new("committed_at_ms", SqlType.Number, row => row.TimeUnixMilliseconds),
        new("lamport_counter", SqlType.Number, row => Number(row.Lamport.Counter)),
        new("lamport_node", SqlType.Number, row => Number(row.Lamport.Node.Value)),
        new("session", SqlType.Text, row => row.CommandId?.Session),
        new("command_number", SqlType.Number, row => Number(row.CommandId?.Number)),
        new("previous_hash", SqlType.Text, row => row.PreviousHash),
        new("hash", SqlType.Text, row => row.Hash),
    ]);

    public static readonly SqlTable<FactRow> Facts = new("facts", Key: null,
    [
        new("sequence", SqlType.Number, row => Number(row.Record.Sequence)),
        new("kind", SqlType.Text, row => row.Fact.Kind.Name()),
        new("proposal_id", SqlType.Text, row => row.Fact.ProposalId),
        new("revision", SqlType.Number, row => Number(row.Revision)),
        new("actor", SqlType.Text, row => row.Fact.Actor),
        new("text", SqlType.Text, row => row.Fact.Text()),
        new("content_hash", SqlType.Text, row => row.Fact.ContentHash()),
        new("claimed_at_s", SqlType.Number, row => row.Record.Submission?.At),
        new("expected_revision", SqlType.Number, row => Number(row.Record.Submission?.ExpectedRevision)),
        new("claimed_lamport_counter", SqlType.Number, row => Number(row.Record.Submission?.Lamport?.Counter)),
        new("claimed_lamport_node", SqlType.Number, row => Number(row.Record.Submission?.Lamport?.Node.Value)),
    ]);

    public static readonly SqlTable<LedgerRecord> Authority = new("authority", Key: null,
    [
        new("sequence", SqlType.Number, row => Number(row.Sequence)),
        new("term", SqlType.Number, row => Number(row.Term.Value)),
        new("leader", SqlType.Number, row => Number((row.Leader ?? NodeId.None).Value)),
        new("log_index", SqlType.Number, row => Number(row.Index.Value)),
        new("committed_at_ms", SqlType.Number, row => row.TimeUnixMilliseconds),
    ]);

    public static readonly SqlTable<MembershipRow> Membership = new("membership", Key: null,
    [
        new("sequence", SqlType.Number, row => Number(row.Record.Sequence)),
        new("place", SqlType.Number, row => (long)row.Place),
        new("step", SqlType.Text, row => row.Step.Kind.Name()),
        new("node", SqlType.Number, row => Number(row.Step.Node.Value)),
        new("role", SqlType.Text, row => row.Step.Role?.Name()),
        new("peer", SqlType.Text, row => row.Step.Peer),
        new("http", SqlType.Text, row => row.Step.Http),
        new("committed_at_ms", SqlType.Number, row => row.Record.TimeUnixMilliseconds),
    ]);

    public static readonly SqlTable<MemberAfterRow> MembersAfter = new("members_after", Key: null,
    [
        new("sequence", SqlType.Number, row => Number(row.Sequence)),
        new("node", SqlType.Number, row => Number(row.Node.Value)),
        new("role", SqlType.Text, row => row.Role.Name()),
    ]);

    public static readonly SqlTable<ProposalRow> Proposals = new("proposals", Key: "created_sequence",
    [
        new("created_sequence", SqlType.Number, row => Number(row.CreatedSequence)) { Fixed = true },
        new("proposal_id", SqlType.Text, row => row.ProposalId) { Fixed = true },
        new("status", SqlType.Text, row => row.Status.Name()),
        new("revision", SqlType.Number, row => Number(row.Revision)),
        new("author", SqlType.Text, row => row.Author) { Fixed = true },
        new("title", SqlType.Text, row => row.Title) { Fixed = true },
        new("content_hash", SqlType.Text, row => row.ContentHash) { Fixed = true },
        new("decided_by", SqlType.Text, row => row.DecidedBy),
        new("decided_sequence", SqlType.Number, row => Number(row.DecidedSequence)),
        new("override_sequence", SqlType.Number, row => Number(row.OverrideSequence)),
        new("last_sequence", SqlType.Number, row => Number(row.LastSequence)),
        new("created_at_ms", SqlType.Number, row => row.CreatedAtMilliseconds) { Fixed = true },
        new("last_at_ms", SqlType.Number, row => row.LastAtMilliseconds),
    ]);

    public static readonly SqlTable<ValidatorRow> Validators = new("validators", Key: "proposal_id, validator",
    [
        new("proposal_id", SqlType.Text, row => row.ProposalId) { Fixed = true },
        new("validator", SqlType.Text, row => row.Validator) { Fixed = true },
        new("passed", SqlType.Flag, row => row.Passed),
        new("overridden", SqlType.Flag, row => row.Overridden),
        new("sequence", SqlType.Number, row => Number(row.Sequence)),
        new("at_ms", SqlType.Number, row => row.AtMilliseconds),
        new("text", SqlType.Text, row => row.Text),
    ]);

    public static readonly SqlTable<DecisionRow> Decisions = new("decisions", Key: null,
    [
        new("sequence", SqlType.Number, row => Number(row.Sequence)),
        new("proposal_id", SqlType.Text, row => row.ProposalId),
        new("kind", SqlType.Text, row => row.Kind.Name()),
        new("actor", SqlType.Text, row => row.Actor),
        new("reason", SqlType.Text, row => row.Reason),
        new("at_ms", SqlType.Number, row => row.AtMilliseconds),
    ]);

    private static object Number(ulong value) => checked((long)value);

    private static object? Number(ulong? value) => value is { } number ? Number(number) : null;
}
