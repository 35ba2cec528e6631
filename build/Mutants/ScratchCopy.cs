namespace Converge.Build;

/// <summary>
/// A copy of the repository's files in a folder of its own, to be changed and built at will: the product has no switches for defects.
/// </summary>
/// <remarks>Outside the repository: inside it, git would take a patch's paths for those of the repository.</remarks>
internal sealed class ScratchCopy : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationToken _stop;
    private readonly SortedSet<string> _projects = new(StringComparer.Ordinal);

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

    /// <summary>Why a patch would not fit, or null; changes nothing.</summary>
    public string? Misfit(Mutant mutant) => Patch(mutant, "--check");

    /// <summary>Builds test projects of the copy and all that they need; null, or what the compiler said.</summary>
    public string? Build(IEnumerable<string> projects)
    {
        foreach (string project in projects)
        {
            if (Build(ProjectFile(project)) is { } broken)
            {
                return broken;
            }

            _projects.Add(project);
        }

        foreach (string assembly in Directory.EnumerateDirectories(Path.Combine(Root, "src")).Select(folder => Assembly(Path.GetFileName(folder))).Where(File.Exists))
        {
            Directory.CreateDirectory(UnchangedFolder);
            File.Copy(assembly, Path.Combine(UnchangedFolder, Path.GetFileName(assembly)), overwrite: true);
        }

        return null;
    }

    /// <summary>
    /// Builds what an applied patch changes, and puts it into what was built before; null, or what the compiler said. The rest is only
    /// compiled anew when it looks different from outside: a defect is mostly in what methods do, not in what they are called with.
    /// </summary>
    public string? BuildChanged(Mutant mutant)
    {
        foreach (string project in mutant.ChangedProjects())
        {
            string signatures = Path.Combine(Root, "src", project, "obj", "Release", "net10.0", "ref", $"{project}.dll");
            byte[] before = File.ReadAllBytes(signatures);
            if (Build(Path.Combine(Root, "src", project, $"{project}.csproj"), "--no-restore", "-p:BuildProjectReferences=false") is { } broken)
            {
                return broken;
            }

            Install(Assembly(project));
            if (!File.ReadAllBytes(signatures).AsSpan().SequenceEqual(before) && BuildPrograms() is { } unfit)
            {
                return unfit;
            }
        }

        return null;
    }

    /// <summary>Takes an applied patch back; null, or why that does not work.</summary>
    public string? TakeBack(Mutant mutant)
    {
        foreach (string project in mutant.ChangedProjects())
        {
            Install(Path.Combine(UnchangedFolder, $"{project}.dll"));
        }

        return Patch(mutant, "--reverse");
    }

    /// <summary>Runs a program in the copy; its exit code is null when it did not end in time.</summary>
    public (int? ExitCode, string Output) Run(string program, IEnumerable<string> arguments) => Child.Capture(program, arguments, Root, _limit, _stop);

    /// <summary>A test project's file in the copy.</summary>
    public string ProjectFile(string project) => Path.Combine(Root, "tests", project, $"{project}.csproj");

    /// <summary>A test project's program in the copy.</summary>
    public string Program(string project) => Path.Combine(Root, "tests", project, "bin", "Release", "net10.0", $"{project}.dll");

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private string UnchangedFolder => Path.Combine(Root, "unchanged");

    private string Assembly(string project) => Path.Combine(Root, "src", project, "bin", "Release", "net10.0", $"{project}.dll");

    private string? BuildPrograms() => _projects.Select(project => Build(ProjectFile(project), "--no-restore")).FirstOrDefault(broken => broken is not null);

    private void Install(string assembly)
    {
        foreach (string place in _projects.Select(project => Path.Combine(Path.GetDirectoryName(Program(project))!, Path.GetFileName(assembly))).Where(File.Exists))
        {
            File.Copy(assembly, place, overwrite: true);
        }
    }

    private string? Build(string projectFile, params ReadOnlySpan<string> options)
    {
        // What a mutant's code looks like is nobody's concern. One process: others would stay behind and keep the output open.
        (int? exitCode, string output) = Run(
            "dotnet",
            [
                "build", projectFile, "-c", "Release", "-v", "quiet", "-nologo", "-clp:NoSummary", "-m:1", "-nodeReuse:false",
                "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false", "-p:EnforceCodeStyleInBuild=false", "-p:GenerateDocumentationFile=false",
                .. options,
            ]);
        return exitCode switch
        {
            0 => null,
            null => $"The build of {projectFile} did not end in time.",
            _ => output.Trim(),
        };
    }

    private string? Patch(Mutant mutant, params ReadOnlySpan<string> options)
    {
        (int exitCode, string output) = Child.Capture("git", ["apply", "--whitespace=nowarn", .. options, mutant.File], Root);
        return exitCode == 0 ? null : output.Trim();
    }
}
