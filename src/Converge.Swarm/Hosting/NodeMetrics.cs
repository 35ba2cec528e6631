using System.Diagnostics.Metrics;
using Converge.Core;

namespace Converge.Swarm.Hosting;

/// <summary>
/// A node's numbers: as instruments of the meter <see cref="MeterName"/>, each with the tag <c>node</c>, and as <see cref="NodeCounters"/>
/// in its status. What the process uses as a whole, the runtime's own meter <c>System.Runtime</c> has, too.
/// </summary>
internal sealed class NodeMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Converge.Swarm";

    private readonly Meter _meter = new(MeterName);
    private long _logFlushes;
    private long _ledgerFlushes;

    public NodeMetrics(NodeId node)
    {
        KeyValuePair<string, object?>[] tags = [new("node", (long)node.Value)];
        _meter.CreateObservableCounter(
            "converge.log.flushes", () => new Measurement<long>(Volatile.Read(ref _logFlushes), tags), "{flush}", "The Raft log was made durable.");
        _meter.CreateObservableCounter(
            "converge.ledger.flushes", () => new Measurement<long>(Volatile.Read(ref _ledgerFlushes), tags), "{flush}", "The ledger was made durable.");
    }

    /// <summary>The log was made durable.</summary>
    public void NoteLogFlush() => Interlocked.Increment(ref _logFlushes);

    /// <summary>The ledger was made durable.</summary>
    public void NoteLedgerFlush() => Interlocked.Increment(ref _ledgerFlushes);

    /// <summary>A status with the numbers as they are now.</summary>
    public SwarmStatus AddTo(SwarmStatus status) => status with
    {
        Counters = new NodeCounters(
            Volatile.Read(ref _logFlushes),
            Volatile.Read(ref _ledgerFlushes),
            GC.GetTotalAllocatedBytes(),
            Environment.CpuUsage.TotalTime),
    };

    public void Dispose() => _meter.Dispose();
}
