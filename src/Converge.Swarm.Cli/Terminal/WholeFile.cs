namespace Converge.Swarm.Cli.Terminal;

/// <summary>
/// A file of results that is there as a whole or not at all: written beside its place and put there at the end, so that a command that
/// was interrupted leaves no half that looks like a whole.
/// </summary>
internal sealed class WholeFile : IAsyncDisposable
{
    private readonly string _path;
    private readonly string _beside;
    private bool _committed;

    private WholeFile(string path)
    {
        _path = path;
        _beside = $"{path}.{Environment.ProcessId}.part";
        Content = new FileStream(_beside, FileMode.Create, FileAccess.Write, FileShare.None);
    }

    /// <summary>Where to write.</summary>
    public FileStream Content { get; }

    /// <summary>Begins a file; what has its name now stays until <see cref="Commit"/>.</summary>
    /// <exception cref="CommandFault">It cannot be written there.</exception>
    public static WholeFile Create(FileInfo file)
    {
        try
        {
            return new WholeFile(file.FullName);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault(ExitCode.Usage, $"{file} cannot be written: {fault.Message}");
        }
    }

    /// <summary>Everything is written: flushes it to the disk and puts it in its place.</summary>
    public void Commit()
    {
        Content.Flush(flushToDisk: true);
        Content.Dispose();
        File.Move(_beside, _path, overwrite: true);
        _committed = true;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Content.DisposeAsync();
        }
        finally
        {
            // Above all when the disk is full, and what is left to write cannot be written either.
            if (!_committed)
            {
                File.Delete(_beside);
            }
        }
    }
}
