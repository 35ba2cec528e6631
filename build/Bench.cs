namespace Converge.Build;

/// <summary><c>bench</c>: what a commit costs here, see <c>docs/performance.md</c>.</summary>
internal static class Bench
{
    /// <summary>Builds the benchmarks and runs them; the options are theirs.</summary>
    public static int Run(string[] arguments)
    {
        if (!Dotnet.Restore(Repository.BenchmarksProject))
        {
            return ExitCode.Failure;
        }

        int exitCode = Dotnet.Run(["build", Repository.BenchmarksProject, "--no-restore", "-c", "Release", "-v", "quiet", "-nologo"]);
        return exitCode == 0
            ? Child.Run("dotnet", ["run", "--project", Repository.BenchmarksProject, "--no-build", "-c", "Release", "--", .. arguments], folder: null)
            : ExitCode.Failure;
    }
}
