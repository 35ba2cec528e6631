using System.Globalization;
using System.Runtime.InteropServices;

namespace Converge.Build;

/// <summary>
/// <c>mutants</c>: re-introduces known defects one by one into a copy of the sources, and sees whether the means that are to prove the
/// product notice. One that nobody notices fails the run, as does a patch that no longer fits or keeps whoever judges from judging.
/// </summary>
internal static class Mutants
{
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

        // Whoever stops this wants no copy left behind: what runs is killed, and the way out leads past the copy's end.
        using CancellationTokenSource stop = new();
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using ScratchCopy copy = ScratchCopy.Make(options.Limit, stop.Token);
        return Run(copy, mutants, options);
    }

    private static int Run(ScratchCopy copy, IReadOnlyList<Mutant> mutants, MutantOptions options)
    {
        string[] misfits = [.. mutants.Select(mutant => copy.Misfit(mutant) is { } why ? $"{mutant.File} does not fit the sources any more:{Environment.NewLine}{why}" : null).OfType<string>()];
        if (misfits.Length > 0)
        {
            throw new UsageException(string.Join(Environment.NewLine, misfits));
        }

        Console.WriteLine($"{mutants.Count} mutants, at most {options.Seeds} seeds each; the copy lies in {copy.Root}");
        if (copy.Build(MutantTrial.ProjectsOf(mutants)) is { } broken)
        {
            Console.Error.WriteLine($"The sources do not build as they are:{Environment.NewLine}{broken}");
            return ExitCode.Failure;
        }

        MutantTrial trial = new(copy, options);
        if (trial.JudgeUnchanged(mutants) is { } found)
        {
            Console.Error.WriteLine($"Fault is found with the sources as they are, so nothing is proved by finding it with a mutant:{Environment.NewLine}{found}");
            return ExitCode.Failure;
        }

        Console.WriteLine("nobody finds fault with the sources as they are");
        List<MutantVerdict> verdicts = [];
        foreach (Mutant mutant in mutants)
        {
            MutantVerdict verdict = trial.Judge(mutant);
            verdicts.Add(verdict);
            Console.WriteLine(Line(verdict));
            if (options.Table is { } file)
            {
                // With each of them: who stops half-way has what there is.
                File.WriteAllLines(file, Table(verdicts));
            }
        }

        int escaped = verdicts.Count(verdict => !verdict.Caught);
        Console.WriteLine();
        Console.WriteLine($"{verdicts.Count - escaped} of {verdicts.Count} caught, {escaped} not");
        return escaped == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static string Line(MutantVerdict verdict)
    {
        (string how, string who) = verdict switch
        {
            { CaughtBy: { } checker } => ("caught ", $"{checker}, {verdict.After}"),
            { Broken: { } why } => ("BROKEN ", why),
            _ => ("ESCAPED", $"nobody, {verdict.After}"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{how} {verdict.Mutant.Name,-44} {who} ({verdict.Took.TotalSeconds:0} s)");
    }

    private static IEnumerable<string> Table(IReadOnlyList<MutantVerdict> verdicts) =>
    [
        "| mutant | the defect | seen in | caught by | after |",
        "|---|---|---|---|---|",
        .. verdicts.Select(verdict =>
            $"| `{verdict.Mutant.Name}` | {verdict.Mutant.Defect} | {verdict.Mutant.Lesson} | {verdict.CaughtBy ?? "**nobody**"} | {verdict.After} |"),
    ];
}
