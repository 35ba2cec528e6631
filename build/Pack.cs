namespace Converge.Build;

/// <summary><c>pack</c>: the packages that systems embed.</summary>
internal static class Pack
{
    /// <summary>Packs every project that may be packed.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments.Length > 0)
        {
            throw new UsageException($"'pack' takes no options; '{arguments[0]}' is not understood.");
        }

        if (!Dotnet.Restore(Repository.Solution))
        {
            return ExitCode.Failure;
        }

        if (Directory.Exists(Repository.Packages))
        {
            Directory.Delete(Repository.Packages, recursive: true);
        }

        int exitCode = Dotnet.Run(["pack", Repository.Solution, "--no-restore", "-c", "Release", "-o", Repository.Packages, "-v", "quiet", "-nologo"]);
        if (exitCode != 0)
        {
            return ExitCode.Failure;
        }

        foreach (string package in Directory.EnumerateFiles(Repository.Packages, "*.nupkg").Order(StringComparer.Ordinal))
        {
            Console.WriteLine(Path.GetRelativePath(Environment.CurrentDirectory, package));
        }

        return ExitCode.Success;
    }
}
