using System.Diagnostics;
using System.Globalization;

namespace Converge.Raft.Tests.Exhaustion;

/// <summary>
/// <c>exhaust [--option value …]</c>: tries everything in a small scope and reports. Ends with 0 when nothing was violated, 1 when something
/// was, 2 when the options are not understood.
/// </summary>
internal static class ExhaustionCommand
{
    public const string Help =
        """
        exhaust [options]

          --nodes N        voters, 1 to 4 (3)
          --terms N        terms in which somebody may campaign (2)
          --entries N      entries that are proposed (2)
          --crashes N      crashes, each with a restart from what was durable (1)
          --heartbeats N   heartbeats of leaders, whose answers make them send again (0)
          --under-way N    messages under way at the same time (2)
          --depth N        actions from the first state on, at most (no bound)
          --minutes N      time, at most (10)
          --states N       different states, at most (40000000; a million takes some 80 MB)
          --unfolded yes   states that differ in the names of the nodes alone count as different
        """;

    public static int Run(string[] arguments, TextWriter output, TextWriter error)
    {
        if (arguments is ["--help" or "-h" or "-?"])
        {
            output.WriteLine(Help);
            return 0;
        }

        if (!TryParse(arguments, out ExhaustionOptions options, out double minutes, out string fault))
        {
            error.WriteLine(fault);
            error.WriteLine();
            error.WriteLine(Help);
            return 2;
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{options.Nodes} nodes, {options.MaxTerm} terms, {options.MaxProposals} entries, {options.MaxCrashes} crashes, {options.MaxHeartbeats} heartbeats, {options.MaxUnderWay} messages under way"));
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(minutes));
        long started = Stopwatch.GetTimestamp();
        ExhaustionReport report = StateSpace.Explore(options, stop.Token, (depth, size, states) => output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"depth {depth}: {size} new states, {states} in all, {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s")));
        Write(report, Stopwatch.GetElapsedTime(started), output);
        return report.Outcome == ExhaustionOutcome.Violated ? 1 : 0;
    }

    private static void Write(ExhaustionReport report, TimeSpan time, TextWriter output)
    {
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.States} states, {report.Transitions} transitions, depth {report.Depth}, {report.NodeStates} states of single nodes, {report.Messages} messages, {report.ProtocolSteps} steps of the protocol"));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{report.Elected} elections won, {report.Committed} commits, {report.Truncated} logs truncated"));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{time.TotalSeconds:F1} s, {report.States / time.TotalSeconds:F0} states a second, {report.Transitions / time.TotalSeconds:F0} transitions a second, {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB at most"));
        output.WriteLine(report.Outcome switch
        {
            ExhaustionOutcome.Exhausted => "Exhausted: nothing within the scope was left out, and all that must hold held.",
            ExhaustionOutcome.DepthReached => "Not exhausted: the bound on the depth was reached. All that must hold held up to there.",
            ExhaustionOutcome.StatesReached => "Not exhausted: the bound on states was reached. All that must hold held in these.",
            ExhaustionOutcome.NodeStatesReached => "Not exhausted: the bound on states of single nodes was reached. All that must hold held.",
            ExhaustionOutcome.Stopped => "Not exhausted: the time is over. All that must hold held up to here.",
            ExhaustionOutcome.Violated or _ => $"VIOLATED: {report.Violation}",
        });
        foreach (string line in report.Trace)
        {
            output.WriteLine($"  {line}");
        }
    }

    private static bool TryParse(string[] arguments, out ExhaustionOptions options, out double minutes, out string fault)
    {
        options = new ExhaustionOptions { MaxHeartbeats = 0, MaxUnderWay = 2 };
        minutes = 10;
        fault = string.Empty;
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string name = arguments[i];
            string value = i + 1 < arguments.Length ? arguments[i + 1] : string.Empty;
            bool isMinutes = string.Equals(name, "--minutes", StringComparison.Ordinal);
            bool isUnfolded = string.Equals(name, "--unfolded", StringComparison.Ordinal) && string.Equals(value, "yes", StringComparison.Ordinal);
            int number = 0;
            bool isRead = isMinutes
                ? double.TryParse(value, CultureInfo.InvariantCulture, out minutes) && minutes is > 0 and < 100_000
                : isUnfolded || int.TryParse(value, CultureInfo.InvariantCulture, out number);
            if (!isRead)
            {
                fault = $"'{name} {value}' is not understood.";
                return false;
            }

            ExhaustionOptions? changed = name switch
            {
                "--nodes" => options with { Nodes = number },
                "--terms" => options with { MaxTerm = number },
                "--entries" => options with { MaxProposals = number },
                "--crashes" => options with { MaxCrashes = number },
                "--heartbeats" => options with { MaxHeartbeats = number },
                "--under-way" => options with { MaxUnderWay = number },
                "--depth" => options with { MaxDepth = number },
                "--states" => options with { MaxStates = number },
                "--unfolded" => options with { FoldsSymmetricStates = false },
                "--minutes" => options,
                _ => null,
            };
            if (changed is null)
            {
                fault = $"There is no option '{name}'.";
                return false;
            }

            options = changed;
        }

        fault = string.Join(Environment.NewLine, options.Validate());
        return fault.Length == 0;
    }
}
