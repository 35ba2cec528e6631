using Converge.Swarm.Cli.Demo;

namespace Converge.Swarm.Cli.Tests.Demo;

public sealed class DemoFolderTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_named_folder_must_be_empty()
    {
        _temporary.Write("mine.txt", "precious");

        CommandFault fault = Assert.Throws<CommandFault>(() => DemoFolder.Take(_temporary.Path, keep: false));

        Assert.Equal(ExitCode.Usage, fault.ExitCode);
        Assert.Equal("precious", File.ReadAllText(_temporary["mine.txt"]));
    }

    [Fact]
    public void The_next_demonstration_clears_what_the_last_one_left()
    {
        string data = Leave(keep: false);

        using DemoFolder next = DemoFolder.Take(null, keep: false, _temporary.Path);

        Assert.Equal(Path.GetDirectoryName(data), next.Path);
        Assert.False(File.Exists(data));
    }

    [Fact]
    public void Two_demonstrations_at_once_do_not_share_a_folder()
    {
        using DemoFolder first = DemoFolder.Take(null, keep: false, _temporary.Path);
        using DemoFolder second = DemoFolder.Take(null, keep: false, _temporary.Path);

        Assert.NotEqual(first.Path, second.Path);
    }

    [Fact]
    public void What_is_kept_is_cleared_by_no_other()
    {
        string data = Leave(keep: true);

        using DemoFolder next = DemoFolder.Take(null, keep: false, _temporary.Path);

        Assert.True(File.Exists(data));
    }

    [Fact]
    public void A_folder_of_the_same_name_that_no_demonstration_made_is_left_alone()
    {
        string common;
        using (DemoFolder first = DemoFolder.Take(null, keep: false, _temporary.Path))
        {
            common = first.Path;
        }

        Directory.Delete(common, recursive: true);
        Directory.CreateDirectory(common);
        File.WriteAllText(Path.Combine(common, "mine.txt"), "precious");

        using DemoFolder next = DemoFolder.Take(null, keep: false, _temporary.Path);

        Assert.NotEqual(common, next.Path);
        Assert.True(File.Exists(Path.Combine(common, "mine.txt")));
    }

    private string Leave(bool keep)
    {
        using DemoFolder folder = DemoFolder.Take(null, keep, _temporary.Path);
        string data = Path.Combine(folder.Path, "node1.log");
        File.WriteAllText(data, "x");
        return data;
    }
}
