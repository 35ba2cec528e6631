namespace Converge.Swarm.Tests;

/// <summary>Files of the repository that tests read as they stand.</summary>
internal static class RepositoryFiles
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The path of a file, given from the repository's root.</summary>
    public static string Find(params string[] path)
    {
        string file = Path.Combine([Root, .. path]);
        return File.Exists(file) ? file : throw new FileNotFoundException($"There is no {string.Join('/', path)} in {Root}.");
    }

    /// <summary>The first block of code in a language in a page.</summary>
    public static string CodeBlock(string page, string language)
    {
        string fence = $"```{language}\n";
        int start = page.IndexOf(fence, StringComparison.Ordinal);
        Assert.True(start >= 0, $"There is no block of {language}.");
        start += fence.Length;
        return page[start..page.IndexOf("```", start, StringComparison.Ordinal)];
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Converge.Swarm.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"The repository is not above {AppContext.BaseDirectory}.");
    }
}
