namespace Converge.Build;

/// <summary><c>demo</c>: builds the program and lets it show itself.</summary>
internal static class Demo
{
    /// <summary>Hands the options on to <c>converge demo</c>, with the repository's sample as input unless another is named.</summary>
    public static int Run(string[] arguments)
    {
        int exitCode = ProgramBuild.Publish();
        if (exitCode != ExitCode.Success)
        {
            return exitCode;
        }

        bool hasInput = Array.Exists(arguments, argument => argument is "--input" || argument.StartsWith("--input=", StringComparison.Ordinal));
        string[] input = hasInput ? [] : ["--input", Repository.SampleFacts];
        return Child.Run(Repository.ProgramFile, ["demo", .. input, .. arguments], folder: null);
    }
}
