using System.Collections.Concurrent;
using System.Diagnostics.Tracing;

namespace Converge.Swarm.Benchmarks;

/// <summary>Which types are allocated most, from the runtime's own sampling (about one sample for each 100 KB).</summary>
internal sealed class AllocationSample : EventListener
{
    private readonly ConcurrentDictionary<string, long> _bytes = new(StringComparer.Ordinal);

    public IEnumerable<(string Type, long Bytes)> Top(int count) =>
        _bytes.OrderByDescending(pair => pair.Value).Take(count).Select(pair => (pair.Key, pair.Value));

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (string.Equals(eventSource.Name, "Microsoft-Windows-DotNETRuntime", StringComparison.Ordinal))
        {
            EnableEvents(eventSource, EventLevel.Verbose, (EventKeywords)0x1);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName?.StartsWith("GCAllocationTick", StringComparison.Ordinal) == true
            && eventData.PayloadNames is { } names && eventData.Payload is { } payload)
        {
            string type = payload[names.IndexOf("TypeName")] as string ?? "?";
            long bytes = Convert.ToInt64(payload[names.IndexOf("AllocationAmount64")], System.Globalization.CultureInfo.InvariantCulture);
            _bytes.AddOrUpdate(type, bytes, (_, before) => before + bytes);
        }
    }
}
