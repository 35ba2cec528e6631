using System.Diagnostics;

namespace Converge.Swarm.Simulation;

/// <summary>Runs many seeds, each on one thread, and adds up what they saw. Which seed fails does not depend on the number of threads.</summary>
public static class Campaign
{
    /// <summary>Runs it.</summary>
    /// <param name="options">Which seeds, and how.</param>
    /// <param name="progress">Told after each run; called on the threads of the campaign, one at a time. May be null.</param>
    public static CampaignReport Run(CampaignOptions options, Action<SimulationRunResult>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        long began = Stopwatch.GetTimestamp();
        var sum = new Sum();
        var gate = new Lock();
        int next = 0;
        bool failed = false;

        void Work()
        {
            while (true)
            {
                int mine;
                lock (gate)
                {
                    bool outOfTime = options.Time is { } time && Stopwatch.GetElapsedTime(began) > time;
                    if (next == options.Seeds || outOfTime || (failed && options.StopAtFirstFailure))
                    {
                        return;
                    }

                    mine = next++;
                }

                SimulationRunResult result = SimulationRun.Run(RunOf(options, options.FirstSeed + (ulong)mine));
                lock (gate)
                {
                    sum.Add(result);
                    failed |= result.Failure is not null;
                    progress?.Invoke(result);
                }
            }
        }

        Thread[] threads = [.. Enumerable.Range(0, options.Threads).Select(i => new Thread(Work, 16 * 1024 * 1024) { Name = $"simulation {i}" })];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        TimeSpan took = Stopwatch.GetElapsedTime(began);
        List<CampaignFailure> failures = [.. sum.Failures.OrderBy(result => result.Seed).Select(result => options.Shorten
            ? Shorten(RunOf(options, result.Seed), result)
            : new CampaignFailure(result, result.Faults, result.Operations, result))];
        return sum.ToReport(options, took, failures);
    }

    /// <summary>The run of one seed as a campaign makes it.</summary>
    public static SimulationRunOptions RunOf(CampaignOptions options, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Run with { Seed = seed, Nodes = options.Nodes };
    }

    /// <summary>
    /// Looks for the shortest run that fails: first with as few faults as possible, then with as few client operations. A run does the same
    /// up to its last fault however many were to follow, so halving finds the place.
    /// </summary>
    private static CampaignFailure Shorten(SimulationRunOptions options, SimulationRunResult result)
    {
        SimulationRunResult shortest = result;
        int faults = Least(result.Faults, limit => Fails(options with { MaxFaults = limit }, ref shortest));
        options = options with { MaxFaults = faults };
        int operations = Least(shortest.Operations, limit => Fails(options with { MaxOperations = limit }, ref shortest));
        return new CampaignFailure(result, faults, operations, shortest);
    }

    private static bool Fails(SimulationRunOptions options, ref SimulationRunResult shortest)
    {
        SimulationRunResult result = SimulationRun.Run(options);
        if (result.Failure is null)
        {
            return false;
        }

        shortest = result;
        return true;
    }

    private static int Least(int fails, Func<int, bool> failsWith)
    {
        int passes = -1;
        while (fails - passes > 1)
        {
            int middle = passes + ((fails - passes) / 2);
            if (failsWith(middle))
            {
                fails = middle;
            }
            else
            {
                passes = middle;
            }
        }

        return fails;
    }

    private sealed class Sum
    {
        private readonly long[] _faults = new long[Enum.GetValues<FaultKind>().Length];
        private readonly long[] _coverage = new long[Enum.GetValues<SimulationCoverage>().Length];
        private readonly int[] _coverageRuns = new int[Enum.GetValues<SimulationCoverage>().Length];
        private int _runs;
        private long _steps;
        private long _operations;
        private long _messageFaults;
        private TimeSpan _time;
        private UInt128 _hash;
        private (int Faults, int Operations) _least = (int.MaxValue, int.MaxValue);

        public List<SimulationRunResult> Failures { get; } = [];

        public void Add(SimulationRunResult result)
        {
            _runs++;
            _steps += result.Steps;
            _operations += result.Operations;
            _messageFaults += result.MessageFaults;
            _time += result.Time;
            unchecked
            {
                _hash += result.TraceHash;
            }

            for (int i = 0; i < result.FaultCounts.Count; i++)
            {
                _faults[i] += result.FaultCounts[i];
            }

            for (int i = 0; i < result.Coverage.Count; i++)
            {
                _coverage[i] += result.Coverage[i];
                _coverageRuns[i] += result.Coverage[i] > 0 ? 1 : 0;
            }

            if (result.Failure is not null)
            {
                Failures.Add(result);
            }
            else
            {
                _least = (Math.Min(_least.Faults, result.Faults), Math.Min(_least.Operations, result.Operations));
            }
        }

        public CampaignReport ToReport(CampaignOptions options, TimeSpan took, IReadOnlyList<CampaignFailure> failures) => new()
        {
            Runs = _runs,
            Steps = _steps,
            VirtualTime = _time,
            RealTime = took,
            Operations = _operations,
            FaultCounts = _faults,
            MessageFaults = _messageFaults,
            Coverage = _coverage,
            CoverageRuns = _coverageRuns,
            NeverSeen = _runs < options.CoverageFromSeeds
                ? []
                : [.. Enum.GetValues<SimulationCoverage>().Where(what => _coverage[(int)what] == 0 && !options.NotExpected.Contains(what))],
            TraceHash = _hash,
            Least = _least,
            Failures = failures,
        };
    }
}
