using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Converge.Swarm.Cli.Processes;

/// <summary>
/// A node in a process of its own, started by this one. It never outlives this process: its standard input is a pipe from here, and it
/// stops when that ends.
/// </summary>
internal sealed partial class NodeProcess : IAsyncDisposable
{
    private const int SigTerm = 15;
    private const int KeptLines = 20;

    private readonly Process _process;
    private readonly Task _reading;
    private readonly Lock _gate = new();
    private readonly Queue<string> _lastLines = [];
    private volatile bool _serves;

    private NodeProcess(Process process, string logFile)
    {
        _process = process;
        _reading = Task.WhenAll(CopyAsync(process.StandardError, logFile), ReadAnnouncementAsync(process.StandardOutput));
        Exited = ExitedAsync();
    }

    /// <summary>Its number in the system.</summary>
    public int Id => _process.Id;

    /// <summary>Completes with the exit code when the process has ended and all it said is written down.</summary>
    public Task<int> Exited { get; }

    /// <summary>True when it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>
    /// True once it has said that it serves. Until then whoever answers at its address is somebody else: it has its address and its folder
    /// for itself only then.
    /// </summary>
    public bool Serves => _serves && !HasExited;

    /// <summary>Why it ended, or the last line it wrote to its error stream, for messages.</summary>
    public string LastLine
    {
        get
        {
            const string Sentence = "converge: ";
            lock (_gate)
            {
                return _lastLines.LastOrDefault(line => line.StartsWith(Sentence, StringComparison.Ordinal))?[Sentence.Length..] ?? _lastLines.LastOrDefault() ?? "";
            }
        }
    }

    /// <summary>Starts the program as a node.</summary>
    /// <param name="configuration">The configuration file.</param>
    /// <param name="node">Which member.</param>
    /// <param name="logFile">Where its log goes; appended.</param>
    /// <param name="programFolder">Where the program lies; null for where this one does.</param>
    public static NodeProcess Start(string configuration, ulong node, string logFile, string? programFolder = null)
    {
        ProcessStartInfo start = ProgramFile.Start(
            ["node", "--config", configuration, "--node", node.ToString(System.Globalization.CultureInfo.InvariantCulture), Nodes.NodeCommand.StopWithInputOption, "--json"],
            programFolder);
        Process process = Process.Start(start) ?? throw new CommandFault(ExitCode.Failed, $"{start.FileName} did not start.");
        return new NodeProcess(process, logFile);
    }

    /// <summary>Ends it as a power failure would: at once, with nothing said.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await Exited;
    }

    /// <summary>Tells it to stop and waits; when it has not by then, kills it.</summary>
    /// <returns>True when it stopped by itself.</returns>
    public async Task<bool> StopAsync(TimeSpan patience)
    {
        if (!_process.HasExited)
        {
            // Where there are no signals, the end of its input says the same.
            if (OperatingSystem.IsWindows() || Signal(_process.Id, SigTerm) != 0)
            {
                _process.StandardInput.Close();
            }
        }

        try
        {
            await Exited.WaitAsync(patience);
            return true;
        }
        catch (TimeoutException)
        {
            await KillAsync();
            return false;
        }
    }

    /// <summary>Kills it, if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private async Task<int> ExitedAsync()
    {
        await _process.WaitForExitAsync();
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>What it writes to its standard output is one line, when it serves.</summary>
    private async Task ReadAnnouncementAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is not null)
        {
            _serves = true;
        }
    }

    private async Task CopyAsync(StreamReader from, string logFile)
    {
        await using LogFile log = new(logFile);
        while (await from.ReadLineAsync() is { } line)
        {
            lock (_gate)
            {
                _lastLines.Enqueue(line);
                if (_lastLines.Count > KeptLines)
                {
                    _lastLines.Dequeue();
                }
            }

            await log.WriteAsync(line);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int processId, int signal);
}
