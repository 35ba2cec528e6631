namespace Converge.Build;

/// <summary>The .NET SDK's commands, run in the repository's root.</summary>
internal static class Dotnet
{
    /// <summary>Runs <c>dotnet</c> on this terminal.</summary>
    public static int Run(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        Child.Run("dotnet", arguments, Repository.Root, environment);

    /// <summary>Restores packages; when that fails, says which and what to look at.</summary>
    /// <returns>True when everything is there.</returns>
    public static bool Restore(string project, params ReadOnlySpan<string> options)
    {
        IReadOnlyList<string> faults = TryRestore(project, options);
        if (faults.Count == 0)
        {
            if (string.Equals(project, Repository.Solution, StringComparison.Ordinal))
            {
                AkkaNet.SayIfLeftOut();
            }

            return true;
        }

        Console.Error.WriteLine("The packages could not be restored:");
        foreach (string fault in faults)
        {
            Console.Error.WriteLine($"  {fault}");
        }

        Console.Error.WriteLine("Every version in Directory.Packages.props is exact. Is the package source reachable ('dotnet nuget list source')?");
        return false;
    }

    /// <summary>Restores packages.</summary>
    /// <returns>What went wrong, a line each; nothing when everything is there.</returns>
    public static IReadOnlyList<string> TryRestore(string project, params ReadOnlySpan<string> options)
    {
        (int exitCode, string output) = Child.Capture("dotnet", ["restore", project, "-v", "minimal", .. options], Repository.Root);
        if (exitCode == 0)
        {
            return [];
        }

        string[] lines = output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string[] errors = [.. lines.Where(line => line.Contains("error", StringComparison.OrdinalIgnoreCase)).Distinct(StringComparer.Ordinal)];
        return errors.Length > 0 ? errors : [.. lines, $"dotnet restore ended with {exitCode}."];
    }
}
