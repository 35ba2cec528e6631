using BenchmarkDotNet.Attributes;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Benchmarks;

/// <summary>The segmented log: groups of records of 256 bytes, written and, on the real disk, made durable.</summary>
[MemoryDiagnoser]
public class SegmentedLogAppends
{
    private const int RecordBytes = 256;

    private SegmentedLog? _log;
    private ReadOnlyMemory<byte>[] _group = [];
    private string _folder = "";

    /// <summary>Records in a group.</summary>
    [Params(1, 64, 256)]
    public int Records { get; set; }

    /// <summary>Without flushes it is the code and the system's page cache that are measured; with them the disk.</summary>
    [Params(false, true)]
    public bool Flushed { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _folder = Directory.CreateTempSubdirectory("converge-bench-log-").FullName;
        IDisk disk = Flushed ? PhysicalDisk.Instance : new UnflushedDisk();
        _log = SegmentedLog.Open(disk, Path.Combine(_folder, "log"), new SegmentedLogOptions { Purpose = "bench" });
        _group = new ReadOnlyMemory<byte>[Records];
        for (int i = 0; i < Records; i++)
        {
            byte[] record = new byte[RecordBytes];
            Random.Shared.NextBytes(record);
            _group[i] = record;
        }
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _log?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>One group.</summary>
    [Benchmark]
    public void A_group()
    {
        _log!.Append(_group);
        _log.Flush();
        if (_log.NextNumber - _log.FirstNumber > 1_000_000)
        {
            _log.RemoveBefore(_log.NextNumber);
        }
    }
}
