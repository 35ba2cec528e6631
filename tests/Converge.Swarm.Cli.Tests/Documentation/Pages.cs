using Converge.Swarm.Tests;

namespace Converge.Swarm.Cli.Tests.Documentation;

/// <summary>The pages that readers have.</summary>
internal static class Pages
{
    /// <summary>All of them, from the repository's root, in a fixed order.</summary>
    public static IEnumerable<string> All() =>
        Directory.GetFiles(Path.Combine(RepositoryFiles.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Append(Path.Combine(RepositoryFiles.Root, "README.md"))
            .Append(Path.Combine(RepositoryFiles.Root, "samples", "README.md"))
            .Select(page => Path.GetRelativePath(RepositoryFiles.Root, page))
            .Order(StringComparer.Ordinal);

    /// <summary>The text of one.</summary>
    public static string Read(string page) => File.ReadAllText(Path.Combine(RepositoryFiles.Root, page));
}
