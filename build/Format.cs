namespace Converge.Build;

/// <summary><c>format</c>: the formatting as <c>.editorconfig</c> says.</summary>
internal static class Format
{
    /// <summary>Checks it; with <c>--fix</c>, mends it.</summary>
    public static int Run(string[] arguments)
    {
        string[] options = arguments switch
        {
            [] => ["--verify-no-changes"],
            ["--fix"] => [],
            _ => throw new UsageException("'format' takes '--fix' or nothing."),
        };
        if (!Dotnet.Restore(Repository.Solution))
        {
            return ExitCode.Failure;
        }

        return Dotnet.Run(["format", Repository.Solution, "--no-restore", .. options]) == 0 ? ExitCode.Success : ExitCode.Failure;
    }
}
