namespace Converge.Build;

/// <summary>
/// A copy of the repository's files in a folder of its own, to be changed and built at will: the product has no switches for defects.
/// </summary>
/// <remarks>Outside the repository: inside it, git would take a patch's paths for those of the repository.</remarks>
internal sealed class ScratchCopy : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationToken _stop;

    private ScratchCopy(string root, TimeSpan limit, CancellationToken stop)
    {
        Root = root;
        _limit = limit;
        _stop = stop;
    }

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>Copies the files that git knows, as they are in the work tree.</summary>
    /// <param name="limit">How long one program may run in it.</param>
    /// <param name="stop">Ends whatever runs in it.</param>
    /// <exception cref="UsageException">Git is not there, or this is no git repository.</exception>
    public static ScratchCopy Make(TimeSpan limit, CancellationToken stop)
    {
        (int exitCode, string output) = Child.Capture("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], Repository.Root);
        if (exitCode != 0)
        {
            throw new UsageException($"git does not list the files of {Repository.Root}: {output}");
        }

        ScratchCopy copy = new(Directory.CreateTempSubdirectory("converge-mutants-").FullName, limit, stop);
        foreach (string name in output.Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            string from = Path.Combine(Repository.Root, name);
            if (File.Exists(from))
            {
                string to = Path.Combine(copy.Root, name);
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(from, to);
            }
        }

        return copy;
    }

    /// <summary>Applies a patch; null, or why it does not fit.</summary>
    public string? Apply(Mutant mutant) => Patch(mutant);

    /// <summary>Takes an applied patch back; null, or why that does not work.</summary>
    public string? TakeBack(Mutant mutant) => Patch(mutant, "--reverse");

    /// <summary>Why a patch would not fit, or null; changes nothing.</summary>
    public string? Misfit(Mutant mutant) => Patch(mutant, "--check");

    /// <summary>Builds projects of the copy; null, or what the compiler said.</summary>
    /// <param name="projects">Their names.</param>
    /// <param name="restore">The packages have to be looked up first: a patch changes no references.</param>
    public string? Build(IEnumerable<string> projects, bool restore)
    {
        foreach (string project in projects)
        {
            // What a mutant's code looks like is nobody's concern. One process: others would stay behind and keep the output open.
            (int? exitCode, string output) = Run(
                "dotnet",
                [
                    "build", ProjectFile(project), "-c", "Release", "-v", "quiet", "-nologo", "-clp:NoSummary", "-m:1", "-nodeReuse:false",
                    "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false", "-p:EnforceCodeStyleInBuild=false", "-p:GenerateDocumentationFile=false",
                    .. restore ? Array.Empty<string>() : ["--no-restore"],
                ]);
            if (exitCode != 0)
            {
                return exitCode is null ? $"The build of {project} did not end in time." : output.Trim();
            }
        }

        return null;
    }

    /// <summary>Runs a program in the copy; its exit code is null when it did not end in time.</summary>
    public (int? ExitCode, string Output) Run(string program, IEnumerable<string> arguments) => Child.Capture(program, arguments, Root, _limit, _stop);

    /// <summary>A test project's file in the copy.</summary>
    public string ProjectFile(string project) => Path.Combine(Root, "tests", project, $"{project}.csproj");

    /// <summary>A test project's program in the copy.</summary>
    public string Program(string project) => Path.Combine(Root, "tests", project, "bin", "Release", "net10.0", $"{project}.dll");

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private string? Patch(Mutant mutant, params ReadOnlySpan<string> options)
    {
        (int exitCode, string output) = Child.Capture("git", ["apply", "--whitespace=nowarn", .. options, mutant.File], Root);
        return exitCode == 0 ? null : output.Trim();
    }
}
