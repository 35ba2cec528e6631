using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Converge.Build;

/// <summary>How it went with one mutant.</summary>
/// <param name="Mutant">The mutant.</param>
/// <param name="CaughtBy">Who noticed; null when nobody did.</param>
/// <param name="After">After how much.</param>
/// <param name="Broken">What kept somebody from judging: it does not compile, or a run of it ended without a verdict; null otherwise.</param>
/// <param name="Took">How long it all took.</param>
internal sealed record MutantVerdict(Mutant Mutant, string? CaughtBy, string After, string? Broken, TimeSpan Took)
{
    /// <summary>Somebody noticed.</summary>
    public bool Caught => CaughtBy is not null;
}

/// <summary>Has one copy of the sources judged: by the simulation, then by the tests that a patch names, then by the rest of the seeds.</summary>
internal sealed partial class MutantTrial(ScratchCopy copy, MutantOptions options)
{
    private const string Campaigns = "Converge.Swarm.Campaigns";

    /// <summary>The first lines of what a broken run said; the whole can be long.</summary>
    private const int LinesOfWhatBroke = 12;

    private sealed record Finding(string? CaughtBy, string After, string? Broken = null);

    /// <summary>Whoever must be built to judge some mutants.</summary>
    public static IEnumerable<string> ProjectsOf(IEnumerable<Mutant> mutants) =>
        mutants.SelectMany(mutant => mutant.Judges).Select(judge => judge.Project).Order(StringComparer.Ordinal).Prepend(Campaigns).Distinct(StringComparer.Ordinal);

    /// <summary>Has the sources judged as they are: whoever finds fault with them proves nothing by finding fault with a mutant.</summary>
    /// <returns>Null, or what was found.</returns>
    public string? JudgeUnchanged(IEnumerable<Mutant> mutants)
    {
        Finding simulated = Simulate(1, options.Seeds);
        if (simulated.CaughtBy is not null || simulated.Broken is not null)
        {
            return $"{simulated.CaughtBy} {simulated.Broken}, {simulated.After}";
        }

        foreach (IGrouping<string, MutantJudge> project in mutants.SelectMany(mutant => mutant.Judges).GroupBy(judge => judge.Project, StringComparer.Ordinal))
        {
            string[] filters = [.. project.Select(judge => judge.Filter).Distinct(StringComparer.Ordinal)];
            Finding asked = Ask(new MutantJudge(project.Key, filters.Contains("", StringComparer.Ordinal) ? "" : string.Join('|', filters.Select(filter => $"({filter})"))));
            if (asked.CaughtBy is not null || asked.Broken is not null)
            {
                return $"{project.Key}: {asked.CaughtBy}{asked.Broken}";
            }
        }

        return null;
    }

    /// <summary>Puts the defect in, has it judged, and takes it back.</summary>
    /// <exception cref="UsageException">The patch does not fit, or cannot be taken back.</exception>
    public MutantVerdict Judge(Mutant mutant)
    {
        long began = Stopwatch.GetTimestamp();
        if (copy.Apply(mutant) is { } misfit)
        {
            throw new UsageException($"{mutant.File}: {misfit}");
        }

        Finding finding = Look(mutant);
        return copy.TakeBack(mutant) is { } stuck
            ? throw new UsageException($"{mutant.File} cannot be taken back: {stuck}")
            : new MutantVerdict(mutant, finding.CaughtBy, finding.After, finding.Broken, Stopwatch.GetElapsedTime(began));
    }

    private Finding Look(Mutant mutant)
    {
        if (copy.BuildChanged(mutant) is { } broken)
        {
            return new Finding(null, "", $"it does not compile:{Environment.NewLine}{broken}");
        }

        int first = mutant.Judges.Count == 0 ? options.Seeds : Math.Min(options.First, options.Seeds);
        Finding finding = Simulate(1, first);
        string? said = finding.Broken;
        foreach (MutantJudge judge in mutant.Judges)
        {
            if (finding.CaughtBy is not null)
            {
                return finding;
            }

            finding = Ask(judge);
            said ??= finding.Broken;
        }

        if (finding.CaughtBy is null && said is null && first < options.Seeds)
        {
            finding = Simulate(first + 1, options.Seeds - first);
            said = finding.Broken;
        }

        return finding.CaughtBy is null ? finding with { Broken = said } : finding;
    }

    private Finding Simulate(int firstSeed, int seeds)
    {
        // The prefix that fails is not looked for: who noticed is all that matters here.
        (int? exitCode, string output) = copy.Run(
            "dotnet",
            [
                "exec", copy.Program(Campaigns), "--seed", firstSeed.ToString(CultureInfo.InvariantCulture), "--seeds", seeds.ToString(CultureInfo.InvariantCulture),
                "--no-shorten", "--traces", Path.Combine(copy.Root, "traces"),
            ]);
        int last = firstSeed + seeds - 1;
        if (FailedSeed().Match(output) is { Success: true } failed)
        {
            return new Finding($"simulation: {failed.Groups["checker"].Value}", Seeds(int.Parse(failed.Groups["seed"].ValueSpan, CultureInfo.InvariantCulture)));
        }

        // It neither found something nor came to its end: the mutant broke the run itself.
        bool ended = output.Contains("No violation.", StringComparison.Ordinal) || output.Contains("NEVER SEEN", StringComparison.Ordinal);
        return ended && exitCode is not null
            ? new Finding(null, Seeds(last))
            : new Finding(null, Seeds(last), exitCode is { } code ? $"the simulation broke off with {code}:{Environment.NewLine}{FirstLines(output)}" : "the simulation hung");
    }

    private Finding Ask(MutantJudge judge)
    {
        string[] filter = judge.Filter.Length == 0 ? [] : ["--filter", judge.Filter];
        (int? exitCode, string output) = copy.Run("dotnet", ["test", copy.ProjectFile(judge.Project), "--no-build", "-c", "Release", "-nologo", .. filter]);
        if (FailedTest().Match(output) is { Success: true } failed)
        {
            return new Finding($"test: {failed.Groups["test"].Value}", "at once");
        }

        return exitCode switch
        {
            null => new Finding(null, "", $"{judge.Project} hung"),
            0 when output.Contains("Passed!", StringComparison.Ordinal) => new Finding(null, "all of its tests passed"),
            0 => new Finding(null, "", $"{judge.Project} has no test that fits '{judge.Filter}'"),
            _ => new Finding(null, "", $"{judge.Project} broke off with {exitCode}:{Environment.NewLine}{FirstLines(output)}"),
        };
    }

    private static string Seeds(int count) => count == 1 ? "1 seed" : string.Create(CultureInfo.InvariantCulture, $"{count} seeds");

    private static string FirstLines(string output) => string.Join(Environment.NewLine, output.Split('\n').Where(line => line.Trim().Length > 0).Take(LinesOfWhatBroke));

    [GeneratedRegex(@"^SEED (?<seed>\d+) \(\d+ nodes\) FAILED: (?<checker>.+?)\s*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FailedSeed();

    // A theory's case is told by its arguments: "… [12 ms]" follows them.
    [GeneratedRegex(@"^\s*Failed (?<test>[\w.]+(\(.*\))?) \[", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FailedTest();
}
