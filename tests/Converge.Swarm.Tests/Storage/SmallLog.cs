using System.Globalization;
using System.Text;
using Converge.Swarm.Storage;

namespace Converge.Swarm.Tests.Storage;

/// <summary>Small segmented logs with records that can be told apart.</summary>
internal static class SmallLog
{
    public const string Folder = "log";

    public static readonly SegmentedLogOptions Options = new()
    {
        Purpose = "test",
        SegmentBytes = 4096,
        MaxGroupBytes = 2048,
        MaxRecordBytes = 1900,
    };

    /// <summary>A record that says its number and has no long stretches of zeros.</summary>
    public static byte[] Record(ulong number, int bytes)
    {
        var record = new byte[bytes];
        var name = Encoding.ASCII.GetBytes("record " + number.ToString(CultureInfo.InvariantCulture) + ";");
        for (var i = 0; i < bytes; i++)
        {
            record[i] = name[i % name.Length];
        }

        return record;
    }

    public static SegmentedLog Open(IDisk disk, SegmentedLogOptions? options = null) => SegmentedLog.Open(disk, Folder, options ?? Options);

    public static string File(ulong firstNumber) => Path.Combine(Folder, firstNumber.ToString("x16", CultureInfo.InvariantCulture) + ".segment");

    /// <summary>Appends and flushes one group of records of these sizes.</summary>
    public static void AppendGroup(this SegmentedLog log, params int[] sizes)
    {
        var next = log.NextNumber;
        log.Append([.. sizes.Select((size, i) => (ReadOnlyMemory<byte>)Record(next + (ulong)i, size))]);
        log.Flush();
    }

    public static List<byte[]> ReadAll(this SegmentedLog log, int maxRecords = int.MaxValue, int maxBytes = int.MaxValue)
    {
        var all = new List<byte[]>();
        for (var number = log.FirstNumber; number < log.DurableNextNumber;)
        {
            foreach (var record in log.Read(number, maxRecords, maxBytes))
            {
                Assert.Equal(number, record.Number);
                all.Add(record.Bytes.ToArray());
                number++;
            }
        }

        return all;
    }
}
