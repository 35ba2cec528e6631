namespace Converge.Build;

/// <summary><c>exhaust</c>: tries everything that can happen in a small cluster, over the real protocol.</summary>
internal static class Exhaust
{
    /// <summary>Builds the protocol with its search and hands the options on to it.</summary>
    public static int Run(string[] arguments)
    {
        string project = Path.Combine(Repository.Root, "tests", "Converge.Raft.Tests", "Converge.Raft.Tests.csproj");
        if (!Dotnet.Restore(project))
        {
            return ExitCode.Failure;
        }

        int exitCode = Dotnet.Run(["build", project, "--no-restore", "-c", "Release", "-v", "quiet", "-nologo"]);
        return exitCode == ExitCode.Success
            ? Dotnet.Run(["run", "--project", project, "--no-build", "-c", "Release", "--", "exhaust", .. arguments])
            : exitCode;
    }
}
