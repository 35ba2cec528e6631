using System.Text;

namespace Converge.Swarm.Cli.Processes;

/// <summary>A text file that is appended to and never grows without bound: when it is full it becomes <c>NAME.1</c>, and a new one begins.</summary>
internal sealed class LogFile(string path) : IAsyncDisposable
{
    private const long MaxBytes = 16 * 1024 * 1024;

    private StreamWriter? _writer;

    /// <summary>Appends a line.</summary>
    public async Task WriteAsync(string line)
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

    public async ValueTask DisposeAsync()
    {
        if (_writer is not null)
        {
            await _writer.DisposeAsync();
        }
    }
}
