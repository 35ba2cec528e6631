using Converge.Swarm.Cli.Processes;
using Converge.Swarm.Cli.Tests.Durability;

namespace Converge.Swarm.Cli.Tests.Processes;

public sealed class LogFileTests
{
    [Fact]
    public async Task A_line_that_cannot_be_written_is_lost_and_the_next_one_is_tried_again()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder["logs"], "node1.log");
        await using LogFile log = new(path);

        await log.WriteAsync("lost");
        Directory.CreateDirectory(folder["logs"]);
        await log.WriteAsync("kept");
        await log.DisposeAsync();

        Assert.Equal(["kept"], await File.ReadAllLinesAsync(path));
    }

    [SmallDiskTheory]
    [InlineData(1)]
    public async Task A_full_disk_stops_nobody_who_logs(int mebibytes)
    {
        using TemporaryFolder folder = new();
        using SmallDisk disk = SmallDisk.At(folder.Path, mebibytes);
        await using LogFile log = new(folder["node1.log"]);

        for (int i = 0; i < 2_000; i++)
        {
            await log.WriteAsync(new string('x', 1_000));
        }

        await log.DisposeAsync();
        File.Delete(folder["node1.log"]);
        await log.WriteAsync("there is room again");
        await log.DisposeAsync();

        Assert.Equal(["there is room again"], await File.ReadAllLinesAsync(folder["node1.log"]));
    }
}
