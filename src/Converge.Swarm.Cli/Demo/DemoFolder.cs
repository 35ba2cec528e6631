namespace Converge.Swarm.Cli.Demo;

/// <summary>
/// Where the demonstration's data lies. Unless a folder is named, it is one in the temporary folder that the next demonstration
/// clears: the last one can always be looked at, and they do not pile up.
/// </summary>
internal sealed class DemoFolder : IDisposable
{
    private const string MarkFileName = "converge-demo";

    private readonly FileStream _mark;

    private DemoFolder(string path, FileStream mark)
    {
        Path = path;
        _mark = mark;
    }

    /// <summary>The folder, empty but for a mark.</summary>
    public string Path { get; }

    /// <summary>Takes a folder for this demonstration.</summary>
    /// <param name="named">A folder that is not there or empty; null for one in the temporary folder.</param>
    /// <param name="keep">True for a folder that no later demonstration clears.</param>
    /// <param name="temporary">The temporary folder; null for the system's.</param>
    /// <exception cref="CommandFault">The folder named holds something.</exception>
    public static DemoFolder Take(string? named, bool keep, string? temporary = null)
    {
        if (named is not null)
        {
            string path = System.IO.Path.GetFullPath(named);
            return !Directory.Exists(path) || !Directory.EnumerateFileSystemEntries(path).Any()
                ? Mark(path)
                : throw new CommandFault(ExitCode.Usage, $"{path} is not empty; the demonstration begins with nothing.");
        }

        temporary ??= System.IO.Path.GetTempPath();
        return !keep && TryTakeCommon(temporary) is { } common
            ? common
            : Mark(System.IO.Path.Combine(temporary, $"converge-demo-{Guid.NewGuid():N}"));
    }

    /// <summary>Ends the exclusive use of the folder; everything stays in it.</summary>
    public void Dispose() => _mark.Dispose();

    /// <summary>Takes the folder that demonstrations share, unless another one is at work in it or it is not ours to clear.</summary>
    private static DemoFolder? TryTakeCommon(string temporary)
    {
        string path = System.IO.Path.Combine(temporary, $"converge-demo-{Environment.UserName}");
        FileStream? mark = null;
        try
        {
            if (Directory.Exists(path) && !File.Exists(System.IO.Path.Combine(path, MarkFileName)) && Directory.EnumerateFileSystemEntries(path).Any())
            {
                return null;
            }

            DemoFolder folder = Mark(path);
            mark = folder._mark;
            foreach (string below in Directory.EnumerateDirectories(path))
            {
                Directory.Delete(below, recursive: true);
            }

            foreach (string file in Directory.EnumerateFiles(path).Where(file => !string.Equals(file, mark.Name, StringComparison.Ordinal)))
            {
                File.Delete(file);
            }

            return folder;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            mark?.Dispose();
            return null;
        }
    }

    private static DemoFolder Mark(string path)
    {
        Directory.CreateDirectory(path);
        string file = System.IO.Path.Combine(path, MarkFileName);
        return new DemoFolder(path, new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
    }
}
