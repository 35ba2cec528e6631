using Converge.Swarm.Cli.Terminal;
using Converge.Swarm.Cli.Tests.Durability;

namespace Converge.Swarm.Cli.Tests.Export;

public sealed class WholeFileTests
{
    [SmallDiskTheory]
    [InlineData(1)]
    public async Task A_disk_that_is_full_keeps_no_part_of_a_file(int mebibytes)
    {
        using TemporaryFolder folder = new();
        using SmallDisk disk = SmallDisk.At(folder.Path, mebibytes);
        byte[] line = new byte[1_000];

        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await using WholeFile file = WholeFile.Create(new FileInfo(folder["out"]));
            while (true)
            {
                await file.Content.WriteAsync(line);
            }
        });

        Assert.Empty(Directory.GetFiles(folder.Path));
    }
}
