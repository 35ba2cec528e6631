namespace Converge.Swarm;

/// <summary>How a node's query index stands against its ledger.</summary>
public sealed record ProjectionStatus
{
    /// <summary>Where the index is kept: <c>sqlite</c> or <c>postgresql</c>.</summary>
    public required string Store { get; init; }

    /// <summary>The last record in the index; 0 before the first, and while it is not known.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>How many records the node's ledger has that the index lacks.</summary>
    public required ulong RecordsBehind { get; init; }

    /// <summary>
    /// How fast records go into the index while it is at work, in records per second of work over its last batches; null before the first.
    /// Not how fast records come.
    /// </summary>
    public required double? RecordsPerSecond { get; init; }

    /// <summary>Why the index does not follow the ledger at the moment, in a sentence; null when it does.</summary>
    public required string? Problem { get; init; }
}
