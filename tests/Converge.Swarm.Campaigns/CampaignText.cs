using System.Globalization;
using Converge.Swarm.Simulation;

namespace Converge.Swarm.Campaigns;

/// <summary>A campaign's report for people.</summary>
internal static class CampaignText
{
    public static void Write(TextWriter output, CampaignReport report, CampaignOptions options)
    {
        double minutes = report.RealTime.TotalMinutes;
        output.WriteLine(Invariant($"{report.Runs} runs, {report.Steps} steps, {report.VirtualTime.TotalHours:0.0} h of virtual time in {report.RealTime.TotalSeconds:0.0} s on {options.Threads} threads: {report.Runs / Math.Max(minutes, 1e-9):0} seeds a minute"));
        if (report.Failures.Count < report.Runs)
        {
            output.WriteLine(Invariant($"{report.Operations} client operations, at least {report.Least.Operations} a seed; {report.FaultCounts.Sum()} faults, at least {report.Least.Faults} a seed"));
        }

        output.WriteLine(Invariant($"all traces together: {report.TraceHash:x32}"));
        output.WriteLine();
        output.WriteLine("faults");
        foreach (FaultKind kind in Enum.GetValues<FaultKind>())
        {
            output.WriteLine(Invariant($"  {kind,-28} {report.FaultCounts[(int)kind],9}"));
        }

        output.WriteLine(Invariant($"  {"messages lost, late, twice",-28} {report.MessageFaults,9}"));
        output.WriteLine();
        output.WriteLine(Invariant($"{"coverage",-30} {"times",9} {"seeds",7}"));
        foreach (SimulationCoverage what in Enum.GetValues<SimulationCoverage>())
        {
            output.WriteLine(Invariant($"  {what,-28} {report.Coverage[(int)what],9} {report.CoverageRuns[(int)what],7}"));
        }

        output.WriteLine();
        if (report.NeverSeen.Count > 0)
        {
            output.WriteLine($"NEVER SEEN: {string.Join(", ", report.NeverSeen)}");
        }

        foreach (CampaignFailure failure in report.Failures)
        {
            Write(output, failure);
        }

        output.WriteLine(report.Succeeded ? "No violation." : Invariant($"{report.Failures.Count} seeds failed."));
    }

    private static void Write(TextWriter output, CampaignFailure failure)
    {
        SimulationFailure found = failure.Result.Failure!;
        SimulationFailure shortest = failure.Shortest.Failure!;
        output.WriteLine(Invariant($"SEED {failure.Result.Seed} ({failure.Result.Nodes} nodes) FAILED: {found.Checker}"));
        output.WriteLine(Invariant($"  at step {found.Step}, {found.At.TotalSeconds:0.000} s, after {failure.Result.Faults} faults: {found.What}"));
        output.WriteLine(Invariant($"  shortest: {failure.MaxFaults} faults, {failure.MaxOperations} operations, step {shortest.Step}, {shortest.At.TotalSeconds:0.000} s: {shortest.Checker}: {shortest.What}"));
        output.WriteLine($"  {shortest.Details.ReplaceLineEndings($"{Environment.NewLine}  ")}");
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
