namespace Converge.Build;

/// <summary>A known defect as a patch: what it re-introduces, who has had it, and the change itself.</summary>
/// <param name="File">The patch.</param>
/// <param name="Name">The file's name without its ending; what reports call it.</param>
/// <param name="Defect">What the change does, in one sentence: the file's first line.</param>
/// <param name="Lesson">Where it was seen, or which rule it breaks: the line that begins with <c>Lesson:</c>.</param>
/// <param name="Judges">Who is asked when the simulation does not notice: a line each that begins with <c>Judge:</c>; none when the simulation has to.</param>
internal sealed record Mutant(string File, string Name, string Defect, string Lesson, IReadOnlyList<MutantJudge> Judges)
{
    private const string ChangedMark = "+++ b/src/";
    private const string LessonMark = "Lesson:";
    private const string JudgeMark = "Judge:";

    /// <summary>The projects below <c>src</c> whose files it changes.</summary>
    public IReadOnlyList<string> ChangedProjects() =>
    [
        .. System.IO.File.ReadLines(File)
            .Where(line => line.StartsWith(ChangedMark, StringComparison.Ordinal))
            .Select(line => line[ChangedMark.Length..].Split('/')[0])
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Every patch in a folder, in ordinal order.</summary>
    /// <exception cref="UsageException">One of them lacks its heading.</exception>
    public static IReadOnlyList<Mutant> ReadAll(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*.patch").Order(StringComparer.Ordinal).Select(Read)];

    private static Mutant Read(string file)
    {
        string[] heading = [.. System.IO.File.ReadLines(file).TakeWhile(line => !line.StartsWith("diff ", StringComparison.Ordinal))];
        string? lesson = Marked(heading, LessonMark).FirstOrDefault();
        if (heading is [] || lesson is null)
        {
            throw new UsageException($"{file}: the first line says what the defect is, and a line '{LessonMark} …' where it was seen.");
        }

        return new Mutant(file, Path.GetFileNameWithoutExtension(file), heading[0], lesson, [.. Marked(heading, JudgeMark).Select(judge => MutantJudge.Parse(file, judge))]);
    }

    private static IEnumerable<string> Marked(string[] heading, string mark) =>
        heading.Where(line => line.StartsWith(mark, StringComparison.Ordinal)).Select(line => line[mark.Length..].Trim());
}

/// <summary>A test project, and which of its tests.</summary>
/// <param name="Project">The test project's name.</param>
/// <param name="Filter">An expression of <c>dotnet test --filter</c>; empty for all.</param>
internal sealed record MutantJudge(string Project, string Filter)
{
    /// <summary>Reads <c>PROJECT [FILTER]</c>.</summary>
    public static MutantJudge Parse(string file, string text)
    {
        string[] words = text.Split(' ', 2, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return words is [string project, ..]
            ? new MutantJudge(project, words.Length > 1 ? words[1] : "")
            : throw new UsageException($"{file}: 'Judge:' names a test project.");
    }
}
