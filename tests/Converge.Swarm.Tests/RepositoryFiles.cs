namespace Converge.Swarm.Tests;

/// <summary>Files of the repository that tests read as they stand.</summary>
internal static class RepositoryFiles
{
    /// <summary>The path of a file, given from the repository's root.</summary>
    public static string Find(params string[] path)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string file = Path.Combine([folder.FullName, .. path]);
            if (File.Exists(file) && File.Exists(Path.Combine(folder.FullName, "Converge.Swarm.sln")))
            {
                return file;
            }
        }

        throw new FileNotFoundException($"There is no {string.Join('/', path)} above {AppContext.BaseDirectory}.");
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
}
