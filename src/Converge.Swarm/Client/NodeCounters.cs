namespace Converge.Swarm;

/// <summary>
/// What a node has used since its process began. Differences between two moments are what counts: divided by the facts committed in
/// between, they say what a fact costs.
/// </summary>
/// <param name="LogFlushes">How often the Raft log was made durable; commits that came together share a flush.</param>
/// <param name="LedgerFlushes">How often the ledger was made durable. No commit waits for it.</param>
/// <param name="AllocatedBytes">Bytes allocated by the whole process.</param>
/// <param name="ProcessorTime">Processor time of the whole process, user and system.</param>
public sealed record NodeCounters(long LogFlushes, long LedgerFlushes, long AllocatedBytes, TimeSpan ProcessorTime);
