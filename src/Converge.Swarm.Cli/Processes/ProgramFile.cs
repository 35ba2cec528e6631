using System.Diagnostics;

namespace Converge.Swarm.Cli.Processes;

/// <summary>This program, to be started again: as itself, whichever way this process was started.</summary>
internal static class ProgramFile
{
    /// <summary>How a person in this folder would call the program, for hints.</summary>
    public static string ShownName
    {
        get
        {
            const string Name = "converge";
            string? path = Environment.ProcessPath;
            if (path is null || !string.Equals(Path.GetFileNameWithoutExtension(path), Name, StringComparison.Ordinal))
            {
                return Name;
            }

            string relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
            return relative.StartsWith("..", StringComparison.Ordinal) || Path.IsPathRooted(relative) ? path
                : relative.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal) ? relative
                : Path.Combine(".", relative);
        }
    }

    /// <summary>A start of the program with these arguments, its three streams redirected.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="folder">Where the program lies; null for where this one does.</param>
    public static ProcessStartInfo Start(IEnumerable<string> arguments, string? folder = null)
    {
        folder ??= AppContext.BaseDirectory;
        string name = typeof(ProgramFile).Assembly.GetName().Name!;
        string program = Path.Combine(folder, OperatingSystem.IsWindows() ? $"{name}.exe" : name);
        ProcessStartInfo start = File.Exists(program)
            ? new ProcessStartInfo(program, arguments)
            : new ProcessStartInfo("dotnet", [Path.Combine(folder, $"{name}.dll"), .. arguments]);
        start.UseShellExecute = false;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        return start;
    }
}
