using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Converge.Build;

/// <summary>
/// <c>mutants</c>: re-introduces known defects one by one into a copy of the sources, and sees whether the means that are to prove the
/// product notice. One that nobody notices fails the run, as does a patch that no longer fits.
/// </summary>
internal static partial class Mutants
{
    private const string Campaigns = "Converge.Swarm.Campaigns";

    private sealed record Verdict(Mutant Mutant, string? CaughtBy, string After, TimeSpan Took)
    {
        public bool Caught => CaughtBy is not null;
    }

    /// <summary>Runs it.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments is ["--help" or "-h" or "-?"])
        {
            Console.WriteLine(MutantOptions.Help);
            return ExitCode.Success;
        }

        MutantOptions options = MutantOptions.Parse(arguments);
        IReadOnlyList<Mutant> mutants =
            [.. Mutant.ReadAll(Repository.MutantsFolder).Where(mutant => options.Only is null || mutant.Name.Contains(options.Only, StringComparison.OrdinalIgnoreCase))];
        if (mutants.Count == 0)
        {
            throw new UsageException($"No mutant's name contains '{options.Only}'.");
        }

        if (options.List)
        {
            foreach (Mutant mutant in mutants)
            {
                Console.WriteLine($"{mutant.Name,-44} {mutant.Defect}");
            }

            return ExitCode.Success;
        }

        using ScratchCopy copy = ScratchCopy.Make();
        string[] misfits = [.. mutants.Select(mutant => copy.Misfit(mutant) is { } why ? $"{mutant.File} does not fit the sources any more:{Environment.NewLine}{why}" : null).OfType<string>()];
        if (misfits.Length > 0)
        {
            throw new UsageException(string.Join(Environment.NewLine, misfits));
        }

        Console.WriteLine($"{mutants.Count} mutants, at most {options.Seeds} seeds each; the copy lies in {copy.Root}");
        if (copy.Build(ProjectsOf(mutants)) is { } broken)
        {
            Console.Error.WriteLine($"The sources do not build as they are:{Environment.NewLine}{broken}");
            return ExitCode.Failure;
        }

        List<Verdict> verdicts = [];
        foreach (Mutant mutant in mutants)
        {
            Verdict verdict = Try(copy, mutant, options);
            verdicts.Add(verdict);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{(verdict.Caught ? "caught " : "ESCAPED")} {mutant.Name,-44} {verdict.CaughtBy ?? "nobody"}, {verdict.After} ({verdict.Took.TotalSeconds:0} s)"));
        }

        int escaped = verdicts.Count(verdict => !verdict.Caught);
        Console.WriteLine();
        Console.WriteLine($"{verdicts.Count - escaped} of {verdicts.Count} caught, {escaped} escaped");
        if (options.Table is { } file)
        {
            File.WriteAllLines(file, Table(verdicts));
        }

        return escaped == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static IEnumerable<string> ProjectsOf(IEnumerable<Mutant> mutants) =>
        mutants.Select(mutant => mutant.Judge?.Project).OfType<string>().Append(Campaigns).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    private static Verdict Try(ScratchCopy copy, Mutant mutant, MutantOptions options)
    {
        long began = Stopwatch.GetTimestamp();
        if (copy.Apply(mutant) is { } misfit)
        {
            throw new UsageException($"{mutant.File}: {misfit}");
        }

        try
        {
            if (copy.Build([Campaigns, .. mutant.Judge is { } needed ? new[] { needed.Project } : []]) is { } broken)
            {
                throw new UsageException($"{mutant.File} does not compile:{Environment.NewLine}{broken}");
            }

            (string? caughtBy, string after) = Simulate(copy, options.Seeds);
            if (caughtBy is null && mutant.Judge is { } judge)
            {
                (caughtBy, after) = Ask(copy, judge);
            }

            return new Verdict(mutant, caughtBy, after, Stopwatch.GetElapsedTime(began));
        }
        finally
        {
            if (copy.TakeBack(mutant) is { } stuck)
            {
                Console.Error.WriteLine($"{mutant.File} cannot be taken back: {stuck}");
            }
        }
    }

    private static (string? CaughtBy, string After) Simulate(ScratchCopy copy, int seeds)
    {
        // The prefix that fails is not looked for: who noticed is all that matters here.
        (_, string output) = Child.Capture(
            "dotnet",
            ["exec", copy.Program(Campaigns), "--seeds", seeds.ToString(CultureInfo.InvariantCulture), "--no-shorten", "--traces", Path.Combine(copy.Root, "traces")],
            copy.Root);
        Match failed = FailedSeed().Match(output);
        if (failed.Success)
        {
            return ($"simulation: {failed.Groups["checker"].Value}", Seeds(failed.Groups["seed"].Value));
        }

        // It neither found something nor came to its end: the mutant broke the run itself.
        return output.Contains("No violation.", StringComparison.Ordinal) || output.Contains("NEVER SEEN", StringComparison.Ordinal)
            ? (null, Seeds(seeds.ToString(CultureInfo.InvariantCulture)))
            : throw new UsageException($"The simulation broke off:{Environment.NewLine}{output}");
    }

    private static (string? CaughtBy, string After) Ask(ScratchCopy copy, MutantJudge judge)
    {
        string[] filter = judge.Filter.Length == 0 ? [] : ["--filter", judge.Filter];
        (int exitCode, string output) = Child.Capture(
            "dotnet", ["test", copy.ProjectFile(judge.Project), "--no-build", "-c", "Release", "-nologo", "--blame-hang-timeout", "5m", "--blame-hang-dump-type", "none", .. filter], copy.Root);
        if (exitCode == 0)
        {
            return (null, "all tests passed");
        }

        Match failed = FailedTest().Match(output);
        return failed.Success ? ($"test: {failed.Groups["test"].Value}", "at once") : throw new UsageException($"{judge.Project} broke off:{Environment.NewLine}{output}");
    }

    private static string Seeds(string count) => string.Equals(count, "1", StringComparison.Ordinal) ? "1 seed" : $"{count} seeds";

    private static IEnumerable<string> Table(IReadOnlyList<Verdict> verdicts) =>
    [
        "| mutant | the defect | seen in | caught by | after |",
        "|---|---|---|---|---|",
        .. verdicts.Select(verdict =>
            $"| `{verdict.Mutant.Name}` | {verdict.Mutant.Defect} | {verdict.Mutant.Lesson} | {verdict.CaughtBy ?? "**nobody**"} | {verdict.After} |"),
    ];

    [GeneratedRegex(@"^SEED (?<seed>\d+) \(\d+ nodes\) FAILED: (?<checker>.+?)\s*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FailedSeed();

    [GeneratedRegex(@"^\s*Failed (?<test>[\w.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex FailedTest();
}
