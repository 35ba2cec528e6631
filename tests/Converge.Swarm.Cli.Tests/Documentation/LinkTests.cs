using System.Text.RegularExpressions;
using Converge.Swarm.Tests;

namespace Converge.Swarm.Cli.Tests.Documentation;

/// <summary>A reader who follows a link of a page arrives somewhere.</summary>
public sealed partial class LinkTests
{
    [Fact]
    public void Every_link_of_every_page_leads_to_a_file_and_a_heading_that_are_there()
    {
        List<string> dead = [];
        int links = 0;
        foreach (string page in Pages.All())
        {
            foreach (string target in Link().Matches(WithoutCode(Pages.Read(page))).Select(link => link.Groups["target"].Value))
            {
                links++;
                if (!target.Contains("://", StringComparison.Ordinal) && !IsThere(page, target))
                {
                    dead.Add($"{page}: {target}");
                }
            }
        }

        Assert.True(links > 80, $"Only {links} links were found.");
        Assert.True(dead.Count == 0, string.Join('\n', dead));
    }

    private static bool IsThere(string page, string target)
    {
        string[] parts = target.Split('#', 2);
        string file = parts[0].Length == 0 ? page : Path.GetRelativePath(RepositoryFiles.Root, Path.Combine(RepositoryFiles.Root, Path.GetDirectoryName(page)!, parts[0]));
        string path = Path.Combine(RepositoryFiles.Root, file);
        return parts.Length == 1
            ? File.Exists(path) || Directory.Exists(path)
            : File.Exists(path) && Heading().Matches(WithoutCode(Pages.Read(file))).Any(heading => string.Equals(Anchor(heading.Groups["text"].Value), parts[1], StringComparison.Ordinal));
    }

    /// <summary>The name that a heading gets where pages are shown: lower case, hyphens for spaces, no other signs.</summary>
    private static string Anchor(string heading) => Sign().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    private static string WithoutCode(string page) => Block().Replace(page, "");

    [GeneratedRegex(@"\[[^\]]*\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (?<text>.*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Heading();

    [GeneratedRegex("```.*?```", RegexOptions.Singleline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Block();

    [GeneratedRegex(@"[^\w\- ]", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Sign();
}
