using System.Text.RegularExpressions;

namespace Converge.Swarm.Cli.Tests.Documentation;

/// <summary>A command line as a page shows it.</summary>
/// <param name="Page">The page, from the repository's root.</param>
/// <param name="Line">What is typed.</param>
/// <param name="Remark">What stands behind a <c>#</c>; empty when nothing does.</param>
internal sealed partial record DocumentedCommand(string Page, string Line, string Remark)
{
    private static readonly string[] Programs = ["curl", "converge", "./converge", "sqlite3", "source"];

    /// <summary>The program that is called.</summary>
    public string Program => Line[..Line.IndexOf(' ', StringComparison.Ordinal)];

    /// <summary>The lines of a page's blocks of shell that call what a reader has.</summary>
    public static IReadOnlyList<DocumentedCommand> Of(string page, string text) =>
    [
        .. Block().Matches(text)
            .SelectMany(block => block.Groups["lines"].Value.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
            .Where(line => Programs.Any(program => line.StartsWith($"{program} ", StringComparison.Ordinal)))
            .Select(line => Remarked().Match(line))
            .Select(parts => new DocumentedCommand(page, parts.Groups["line"].Value.Trim(), parts.Groups["remark"].Value)),
    ];

    /// <summary>The calls of <c>converge</c> that stand in the text itself, or in a table or an example of a command's help.</summary>
    public static IReadOnlyList<string> Mentioned(string text) =>
        [.. Mention().Matches(text).Select(mention => mention.Groups["line"].Value).Distinct(StringComparer.Ordinal)];

    [GeneratedRegex("```sh\n(?<lines>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Block();

    [GeneratedRegex("^(?<line>.*?)(\\s+# (?<remark>.*))?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Remarked();

    [GeneratedRegex("`(?<line>converge [a-z][^`\n…]*)`", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Mention();
}
