using Converge.Core;

namespace Converge.Swarm;

/// <summary>Where a node keeps its query index.</summary>
public enum ProjectionStore
{
    /// <summary>Nowhere: the node keeps none.</summary>
    None,

    /// <summary>In an SQLite file in the node's data folder.</summary>
    Sqlite,

    /// <summary>In a PostgreSQL database.</summary>
    PostgreSql,
}

/// <summary>A node's query index: SQL tables filled from its ledger after the fact. No commit waits for it, and none fails with it.</summary>
public sealed record ProjectionOptions
{
    /// <summary>Where it is kept.</summary>
    public ProjectionStore Store { get; init; } = ProjectionStore.Sqlite;

    /// <summary>
    /// For <see cref="ProjectionStore.PostgreSql"/>: how to connect, as Npgsql has it. Null otherwise. A password is better kept in the file
    /// that <c>PGPASSFILE</c> names.
    /// </summary>
    public string? PostgreSql { get; init; }

    /// <summary>For <see cref="ProjectionStore.PostgreSql"/>: the schema with the tables. Each node needs one of its own.</summary>
    public string Schema { get; init; } = $"converge_{SwarmConfiguration.NodePlaceholder}";

    /// <summary>How many records go into the index in one transaction at most.</summary>
    public int BatchRecords { get; init; } = 1_000;

    /// <summary>The schema of one node.</summary>
    public string SchemaOf(NodeId node) => Schema.Replace(SwarmConfiguration.NodePlaceholder, node.ToString(), StringComparison.Ordinal);
}
