namespace Converge.Build;

/// <summary><c>build</c>: the program <c>converge</c>, for this machine.</summary>
internal static class ProgramBuild
{
    /// <summary>Builds and says where it lies.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments.Length > 0)
        {
            throw new UsageException($"'build' takes no options; '{arguments[0]}' is not understood.");
        }

        int exitCode = Publish();
        if (exitCode == ExitCode.Success)
        {
            Console.WriteLine($"Built {Path.GetRelativePath(Environment.CurrentDirectory, Repository.ProgramFile)}");
        }

        return exitCode;
    }

    /// <summary>Publishes the program to its folder; silent when all goes well, unless it may take long.</summary>
    public static int Publish()
    {
        if (!File.Exists(Repository.ProgramFile))
        {
            Console.Error.WriteLine("Building converge. The first time packages are fetched, which may take some minutes.");
        }

        // Compiled ahead of time it starts in half the time. The compiler for that is a package of its own, which a machine may lack.
        string ahead = "-p:ConvergeReadyToRun=true";
        if (Dotnet.TryRestore(Repository.CliProject, ahead).Count > 0)
        {
            ahead = "-p:ConvergeReadyToRun=false";
            if (!Dotnet.Restore(Repository.CliProject, ahead))
            {
                return ExitCode.Failure;
            }

            Console.WriteLine("The ahead-of-time compiler cannot be restored here; the program will start a little slower.");
        }

        return Dotnet.Run(
            ["publish", Repository.CliProject, "--no-restore", "-c", "Release", "-o", Repository.ProgramFolder, "-v", "quiet", "-nologo", ahead]);
    }
}
