using System.Diagnostics;
using System.Text;

namespace Converge.Swarm.Tests.Ledger;

/// <summary>The Python program of a page, run as a reader would run it.</summary>
internal static class DocumentedPython
{
    /// <summary>Runs it to its end.</summary>
    /// <param name="page">The page, in <c>docs/formats</c>.</param>
    /// <param name="folder">Where the program is put.</param>
    /// <param name="arguments">What it is called with.</param>
    /// <param name="input">Its standard input.</param>
    public static (int Code, string Output, string Error) Run(string page, string folder, IEnumerable<string> arguments, byte[]? input = null)
    {
        string program = Path.Combine(folder, "program.py");
        File.WriteAllText(program, RepositoryFiles.CodeBlock(File.ReadAllText(RepositoryFiles.Find("docs", "formats", page)), "python"));
        ProcessStartInfo start = new(PythonFactAttribute.Python!, [program, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        using Process python = Process.Start(start)!;
        Task<string> error = python.StandardError.ReadToEndAsync();
        Task<string> output = python.StandardOutput.ReadToEndAsync();
        try
        {
            python.StandardInput.BaseStream.Write(input ?? []);
            python.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has seen enough, and ended.
        }

        python.WaitForExit();
        return (python.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }
}

/// <summary>A test that runs Python, and says so when there is none.</summary>
public sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute() => Skip = Python is null ? "There is no python3 in the PATH." : null;

    public static string? Python { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .SelectMany(folder => new[] { Path.Combine(folder, "python3"), Path.Combine(folder, "python3.exe") })
        .FirstOrDefault(File.Exists);
}
