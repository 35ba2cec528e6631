using System.Diagnostics;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Benchmarks;

/// <summary>What this disk's bare flush costs, without anything of a log: the floor under every durable commit.</summary>
internal static class DiskProbe
{
    private const int FileBytes = 16 * 1024 * 1024;

    /// <summary>Writes 512 bytes and flushes, over and over, into a file that is allocated already.</summary>
    /// <returns>The latencies in milliseconds, sorted.</returns>
    public static IReadOnlyList<double> Run(string folder, TimeSpan duration)
    {
        string path = Path.Combine(folder, "disk-probe");
        List<double> latencies = [];
        using (IDiskFile file = PhysicalDisk.Instance.Open(path, DiskFileMode.CreateNew))
        {
            file.AllocateZeroed(0, FileBytes);
            byte[] block = new byte[512];
            Array.Fill(block, (byte)1);
            long begin = Stopwatch.GetTimestamp();
            for (long offset = 0; Stopwatch.GetElapsedTime(begin) < duration; offset = (offset + block.Length) % FileBytes)
            {
                long started = Stopwatch.GetTimestamp();
                file.Write(offset, block);
                file.Flush();
                latencies.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        File.Delete(path);
        latencies.Sort();
        return latencies;
    }
}
