using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Converge.Build;

/// <summary>Runs other programs.</summary>
internal static partial class Child
{
    /// <summary>Runs a program on this terminal until it ends; the signals that would end this process are the child's to answer first.</summary>
    /// <exception cref="InterruptedException">Such a signal came; the child has ended.</exception>
    /// <param name="folder">Where it runs; null for the folder this process was started in.</param>
    public static int Run(string program, IEnumerable<string> arguments, string? folder, IReadOnlyDictionary<string, string>? environment = null)
    {
        using Process process = Start(program, arguments, folder, environment, capture: false);
        bool interrupted = false;

        // A terminal sends Ctrl-C to the whole group, so the child has it already; a termination is sent to one process and must be handed on.
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            Volatile.Write(ref interrupted, true);
        });
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            Volatile.Write(ref interrupted, true);
            if (!OperatingSystem.IsWindows())
            {
                _ = Kill(process.Id, SigTerm);
            }
        });
        process.WaitForExit();

        // A child may end as if nothing had been said to it; what comes after it must not begin all the same.
        return Volatile.Read(ref interrupted) ? throw new InterruptedException() : process.ExitCode;
    }

    /// <summary>Runs a program to its end and returns all it wrote.</summary>
    public static (int ExitCode, string Output) Capture(string program, IEnumerable<string> arguments, string? folder)
    {
        using Process process = Start(program, arguments, folder, environment: null, capture: true);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.GetAwaiter().GetResult());
    }

    /// <summary>Runs a program to its end, but no longer than a limit, and returns all it wrote.</summary>
    /// <returns>The exit code is null when the limit passed: the program was killed, and all that it had started.</returns>
    /// <exception cref="InterruptedException">The wish to stop came first; the program was killed then, too.</exception>
    public static (int? ExitCode, string Output) Capture(string program, IEnumerable<string> arguments, string? folder, TimeSpan limit, CancellationToken stop)
    {
        using Process process = Start(program, arguments, folder, environment: null, capture: true);

        // Line by line: what it wrote before it was killed is wanted, and who outlives it may keep its output open.
        StringBuilder output = new();
        void Take(object sender, DataReceivedEventArgs line)
        {
            lock (output)
            {
                output.AppendLine(line.Data);
            }
        }

        process.OutputDataReceived += Take;
        process.ErrorDataReceived += Take;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using (stop.Register(() => KillTree(process)))
        {
            bool ended = process.WaitForExit(limit);
            if (!ended)
            {
                KillTree(process);
                process.WaitForExit();
            }

            if (stop.IsCancellationRequested)
            {
                throw new InterruptedException();
            }

            if (ended)
            {
                // Returns once the last line was taken.
                process.WaitForExit();
            }

            lock (output)
            {
                return (ended ? process.ExitCode : null, output.ToString());
            }
        }
    }

    private static void KillTree(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    private static Process Start(string program, IEnumerable<string> arguments, string? folder, IReadOnlyDictionary<string, string>? environment, bool capture)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = folder ?? "",
            RedirectStandardOutput = capture,
            RedirectStandardError = capture,
        };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            start.Environment[key] = value;
        }

        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }

    private const int SigTerm = 15;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
