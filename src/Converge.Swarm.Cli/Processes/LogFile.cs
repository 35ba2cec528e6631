using System.Text;

namespace Converge.Swarm.Cli.Processes;

/// <summary>
/// A text file that is appended to and never grows without bound: when it is full it becomes <c>NAME.1</c>, and a new one begins. A line that
/// cannot be written is lost, and the next one is tried again: whoever logs must not stand still because there is no room for what it says.
/// </summary>
internal sealed class LogFile(string path) : IAsyncDisposable
{
    private const long MaxBytes = 16 * 1024 * 1024;

    private StreamWriter? _writer;

    /// <summary>Appends a line, if it can be.</summary>
    public async Task WriteAsync(string line)
    {
        try
        {
            await AppendAsync(line);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            await CloseAsync();
        }
    }

    public async ValueTask DisposeAsync() => await CloseAsync();

    private async Task AppendAsync(string line)
    {
        if (_writer?.BaseStream.Length >= MaxBytes)
        {
            await _writer.DisposeAsync();
            _writer = null;
            File.Move(path, $"{path}.1", overwrite: true);
        }

        _writer ??= new StreamWriter(path, append: true, new UTF8Encoding(false)) { AutoFlush = true };
        await _writer.WriteLineAsync(line);
    }

    private async Task CloseAsync()
    {
        if (_writer is not { } writer)
        {
            return;
        }

        _writer = null;
        try
        {
            await writer.DisposeAsync();
        }
        catch (IOException)
        {
            // What it still had to write is lost, too.
        }
    }
}
